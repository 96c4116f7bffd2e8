#!/bin/sh
# Lints, type-checks and runs every suite. On a Debian machine, as root, it first installs the real parts that the
# suites run against; elsewhere suites that lack theirs say so and are skipped (in CI they fail).
set -eu
cd "$(dirname "$0")/.."
. test/install.sh
. docker/test/images.sh

install_packages haproxy iptables iproute2 util-linux python3-jinja2 faketime \
  etcd-server socat netcat-openbsd openssl dpkg-dev chromium fonts-dejavu-core \
  procps shellcheck patchelf $image_packages
build_apiserver
install_promtool
install_newer_haproxy
install_kubectl
install_helm
install_jinja
install_node_modules
build_images
npm run --silent lint
npm run --silent typecheck
npm run --silent test
