#!/bin/sh
# Builds the image with docker, podman or buildah, whichever works here, and prints its size.
#   IMAGE    its name (atelier:latest)
#   BASE     the base image, instead of the one that deploy/Dockerfile names
#   BUILDER  docker, podman or buildah, instead of the first that answers
#   OPTIONS  more options of the builder, such as: --volume /etc/pip.conf:/etc/pip.conf:ro
set -eu
cd "$(dirname "$0")/.."
IMAGE=${IMAGE:-atelier:latest}
LIMIT_MB=${LIMIT_MB:-1500}
VERSION=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
REVISION=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)

if [ -z "${BUILDER:-}" ]; then
    for each in docker podman buildah; do
        # `info` fails for a docker client without its engine
        if command -v "$each" >/dev/null && "$each" info >/dev/null 2>&1; then BUILDER=$each; break; fi
    done
fi
[ -n "${BUILDER:-}" ] || { echo "No docker, podman or buildah answers here; one of them is needed." >&2; exit 1; }

set -- -f deploy/Dockerfile -t "$IMAGE" --build-arg "VERSION=$VERSION" --build-arg "REVISION=$REVISION"
[ -z "${BASE:-}" ] || set -- "$@" --build-arg "BASE=$BASE"
# shellcheck disable=SC2086 # OPTIONS are several words
case $BUILDER in
    docker)
        docker build "$@" ${OPTIONS:-} .
        bytes=$(docker image inspect --format '{{.Size}}' "$IMAGE") ;;
    podman)
        podman build --format docker "$@" ${OPTIONS:-} .
        bytes=$(podman image inspect --format '{{.Size}}' "$IMAGE") ;;
    buildah)
        # vfs and chroot work wherever there is a root, also inside another container
        store="--storage-driver ${STORAGE_DRIVER:-vfs}"
        buildah $store bud --format docker --isolation "${ISOLATION:-chroot}" "$@" ${OPTIONS:-} .
        # what the files of the image take, as the other two count it
        container=$(buildah $store from --pull-never "$IMAGE")
        bytes=$(du -s --apparent-size --block-size=1 "$(buildah $store mount "$container")" | cut -f1)
        buildah $store rm "$container" >/dev/null ;;
    *) echo "BUILDER=$BUILDER is none of docker, podman, buildah" >&2; exit 1 ;;
esac
echo "$IMAGE: $((bytes / 1000000)) MB (built with $BUILDER, limit $LIMIT_MB MB)"
[ "$bytes" -le $((LIMIT_MB * 1000000)) ] || { echo "The image is too large." >&2; exit 1; }
