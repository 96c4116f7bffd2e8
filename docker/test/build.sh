#!/bin/sh
# build.sh FOLDER: builds both images from their Dockerfiles without an engine (buildah on the stand-ins of bases.sh) into
# FOLDER, and says in FOLDER/outcome how it went. Root on Debian 12, after `npm ci`. The one thing that is slow to make
# and never differs, Debian's root file system, is kept in ${XDG_CACHE_HOME:-~/.cache}/haproxy-kontrol.
set -eu
cd "$(dirname "$0")/../.."
folder=$1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/haproxy-kontrol
. /etc/os-release
. docker/test/bases.sh

tell() {
  code=$?
  outcome=built
  [ "$code" = 0 ] || outcome="failed: exit code $code
$(tail -n 8 "$folder/build.log")"
  printf '%s\n' "$outcome" >"$folder/outcome.next"
  mv "$folder/outcome.next" "$folder/outcome"
}
trap tell EXIT
step() { printf '%s %s\n' "$(date -u +%T)" "$*"; }

# Overlays where the kernel grants them here; else whole copies, which always work and take their time.
mkdir -p "$folder/probe/lower" "$folder/probe/upper" "$folder/probe/work" "$folder/probe/merged"
driver=${STORAGE_DRIVER:-vfs}
if [ -z "${STORAGE_DRIVER:-}" ] && (
  cd "$folder/probe" &&
    unshare --mount mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged
) 2>/dev/null; then
  driver=overlay
fi
# Layers let the second build take over what is alike in the first; as whole copies they would cost more than that.
layers=true
[ "$driver" = overlay ] || layers=false
step "storage driver $driver"

# What buildah and podman need to do without a service manager, and apart from anybody else's containers.
cat >"$folder/storage.conf" <<CONF
[storage]
driver = "$driver"
graphroot = "$folder/graph"
runroot = "$folder/run"
CONF
cat >"$folder/containers.conf" <<CONF
[containers]
log_driver = "k8s-file"
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
tmp_dir = "$folder/tmp"
CONF
export CONTAINERS_STORAGE_CONF="$folder/storage.conf" CONTAINERS_CONF="$folder/containers.conf"
unset STORAGE_DRIVER

mkdir -p "$cache"
make_bases

# build NAME DOCKERFILE [OPTION...]
build() {
  step "building $1 from $2"
  image=$1 dockerfile=$2
  shift 2
  buildah bud --layers="$layers" --isolation chroot --pull-never --format docker --tag "$image" \
    --file "$dockerfile" "$@" .
}
build localhost/kontrol-debian docker/debian-12/Dockerfile \
  --build-arg PACKAGES='python-is-python3 python3-jinja2 jq busybox'
build localhost/kontrol-alpine alpine-3.5/Dockerfile --build-arg TELEGRAF=localhost/telegraf-stand-in \
  --build-arg PACKAGES='python2 py2-jinja2 jq'
step built
