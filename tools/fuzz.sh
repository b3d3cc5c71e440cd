#!/usr/bin/env bash
# tools/fuzz.sh [SECONDS]: runs every libFuzzer target of build/fuzz for so long (10), two at a time, each from its corpus in
# fuzz/corpus. New inputs stay in build/fuzz/found; an input that fails is kept in build/fuzz/artifacts and named.
cd "$(dirname "$0")/.." || exit 1
export seconds=${1:-10}
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 OMP_NUM_THREADS=1

run_target() {
  local program=$1 name log
  name=$(basename "$program" _fuzz)
  log=build/fuzz/found/$name.log
  mkdir -p "build/fuzz/found/$name" "build/fuzz/artifacts"
  if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="build/fuzz/artifacts/$name-" "build/fuzz/found/$name" "fuzz/corpus/$name" >"$log" 2>&1; then
    printf '%s: %s runs, clean\n' "$name" "$(awk '/number_of_executed_units/ {print $2}' "$log")"
    return 0
  fi
  printf '%s: ERROR: failed; inputs in build/fuzz/artifacts, whole output in %s\n' "$name" "$log"
  tail -n 40 "$log"
  return 1
}
export -f run_target

programs=$(find build/fuzz/fuzz -maxdepth 1 -type f -name '*_fuzz' -perm -u+x | sort)
if [ -z "$programs" ]; then
  echo "no fuzz targets are built: cmake --preset fuzz && cmake --build --preset fuzz --target spanqa_fuzzers"
  exit 1
fi
xargs -n 1 -P 2 bash -c 'run_target "$1"' _ <<<"$programs"
