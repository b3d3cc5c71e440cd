#!/usr/bin/env bash
# tools/serve/answers_once.sh COMMAND..: starts a server by COMMAND (`spanqa serve --port 0` in some root), asks it one
# question and ends it by SIGTERM. Fails unless the answer is right and the exit code 0.
set -euo pipefail
scratch=$(mktemp -d)
server=
clean_up() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  wait
  rm -rf "$scratch"
}
trap clean_up EXIT

"$@" >"$scratch/out" 2>"$scratch/log" &
server=$!
for _ in $(seq 300); do
  grep -q listening "$scratch/out" && break
  kill -0 "$server" 2>/dev/null || { cat "$scratch/out" "$scratch/log" >&2; exit 1; }
  sleep 0.1
done
port=$(grep -oE ':[0-9]+' "$scratch/out" | tail -n 1)
answer=$(curl -sf "http://127.0.0.1$port/predict" -H 'Content-Type: application/json' \
  -d '{"question": "Who lives here?", "context": "Ada lives here."}')
grep -q '"answer":"Ada"' <<<"$answer" || { echo "a wrong answer: $answer" >&2; exit 1; }
kill -TERM "$server"
wait "$server" # its exit code: 0, or this script ends with it
server=
