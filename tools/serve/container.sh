#!/usr/bin/env bash
# tools/serve/container.sh [BUILD]: makes the container's file system (packaging/container_root.sh) from a built program,
# starts the server inside it as the container's user, asks it one question, and prints the size. Needs root (chroot).
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build/release}
scratch=$(mktemp -d)
server=
clean_up() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  wait
  rm -rf "$scratch"
}
trap clean_up EXIT

packaging/container_root.sh "$build" "$scratch/root" >"$scratch/install.log"
# The environment of packaging/Dockerfile, but for a free port on loopback; without /proc, which a container has.
env -i PATH=/usr/sbin:/usr/bin OMP_WAIT_POLICY=passive SPANQA_PORT=0 SPANQA_MODELS=/usr/share/spanqa/models \
  chroot --userspec=65532:65532 "$scratch/root" /usr/bin/spanqa serve >"$scratch/out" 2>"$scratch/log" &
server=$!
for _ in $(seq 300); do
  grep -q listening "$scratch/out" && break
  kill -0 "$server" 2>/dev/null || { cat "$scratch/log" >&2; exit 1; }
  sleep 0.1
done
url=$(grep -o 'http://[^ ]*' "$scratch/out")
answer=$(curl -sf "$url/predict" -H 'Content-Type: application/json' \
  -d '{"question": "Who lives here?", "context": "Ada lives here."}')
grep -q '"answer":"Ada"' <<<"$answer" || { echo "a wrong answer: $answer" >&2; exit 1; }
kill -TERM "$server"
wait "$server" # its exit code: 0, or this script ends with it
server=
du -sb "$scratch/root" | awk '{printf "{\"container_bytes\": %d}\n", $1}'
