#!/bin/sh
# Runs a check with python3; 77 ("skipped" for CTest) where there is none.
command -v python3 >/dev/null 2>&1 || { echo "python3 is not installed"; exit 77; }
exec python3 "$@"
