# Sourced by the scripts beside it: one line for each step, everything else in build/log, the log's end on failure.
# shellcheck shell=bash
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
export LC_ALL=C.UTF-8 NINJA_STATUS='[%f/%t] '
log_folder=build/log
mkdir -p "$log_folder"
ticker_pid=

# The newest "how far" mark in a log: ninja's [12/80], ctest's 12/80 Test.
progress_of() {
  tail -c 2000 "$1" 2>/dev/null | grep -aoE '\[[0-9]+/[0-9]+\]|[0-9]+/[0-9]+ Test' | tail -n 1 | tr -d '[]' | sed 's/ Test//'
}

# Prints while a step runs: on a terminal a line that changes, elsewhere a mark each 20 s, so that a log is seen to move.
tick() {
  local label=$1 log=$2 begun=$SECONDS mark
  while sleep 1 && kill -0 $$ 2>/dev/null; do
    if [ -t 1 ]; then
      printf '\r\033[K  %-44s %4d s  %s' "$label" $((SECONDS - begun)) "$(progress_of "$log")"
    elif [ $(((SECONDS - begun) % 20)) -eq 0 ]; then
      mark=$(progress_of "$log")
      printf '%s ' "${mark:-..}"
    fi
  done
}

stop_ticker() {
  if [ -n "$ticker_pid" ]; then
    kill -KILL "$ticker_pid" 2>/dev/null # TERM would run this shell's trap in a ticker that has just begun
    ticker_pid=
  fi
}
trap stop_ticker EXIT
trap 'stop_ticker; echo; echo "interrupted"; exit 130' INT TERM

# step NAME LABEL ADVICE COMMAND..: runs the command with its output in build/log/NAME.log. On failure prints the log's
# end and ADVICE, and leaves the script with 1.
step() {
  local log=$log_folder/$1.log label=$2 advice=$3 begun=$SECONDS status
  shift 3
  printf '  %-44s ' "$label"
  tick "$label" "$log" &
  ticker_pid=$!
  disown # else the shell tells of its end
  "$@" >"$log" 2>&1 </dev/null
  status=$?
  stop_ticker
  if [ -t 1 ]; then printf '\r\033[K  %-44s ' "$label"; fi
  if [ $status -eq 0 ]; then
    printf '%4d s\n' $((SECONDS - begun))
    return 0
  fi
  printf 'failed after %d s (exit %d)\n' $((SECONDS - begun)) $status
  printf -- '--- last lines of %s\n' "$log"
  show_failure "$log"
  printf -- '---\n%s\nThe whole log: %s\n' "$advice" "$log"
  exit 1
}

# Compilers and ctest write the cause long before the end: what failed first, then the tail.
show_failure() {
  local found
  if grep -qa '^ *Start .*: ' "$1"; then # ctest: the output of each failed test, up to 20 lines
    found=$(awk '/Test +#[0-9]+:/ { left = /\*\*\*/ ? 20 : 0 } /^ +Start +[0-9]+:/ { next } left-- > 0' "$1" | head -n 100)
  else
    found=$(grep -anE '(error|Error|FAILED|ERROR)[: ]' "$1" | head -n 12)
  fi
  if [ -n "$found" ] && [ "$(wc -l <"$1")" -gt 25 ]; then
    cut -c1-400 <<<"$found"
    echo ...
  fi
  tail -n 25 "$1" | cut -c1-400
}

# How many compilers at once: one a core, each may take 2 GB. SPANQA_JOBS decides where it is set.
build_jobs() {
  local cores free_kb limit jobs
  cores=$(nproc)
  free_kb=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo 2>/dev/null)
  limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)
  if [ "$limit" != max ] && [ $((limit / 1024)) -lt "${free_kb:-0}" ]; then free_kb=$((limit / 1024)); fi
  jobs=$((${free_kb:-2097152} / 2097152))
  [ "$jobs" -lt 1 ] && jobs=1
  [ "$jobs" -gt "$cores" ] && jobs=$cores
  echo "${SPANQA_JOBS:-$jobs}"
}

# configure PRESET [cmake arguments]: with ccache where there is one.
configure() {
  local preset=$1
  shift
  step "configure-$preset" "configure ($preset)" \
    "If a library is missing, run tools/setup.sh. If this folder was moved or copied, remove build/$preset and try again." \
    cmake --preset "$preset" "-DCMAKE_CXX_COMPILER_LAUNCHER=$(command -v ccache)" "$@"
}

# build PRESET [--target ..]
build() {
  local preset=$1
  shift
  step "build-$preset" "build ($preset, $(build_jobs) at a time)" \
    "Without an error of the compiler above, memory ran out: SPANQA_JOBS=1 make test builds one file at a time." \
    cmake --build --preset "$preset" --parallel "$(build_jobs)" "$@"
}

setup() {
  tools/setup.sh "$@" || exit 1
}
