#!/bin/sh
# bundle.sh FOLDER: the daemon as an image (or any machine with Node 24) needs it, laid out below FOLDER as below "/".
# Run at the top level after `npm ci --ignore-scripts`. It leaves only production dependencies in node_modules there.
set -eu
top=$PWD
mkdir -p "$1"
out=$(cd "$1" && pwd)
home=$out/usr/local/lib/haproxy-kontrol

npm run --silent build
npm prune --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error

mkdir -p "$home" "$out/usr/local/bin"
cp -R dist node_modules package.json lifecycle.yml LICENSE docker/healthcheck.js "$home/"
cd "$home"

# npm's own records, and executables of packages that nothing here calls.
rm -rf node_modules/.package-lock.json node_modules/.installed-lock node_modules/.cache node_modules/.bin

# What Node never loads: types and sources of what is compiled, source maps, prose, binaries for other runtimes (Bare).
# Folders go only from the top of a package, where they are its tests and examples; deeper down "test" can be code.
find node_modules -type f \( \
  -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.map' -o -name '*.tsbuildinfo' -o -name '*.flow' -o \
  -name '*.bare' -o -name '.*' -o -name '*.markdown' -o -name 'yarn.lock' -o \
  -name '*.md' ! -iname 'licen[sc]e*' ! -iname 'notice*' \) -exec rm -f {} +
find node_modules -name package.json -exec dirname {} \; | sort | while read -r package; do
  # Gone with its parent already, or no package's root: files that merely set a module type name no version.
  grep -qs '"version"' "$package/package.json" || continue
  for name in test tests __tests__ example examples benchmark benchmarks bench docs doc man .github; do
    rm -rf "${package:?}/$name"
  done
done
find node_modules -type d -empty -delete

chmod 755 dist/main.js
ln -s ../lib/haproxy-kontrol/dist/main.js "$out/usr/local/bin/haproxy-kontrol"
# What the shell blocks of 2017 call.
install -m 755 "$top/docker/supervisorctl" "$out/usr/local/bin/supervisorctl"
