#!/bin/sh
# The suites of test/docker alone: builds both images without an engine and runs them. `npm run verify` does so beside
# everything else.
set -eu
cd "$(dirname "$0")/../.."
. test/install.sh
. docker/test/images.sh

install_packages haproxy iptables iproute2 util-linux procps shellcheck $image_packages
install_node_modules
build_images
node_modules/.bin/node --test --test-concurrency=1 --test-reporter=./test/support/reporter.ts 'test/docker/*.test.ts'
