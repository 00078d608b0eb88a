#!/bin/sh
# Makes a base image from Debian's packages alone, for machines that reach no image registry:
#   sh deploy/base.sh && make image BASE=localhost/atelier-base
# Needs root, debootstrap and buildah; DEBIAN and MIRROR choose the release and where it comes from.
set -eu
DEBIAN=${DEBIAN:-bookworm}
MIRROR=${MIRROR:-http://deb.debian.org/debian}
NAME=${NAME:-localhost/atelier-base}
DRIVER=${STORAGE_DRIVER:-vfs}

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates \
    "$DEBIAN" "$root" "$MIRROR"
# what a container never reads
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* \
    "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/* "$root"/usr/share/info/*
container=$(buildah --storage-driver "$DRIVER" from scratch)
buildah --storage-driver "$DRIVER" copy -q "$container" "$root" /
buildah --storage-driver "$DRIVER" config --cmd /bin/bash "$container"
buildah --storage-driver "$DRIVER" commit -q --rm "$container" "$NAME"
echo "$NAME"
