#!/usr/bin/env bash
# tools/setup.sh [ci]: installs the Debian packages the build needs and are not there; "ci" adds those of .ci/run.
# Asks for nothing and changes nothing when all is there.
. "$(dirname "$0")/steps.sh"

# A command that is there counts, wherever it came from; libraries go by their Debian package.
commands=(g++:g++ cmake:cmake ninja:ninja-build)
libraries=(libdnnl-dev ocl-icd-opencl-dev libhwy-dev libexpected-dev nlohmann-json3-dev libsimdjson-dev libfmt-dev
           libcli11-dev libutf8proc-dev libboost1.81-dev zlib1g-dev libssl-dev prometheus-cpp-dev libgtest-dev
           libbenchmark-dev)
if [ "${1:-}" = ci ]; then
  commands+=(clang++-19:clang-19 clang-tidy-19:clang-tidy-19 clang-format-19:clang-format-19 python3:python3
             git:git ctags:universal-ctags ccache:ccache chromium:chromium curl:curl)
  libraries+=(libclang-rt-19-dev libomp-19-dev)
fi

missing=()
for pair in "${commands[@]}"; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing+=("${pair##*:}")
done
# Debian's python3 makes virtual environments (tools/venv.sh) with this package only, others' by themselves.
if [ "${1:-}" = ci ] && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then missing+=(python3-venv); fi
if command -v dpkg-query >/dev/null 2>&1; then
  installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${libraries[@]}" 2>/dev/null | awk '$1 == "ii" {print $2}')
  for package in "${libraries[@]}"; do
    grep -qxF "$package" <<<"$installed" || missing+=("$package")
  done
elif [ ${#missing[@]} -eq 0 ]; then
  echo "  not a Debian system: CMake will say which library is missing" >&2
  exit 0
fi
[ ${#missing[@]} -eq 0 ] && exit 0

by_hand="apt-get update && apt-get install --no-install-recommends ${missing[*]}"
give_up() {
  printf '%s\nMissing Debian packages: %s\n' "$1" "${missing[*]}" >&2
  printf 'Install them as root, then run the same command again:\n  %s\n' "$by_hand" >&2
  exit 1
}

command -v apt-get >/dev/null 2>&1 || give_up "This machine has no apt-get; the names below are those of Debian 12."
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null 2>&1 || give_up "Packages are missing, and there is neither root nor sudo to install them."
  if ! sudo -n true 2>/dev/null; then
    { [ -t 0 ] && [ -t 2 ]; } || give_up "Packages are missing, and sudo wants a password."
    echo "  sudo is needed to install: ${missing[*]}"
    sudo -v || give_up "sudo was refused."
  fi
  as_root=(sudo)
fi

apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@"; }
fetch_and_install() { apt update && apt install -y --no-install-recommends "${missing[@]}"; }
step packages "install ${#missing[@]} Debian packages" \
  "Missing Debian packages: ${missing[*]}
Is the network up, and does /etc/apt/sources.list name Debian 12 (main)? By hand, as root:
  $by_hand" \
  fetch_and_install
