#!/usr/bin/env bash
# tools/format.sh [--apply]: checks that the sources are as clang-format-19 writes them (77, "skipped", without it).
cd "$(dirname "$0")/.." || exit 1
if ! command -v clang-format-19 >/dev/null 2>&1; then
  echo "clang-format-19 is not installed: apt-get install clang-format-19"
  exit 77
fi
mode=(--dry-run -Werror)
[ "${1:-}" = --apply ] && mode=(-i)
find src tests fuzz bench examples \( -name '*.cc' -o -name '*.h' \) -print0 | xargs -0 clang-format-19 "${mode[@]}" || {
  echo "run make format"
  exit 1
}
