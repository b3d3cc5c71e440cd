#!/usr/bin/env bash
# tools/venv.sh NAME REQUIREMENT: prints the folder of programs of a virtual environment in build/tools/NAME that holds a
# package from PyPI; filled at the first call, and when REQUIREMENT changes.
set -euo pipefail
folder=$(cd "$(dirname "$0")/.." && pwd)/build/tools/$1
if [ "$(cat "$folder/installed" 2>/dev/null)" != "$2" ]; then
  python3 -m venv --clear "$folder" >&2
  "$folder/bin/pip" install --quiet --disable-pip-version-check "$2" >&2
  echo "$2" >"$folder/installed"
fi
echo "$folder/bin"
