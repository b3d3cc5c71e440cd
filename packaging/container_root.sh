#!/usr/bin/env bash
# packaging/container_root.sh BUILD ROOT: the file system of the container, from a build folder whose program is built:
# the program with its model, the shared libraries that it loads, the user it runs as, and the licences of all that.
set -euo pipefail
build=$1 root=$2
mkdir -p "$root"/usr/lib "$root"/usr/lib64 "$root"/etc
ln -sfn usr/lib "$root/lib"
ln -sfn usr/lib64 "$root/lib64"
DESTDIR=$(cd "$root" && pwd) cmake --install "$build" --prefix /usr --component program --strip
rm -rf "$root"/usr/lib/systemd "$root"/usr/share/{bash-completion,zsh,fish}

mapfile -t libraries < <(ldd "$root/usr/bin/spanqa" | grep -oE '/[^ ]+\.so[^ ]*' | sort -u)
for library in "${libraries[@]}"; do
  cp -L --parents "$library" "$root"
  # Debian 12 lists files by their place before /lib became a link.
  package=$(dpkg-query -S "$(realpath "$library")" "$library" "${library#/usr}" "/usr$library" 2>/dev/null |
            sed -n '1s/:.*//p' || true)
  [ -n "$package" ] && cp -L --parents "/usr/share/doc/$package/copyright" "$root"
done

echo 'spanqa:x:65532:65532:spanqa:/:/usr/sbin/nologin' >"$root/etc/passwd"
echo 'spanqa:x:65532:' >"$root/etc/group"
