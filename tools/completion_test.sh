#!/usr/bin/env bash
# What the completion offers, asked of a stand-in that prints help the way CLI11 does.
set -u
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/spanqa" <<'PROGRAM'
#!/bin/sh
case "$1" in
  data) [ "$2" = check ] && printf 'Options:\n  -h,--help   Print\n  --strict    All\n' && exit
    printf 'Usage: spanqa data\n\nOptions:\n  -h,--help   Print\n\nSubcommands:\n  check    looks\n  convert  writes\n' ;;
  ask) printf 'Options:\n  -h,--help   Print\n  --file TEXT  a file\n  --json      as JSON\n' ;;
  *) printf 'Usage: spanqa\n\nOptions:\n  -h,--help   Print\n  --version   Print\n\nSubcommands:\n  ask   asks\n        a long line\n  data  data\n' ;;
esac
PROGRAM
chmod +x "$folder/spanqa"
PATH=$folder:$PATH
. "$here/spanqa-completion.bash"
failures=0

# expect "WORDS WANTED" WORD..: the last word is the one being typed.
expect() {
  local wanted=$1 got
  shift
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _spanqa
  got=${COMPREPLY[*]:-}
  if [ "$got" != "$wanted" ]; then
    echo "after '$*': got '$got', wanted '$wanted'"
    failures=$((failures + 1))
  fi
}
expect "ask data" spanqa ""
expect "ask" spanqa a
expect "-h --help --version" spanqa -
expect "--file" spanqa ask --f
expect "check convert" spanqa data ""
expect "--strict" spanqa data check --s
expect "" spanqa ask "Who was"
[ $failures -eq 0 ] && echo "completion offers what the help lists"
exit $failures
