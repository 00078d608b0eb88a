#!/bin/sh
# Tries the built image as it is meant to run: as its own user, with a read-only root, without
# network. It paints a picture, serves until /healthz says that the engine is ready, and ends.
#   IMAGE, BUILDER as in deploy/image.sh
set -eu
IMAGE=${IMAGE:-atelier:latest}

INSIDE='
set -eu
[ "$(id -u)" = 10001 ] || { echo "not our own user: $(id)" >&2; exit 1; }
if touch /written 2>/dev/null; then echo "the root is not read-only" >&2; exit 1; fi
atelier --version
atelier paint "a lighthouse on the sea at sunset" --seed 7 -o /tmp/picture.png
python -c "
from PIL import Image
with Image.open(\"/tmp/picture.png\") as picture:
    colours = len(picture.convert(\"RGB\").resize((32, 32)).getcolors(1024))
    print(\"picture:\", picture.size, colours, \"colours\")
    assert colours > 100
"
atelier upscale /tmp/picture.png --scale 2 -o /tmp/large.png
atelier doctor --offline
atelier serve >/tmp/log 2>&1 &
server=$!
for try in $(seq 120); do
    if health=$(python -m bot.health 2>/dev/null) && case $health in *ready*) true ;; *) false ;; esac; then break; fi
    kill -0 $server || { cat /tmp/log >&2; exit 1; }
    sleep 0.5
done
case $health in *ready*) ;; *) cat /tmp/log >&2; exit 1 ;; esac
echo "health: $health"
kill -TERM $server
wait $server
echo "ended in order"
'

if [ -z "${BUILDER:-}" ]; then
    for each in docker podman buildah; do
        if command -v "$each" >/dev/null && "$each" info >/dev/null 2>&1; then BUILDER=$each; break; fi
    done
fi
case ${BUILDER:-} in
    docker | podman)
        "$BUILDER" run --rm --read-only --network none --tmpfs /tmp --tmpfs /data:uid=10001,gid=10001 \
            --cap-drop ALL --security-opt no-new-privileges --entrypoint sh "$IMAGE" -c "$INSIDE" ;;
    buildah)
        store="--storage-driver ${STORAGE_DRIVER:-vfs}"
        # shellcheck disable=SC2086
        container=$(buildah $store from --pull-never "$IMAGE")
        # shellcheck disable=SC2086
        trap 'buildah $store rm "$container" >/dev/null' EXIT
        # shellcheck disable=SC2086
        root=$(buildah $store mount "$container")
        # shellcheck disable=SC2086
        environment=$(buildah $store inspect --type image \
            --format '{{range .OCIv1.Config.Env}}{{println .}}{{end}}' "$IMAGE")
        # what an engine would do: name spaces of its own, the root read-only, another user
        export root environment INSIDE
        unshare --mount --net --pid --ipc --fork --kill-child sh -euc '
            ip link set lo up 2>/dev/null || true
            mount --bind "$root" "$root"
            mount -o remount,bind,ro "$root"
            mount -t proc proc "$root/proc"
            mount -t tmpfs tmpfs "$root/tmp"
            mount -t tmpfs -o uid=10001,gid=10001,mode=0750 tmpfs "$root/data"
            mount --rbind /dev "$root/dev"
            mount --rbind /sys "$root/sys"
            exec env -i $environment HOME=/data chroot --userspec=10001:10001 "$root" sh -c "cd /data; $INSIDE"
        ' ;;
    *) echo "No docker, podman or buildah answers here; one of them is needed." >&2; exit 1 ;;
esac
