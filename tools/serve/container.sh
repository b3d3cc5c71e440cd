#!/usr/bin/env bash
# tools/serve/container.sh [BUILD]: makes the container's file system (packaging/container_root.sh) from a built program,
# starts the server inside it as the container's user, asks it one question, and prints the size. Needs root (chroot).
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

packaging/container_root.sh "${1:-build/release}" "$scratch/root"
# The environment of packaging/Dockerfile, but for a free port on loopback; without /proc, which a container has.
tools/serve/answers_once.sh env -i PATH=/usr/sbin:/usr/bin OMP_WAIT_POLICY=passive SPANQA_PORT=0 \
  SPANQA_MODELS=/usr/share/spanqa/models chroot --userspec=65532:65532 "$scratch/root" /usr/bin/spanqa serve
du -sb "$scratch/root" | awk '{printf "{\"container_bytes\": %d}\n", $1}'
