#!/usr/bin/env bash
# tools/serve/image.sh: builds packaging/Dockerfile as it stands by buildah, with chroot isolation, over a Debian 12 made by
# mmdebstrap in place of the one from a registry; then starts the server in the image, asks it one question, and prints the
# image's size. Takes as long as a build. Needs root, buildah, mmdebstrap. DOCKERFILE names another one to build; what
# stands behind the script's name goes to `buildah build`.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
in_storage() { command buildah --root "$scratch/storage" --runroot "$scratch/run" --storage-driver vfs "$@"; }

mmdebstrap --variant=minbase bookworm "$scratch/base.tar"
base=$(in_storage from scratch)
in_storage add -q "$base" "$scratch/base.tar" /
in_storage config --cmd /bin/bash "$base"
in_storage commit -q --rm "$base" localhost/debian:12-slim
in_storage build --isolation chroot --pull-never -f "${DOCKERFILE:-packaging/Dockerfile}" -t spanqa:test "$@" .

container=$(in_storage from --pull-never spanqa:test)
in_storage inspect --format 'user {{.OCIv1.Config.User}}, command {{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.Cmd}}' "$container"
root=$(in_storage mount "$container")
mapfile -t environment < <(in_storage inspect --format '{{range .OCIv1.Config.Env}}{{println .}}{{end}}' "$container" | grep .)
user=$(in_storage inspect --format '{{.OCIv1.Config.User}}' "$container")
tools/serve/answers_once.sh env -i "${environment[@]}" SPANQA_PORT=0 chroot --userspec="$user" "$root" /usr/bin/spanqa serve
[ ! -e "$root/bin/sh" ] || { echo "the image holds a shell" >&2; exit 1; }
du -sb "$root" | awk '{printf "{\"image_bytes\": %d}\n", $1}'
in_storage rm "$container" >/dev/null
