#!/bin/sh
# unpack-haproxy.sh SUITE FOLDER: HAProxy of another suite of Debian, in FOLDER/haproxy, beside the libraries of that suite.
# The machine's own packages and lists are left alone: apt works on a state of its own. Takes no root. The mirror is the machine's.
set -eu
suite=$1
folder=$2

main_archive() {
  apt-get indextargets --format '$(LABEL) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 == "main" {print $3; exit}'
}

mirror=$(main_archive)
if [ -z "$mirror" ] && [ "$(id -u)" = 0 ]; then
  apt-get update -qq
  mirror=$(main_archive)
fi
[ -n "$mirror" ] || { echo 'no archive of Debian among the sources of apt, or its lists were never fetched' >&2; exit 1; }

staging=$folder.new
rm -rf "$staging"
mkdir -p "$staging/root" "$staging/apt/lists/partial" "$staging/apt/cache/archives/partial"
: >"$staging/apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$staging/apt/sources.list"

own_apt() {
  command=$1
  shift
  "$command" -o Dir::Etc::SourceList="$staging/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$staging/apt/lists" -o Dir::State::Status="$staging/apt/status" -o Dir::Cache="$staging/apt/cache" \
    -o Acquire::Languages=none -o APT::Sandbox::User=root -o Debug::NoLocking=true "$@"
}

own_apt apt-get update -qq
# On a machine without packages: HAProxy with all it stands on, of which only the libraries are wanted.
packages=$(own_apt apt-get install --simulate --no-install-recommends haproxy | awk '$1 == "Inst" && $2 ~ /^(haproxy|lib.*)$/ {print $2}')
(cd "$staging/apt/cache/archives" && own_apt apt-get download -qq $packages)
for archive in "$staging"/apt/cache/archives/*.deb; do dpkg-deb -x "$archive" "$staging/root"; done
rm -rf "$staging/apt"

# The program finds that suite's libraries, and the loader beside its libc, by what is written into it.
program=$staging/root/usr/sbin/haproxy
libc=$(find "$staging/root" -name libc.so.6 | head -n 1)
libraries=$folder${libc#"$staging"}
libraries=${libraries%/*}
loader=$libraries/$(basename "$(patchelf --print-interpreter "$program")")
triplet=${libraries##*/}
patchelf --set-interpreter "$loader" --force-rpath --set-rpath "$folder/root/usr/lib/$triplet:$folder/root/lib/$triplet" "$program"
ln -s root/usr/sbin/haproxy "$staging/haproxy"
rm -rf "$folder"
mv "$staging" "$folder"
