#!/usr/bin/env bash
# make packaging: each part of packaging/ that needs no build of its own, from the release build. Needs root.
. "$(dirname "$0")/../steps.sh"
build=build/release

manifest() { "$(tools/venv.sh kubernetes kubernetes-validate==1.37.0)/kubernetes-validate" --strict packaging/kubernetes/spanqa.yaml; }
dashboard() { python3 tools/serve/check_dashboard.py; }

step manifest "Kubernetes manifest against its schema" "The log names the field." manifest
step dashboard "Grafana dashboard against the metrics" "The log names panels and series." dashboard
step container "the container's file system answers" "Needs root, curl." tools/serve/container.sh "$build"
step debian-package "the Debian package on a bare Debian 12" "Needs root, mmdebstrap, systemd, curl." tools/serve/debian_package.sh "$build"
grep -h bytes "$log_folder/container.log" "$log_folder/debian-package.log"
