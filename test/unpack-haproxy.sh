#!/bin/sh
# unpack-haproxy.sh SUITE FOLDER: HAProxy of another suite of Debian, in FOLDER/haproxy, beside the libraries of that suite.
set -eu
suite=$1
folder=$2
staging=$folder.new
. "${0%/*}/other-suite.sh"

# On a machine without packages: HAProxy with all it stands on, of which only the libraries are wanted.
packages=$(own_apt apt-get install --simulate --no-install-recommends haproxy | awk '$1 == "Inst" && $2 ~ /^(haproxy|lib.*)$/ {print $2}')
unpack $packages

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
