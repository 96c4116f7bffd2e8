# Sourced by the two commands that test: both images are built beside the other suites, in a folder of this run's own
# (KONTROL_IMAGES), which goes when the run ends. The suites of test/docker wait for the word in its file `outcome`:
#
#   built            the images are in its storage
#   refused: WHY     they cannot be built here
#   failed: WHY      they were tried

image_packages='buildah podman runc debootstrap busybox-static musl patchelf tini socat jq python3-jinja2'

# image_refusal: why no image can be built here; nothing where they can.
image_refusal() {
  [ "$(id -u)" = 0 ] || { echo 'that takes root'; return; }
  (. /etc/os-release && [ "$ID:$VERSION_ID" = debian:12 ]) 2>/dev/null || { echo 'that takes Debian 12'; return; }
  for program in buildah podman runc debootstrap patchelf socat jq /bin/busybox /usr/bin/tini-static; do
    command -v "$program" >/dev/null 2>&1 || { echo "there is no $program"; return; }
  done
  unshare --mount mount -t tmpfs tmpfs "$KONTROL_IMAGES" 2>/dev/null || { echo 'mounting is forbidden'; return; }
  unshare --pid --net --ipc --uts --fork chroot / true 2>/dev/null || echo 'namespaces or chroot are forbidden'
}

build_images() {
  KONTROL_IMAGES=$(mktemp -d "${TMPDIR:-/tmp}/kontrol-images.XXXXXX")
  export KONTROL_IMAGES
  trap remove_images EXIT
  trap 'exit 1' INT TERM HUP
  refusal=$(image_refusal)
  if [ -n "$refusal" ]; then
    say "the images are not built: $refusal"
    echo "refused: $refusal" >"$KONTROL_IMAGES/outcome"
    return 0
  fi
  say "building the images beside the suites; its log is $KONTROL_IMAGES/build.log"
  # A session of its own, so that all of it can be ended.
  setsid nice -n 10 sh docker/test/build.sh "$KONTROL_IMAGES" >"$KONTROL_IMAGES/build.log" 2>&1 </dev/null &
  image_builder=$!
}

remove_images() {
  # Once it has given its word it has ended, and its number may be another one's.
  if [ -n "${image_builder:-}" ] && [ ! -f "$KONTROL_IMAGES/outcome" ]; then
    pkill -KILL --session "$image_builder" || kill -KILL "$image_builder" || :
    wait "$image_builder" 2>/dev/null || :
  fi
  if [ -f "$KONTROL_IMAGES/storage.conf" ]; then
    CONTAINERS_STORAGE_CONF=$KONTROL_IMAGES/storage.conf CONTAINERS_CONF=$KONTROL_IMAGES/containers.conf \
      podman rm --all --force --time 0 >/dev/null 2>&1 || :
  fi
  # A mount inside another one comes first.
  cut -d ' ' -f 2 /proc/mounts | grep "^$KONTROL_IMAGES/" | sort -r | while read -r mount; do umount -l "$mount" || :; done
  rm -rf "$KONTROL_IMAGES"
}
