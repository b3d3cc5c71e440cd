#!/usr/bin/env bash
# make lint: the checks of CTest label `lint`, which make test runs too.
. "$(dirname "$0")/steps.sh"
setup
configure release
step lint "layers, sizes, text, format" "One check again: ctest --preset release -L lint -R NAME" \
  ctest --preset release -L lint --parallel "$(nproc)"
