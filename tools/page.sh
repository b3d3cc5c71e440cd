#!/usr/bin/env bash
# tools/page.sh [build] [check] [test]: the page of `spanqa serve` (web/). Node is the machine's or comes from PyPI
# (tools/node.sh), packages come from npm; "test" needs Chromium too (CHROMIUM names it; /usr/bin/chromium without).
#   build  type-checks, builds, writes src/serve/page/
#   check  builds elsewhere and fails where src/serve/page/ differs
#   test   the flows in a browser, against a mock server; where SPANQA_PROGRAM names a spanqa that serves, against it too
. "$(dirname "$0")/steps.sh"
[ $# -eq 0 ] && set -- check test
committed=src/serve/page
scratch=$PWD/build/page
chromium=${CHROMIUM:-/usr/bin/chromium}

find_node() {
  local folder
  folder=$(tools/node.sh) || return 1
  export PATH=$folder:$PATH
  echo "node $(node --version), npm $(npm --version) in $folder"
}

install_packages() {
  [ web/node_modules/.package-lock.json -nt web/package-lock.json ] && return 0
  (cd web && npm ci --prefer-offline --ignore-scripts --no-audit --no-fund && touch node_modules/.package-lock.json)
}

build_into() { (cd web && npm run --silent check && node_modules/.bin/vite build --logLevel warn --emptyOutDir --outDir "$1"); }

compare() {
  rm -rf "$scratch"
  build_into "$scratch" && diff -r "$scratch" "$committed"
}

flows() {
  [ -x "$chromium" ] || {
    echo "no browser at $chromium: apt-get install chromium"
    return 1
  }
  (cd web && CHROMIUM=$chromium npm run --silent test)
}

step page-node "Node" "Is PyPI reachable? Any Node of 20.19 or newer with npm on PATH will do." find_node
step page-install "the page's packages" "Is the registry or npm's cache reachable? By hand: (cd web && npm ci)" install_packages
for part in "$@"; do
  case $part in
    build) step page-build "build the page" "By hand: (cd web && npm run build)" build_into "$PWD/$committed" ;;
    check) step page-check "the committed page is that of web/" "After a change of web/: tools/page.sh build, and commit $committed" compare ;;
    test)
      step page-test "the page's flows" "One file again: (cd web && node --test test/answers.test.mjs)" flows
      grep -aE '(ℹ|#) (tests|pass|fail|skipped) ' "$log_folder/page-test.log" | tr '\n' ' ' | sed 's/^/    /; s/ $/\n/'
      ;;
    *)
      echo "no part \"$part\"; parts: build check test"
      exit 2
      ;;
  esac
done
