#!/bin/sh
# unpack-kubectl.sh PROGRAM: kubectl of Debian 13, which has kustomize 5, at PROGRAM. It needs nothing but libc.
set -eu
suite=trixie
staging=$1.new
. "${0%/*}/other-suite.sh"

unpack kubectl
"$staging/root/usr/bin/kubectl" version --client
mv "$staging/root/usr/bin/kubectl" "$1"
rm -rf "$staging"
