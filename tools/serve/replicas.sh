#!/usr/bin/env bash
# tools/serve/replicas.sh: packaging/nginx/spanqa.conf before two replicas on loopback. Under load one is killed (kill -9)
# and started again, then the other is told to stop (SIGTERM); no request may fail, and every answer must be the right
# one. SPANQA_PROGRAM names the program, REQUESTS (400) and CLIENTS (8) the load. Needs nginx, openssl, curl, python3.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=${SPANQA_PROGRAM:-build/release/src/cli/spanqa}
scratch=$(mktemp -d)
declare -A pids=()
clean_up() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$scratch"
}
trap clean_up EXIT

free_port() { PYTHONPATH=tools/serve python3 -c 'import common; print(common.free_port())'; }
ports=("$(free_port)" "$(free_port)")
https=$(free_port)

# start N: replica 0 or 1 on its port; returns when it is ready. No cache of answers: each request is to be read.
start() {
  : >"$scratch/out.$1"
  "$program" serve --port "${ports[$1]}" --cache-mb 0 --threads 1 >"$scratch/out.$1" 2>>"$scratch/log.$1" &
  pids[$1]=$!
  for _ in $(seq 300); do
    grep -q listening "$scratch/out.$1" && return 0
    sleep 0.1
  done
  cat "$scratch/log.$1" >&2
  return 1
}

# The sample as it is, but for ports, and a certificate made here.
start_nginx() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout "$scratch/key.pem" \
    -out "$scratch/certificate.pem" 2>/dev/null
  sed -e "s/127.0.0.1:5001/127.0.0.1:${ports[0]}/; s/127.0.0.1:5002/127.0.0.1:${ports[1]}/" \
    -e "s/listen 443/listen 127.0.0.1:$https/; s#/etc/nginx/spanqa/#$scratch/#" \
    packaging/nginx/spanqa.conf >"$scratch/site.conf"
  cat >"$scratch/nginx.conf" <<END
daemon off;
pid $scratch/nginx.pid;
error_log $scratch/nginx.log warn;
events {}
http {
    access_log $scratch/access.log;
    client_body_temp_path $scratch/body;
    proxy_temp_path $scratch/proxy;
    fastcgi_temp_path $scratch/fastcgi;
    uwsgi_temp_path $scratch/uwsgi;
    scgi_temp_path $scratch/scgi;
    include $scratch/site.conf;
}
END
  nginx -t -q -c "$scratch/nginx.conf"
  nginx -c "$scratch/nginx.conf" 2>/dev/null &
  pids[nginx]=$!
  for _ in $(seq 50); do
    curl -skf "https://127.0.0.1:$https/health/ready" >/dev/null && return 0
    sleep 0.1
  done
  cat "$scratch/nginx.log" >&2
  return 1
}

answered() { wc -l <"$scratch/answered" 2>/dev/null || echo 0; }
wait_for() { # N: until so many requests are answered
  until [ "$(answered)" -ge "$1" ]; do
    kill -0 "${pids[load]}" 2>/dev/null || return 0
    sleep 0.02
  done
}

start 0
start 1
start_nginx
version=$(curl -sk --http2 -o /dev/null -w '%{http_version}' "https://127.0.0.1:$https/health")
[ "$version" = 2 ] || { echo "nginx speaks HTTP/$version, not 2" >&2; exit 1; }
[ "$(curl -sk -o /dev/null -w '%{http_code}' "https://127.0.0.1:$https/metrics")" = 404 ]

requests=${REQUESTS:-400}
: >"$scratch/answered"
python3 tools/serve/steady_load.py "https://127.0.0.1:$https" --requests "$requests" --clients "${CLIENTS:-8}" \
  --answered "$scratch/answered" >"$scratch/result" &
pids[load]=$!
wait_for $((requests / 4))
kill -9 "${pids[0]}"
killed_at=$(answered)
wait "${pids[0]}" 2>/dev/null || true
start 0
# nginx leaves a replica that failed alone for fail_timeout (5 s): only then can the other one go.
sleep 6
stopped_at=$(answered)
kill -TERM "${pids[1]}"
stopped=0
wait "${pids[1]}" || stopped=$?
unset 'pids[1]'
lost=0
wait "${pids[load]}" || lost=$?
unset 'pids[load]'
repeated=$(grep -c 'while .* upstream' "$scratch/nginx.log" || true)
python3 - "$scratch/result" "$killed_at" "$stopped_at" "$stopped" "$repeated" <<'END'
import datetime, json, platform, sys
result = json.load(open(sys.argv[1]))
names = ("killed_at", "stopped_at", "stopped_exit_code", "upstream_failures_seen_by_nginx")
result |= dict(zip(names, map(int, sys.argv[2:])))
print(json.dumps({"what": "replicas", "date": datetime.date.today().isoformat(), "machine": platform.machine(), **result}))
END
[ "$lost" -eq 0 ] && [ "$stopped" -eq 0 ] || exit 1
[ "$stopped_at" -lt "$requests" ] || { echo "the load ended before the second replica was stopped: more REQUESTS" >&2; exit 1; }
