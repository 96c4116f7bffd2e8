#!/bin/sh
# From a fresh clone to a proxy that serves: installs, builds, finds HAProxy (or apt-installs it, as root) and starts the demo.
set -eu
cd "$(dirname "$0")/.."
. test/install.sh

command -v "${KONTROL_HAPROXY:-haproxy}" >/dev/null 2>&1 || install_packages haproxy
install_node_modules
npm run --silent build
exec node dist/main.js demo
