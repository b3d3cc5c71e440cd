#!/usr/bin/env bash
# make test: builds everything and runs all tests.
. "$(dirname "$0")/steps.sh"
echo "make test: builds spanqa and runs its tests (logs in $log_folder)"
setup
configure release
build release
step test-release "tests" \
  "One test again, with its output: ctest --preset release -R NAME" \
  ctest --preset release --parallel "$(nproc)"
skipped=$(grep -acE '\((Skipped|Disabled)\)$' "$log_folder/test-release.log")
[ "$skipped" -gt 0 ] && echo "  $skipped checks skipped, their tools are not installed (tools/setup.sh ci installs them)"
grep -aE '^([0-9]+% tests passed|Total Test time)' "$log_folder/test-release.log"
