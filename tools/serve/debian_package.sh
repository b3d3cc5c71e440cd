#!/usr/bin/env bash
# tools/serve/debian_package.sh [BUILD]: packs the built program (CPack), installs the package on a Debian 12 that holds
# little else, starts the server there and asks it one question, looks at the unit, removes the package, and prints its
# size. Needs root, mmdebstrap and systemd-analyze.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cpack --config "${1:-build/release}/CPackConfig.cmake" -B "$scratch/package"
package=$(echo "$scratch"/package/*.deb)
dpkg-deb --info "$package"
root=$scratch/root
# The unit refers to systemd's targets and, for a reload, to kill: every installed system has both.
mmdebstrap --variant=apt --include=systemd,procps --customize-hook="copy-in $package /tmp" \
  --chrooted-customize-hook="apt-get install -y --no-install-recommends /tmp/$(basename "$package")" bookworm "$root"

# As nobody, because the unit's user exists while the unit runs only; with /proc, by which the program finds its model.
tools/serve/answers_once.sh unshare --mount sh -c 'mount -t proc proc "$1/proc" && exec env -i PATH=/usr/sbin:/usr/bin \
  OMP_WAIT_POLICY=passive SPANQA_PORT=0 chroot --userspec=65534:65534 "$1" spanqa serve' sh "$root"
systemd-analyze verify --root="$root" spanqa.service
# In tenths: below 2.0 is what systemd calls OK.
systemd-analyze security --offline=true --root="$root" --threshold=20 --no-pager spanqa.service | tail -n 1

chroot "$root" dpkg --verify spanqa
chroot "$root" apt-get purge -y -q spanqa
left=$(find "$root/usr" "$root/etc" -iname '*spanqa*')
[ -z "$left" ] || { echo "left behind: $left" >&2; exit 1; }
stat -c '{"package_bytes": %s}' "$package"
