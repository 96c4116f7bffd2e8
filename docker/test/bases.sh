# Sourced by build.sh: stand-ins for the images that the Dockerfiles are built on, for a machine that reaches no image
# registry. They have what the real ones promise us, and nothing of ours. Only Debian's and npm's packages are needed.
#
#   debian:12-slim           debootstrap's minbase, with this machine's apt sources
#   node:...-bookworm-slim   that, with Node from npm's package `node`, and npm
#   node:...-alpine          BusyBox, patchelf, tini-static, and Node for glibc, whose loader and libraries have the
#                            names that musl's have there: no package of Debian's or npm's brings Node for musl.
#                            KONTROL_NODE_ALPINE is the path of a tar file of the real one's root (`docker export`)
#   haproxy:1.7.5-alpine     BusyBox, Debian's musl, HAProxy (KONTROL_HAPROXY, else Debian's 2.6)
#   telegraf-stand-in        a statically linked program of that name, to see the build argument work
#
# In the Alpine ones `apk` writes down what it was asked for instead of doing it: /apk-not-executed. Of the packages that it
# is asked for, /apk-packages has this machine's own socat, jq and Python 3 with Jinja2: it lays those over the root.

machine=$(uname -m)

# base_of DOCKERFILE ARG: the whole name of what the Dockerfile builds on.
base_of() { printf 'docker.io/library/%s\n' "$(sed -n "s/^ARG $2=//p" "$1")"; }

make_bases() {
  debian=$(base_of docker/debian-12/Dockerfile DEBIAN)
  [ -f "$cache/debian-12.tar" ] || keep_debian
  fill_machine "$folder/machine"
  layer localhost/debootstrap scratch "$cache/debian-12.tar"
  layer "$debian" localhost/debootstrap "$folder/machine"
  fill_node "$folder/node"
  layer "$(base_of docker/debian-12/Dockerfile NODE)" "$debian" "$folder/node"
  make_node_alpine "$(base_of alpine-3.5/Dockerfile NODE)"
  fill_haproxy "$folder/haproxy"
  layer "$(base_of alpine-3.5/Dockerfile HAPROXY)" scratch "$folder/haproxy"
  fill_busybox "$folder/telegraf"
  cp /bin/busybox "$folder/telegraf/usr/bin/telegraf"
  layer localhost/telegraf-stand-in scratch "$folder/telegraf"
  rm -rf "$folder/machine" "$folder/node" "$folder/haproxy" "$folder/telegraf"
}

# layer NAME BASE ROOT: the image NAME is BASE with ROOT (a folder or a tar file) laid over it.
layer() {
  step "making $1"
  container=$(buildah from --quiet --pull-never "$2")
  buildah add --quiet "$container" "$3" / >/dev/null
  buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  buildah commit --quiet --rm "$container" "$1" >/dev/null
}

# copy_program FILE ROOT PATH: a program of this machine with every library it needs.
copy_program() {
  install -D -m 755 "$1" "$2/$3"
  copy_libraries "$1" "$2"
}

copy_libraries() {
  ldd "$1" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$2$(dirname "$library")"
    cp -nL "$library" "$2$library"
  done
}

# apt_sources FORMAT FILTER...: where this machine fetches Debian's packages.
apt_sources() {
  format=$1
  shift
  [ -n "$(apt-get indextargets "Codename: $VERSION_CODENAME")" ] || apt-get update -qq
  apt-get indextargets --format "$format" 'Created-By: Packages' "$@"
}

keep_debian() {
  step "debootstrap"
  # shellcheck disable=SC2016 # apt's own variables
  mirror=$(apt_sources '$(REPO_URI)' "Codename: $VERSION_CODENAME" 'Component: main' | head -n 1)
  debootstrap --variant=minbase "$VERSION_CODENAME" "$folder/debian" "$mirror" >"$folder/debootstrap.log" 2>&1 ||
    { tail -n 20 "$folder/debootstrap.log"; return 1; }
  rm -rf "$folder"/debian/var/cache/apt/archives/*.deb "$folder"/debian/var/lib/apt/lists/*
  tar -cf "$cache/debian-12.tar.$$" -C "$folder/debian" .
  mv "$cache/debian-12.tar.$$" "$cache/debian-12.tar"
  rm -rf "$folder/debian"
}

# fill_machine ROOT: packages come from where this machine has them from, in the way it fetches them.
fill_machine() {
  mkdir -p "$1/etc/apt/sources.list.d" "$1/etc/apt/apt.conf.d" "$1/etc/ssl/certs"
  : >"$1/etc/apt/sources.list"
  # shellcheck disable=SC2016 # apt's own variables
  apt_sources 'deb $(REPO_URI) $(CODENAME) $(COMPONENT)' |
    grep " ${VERSION_CODENAME}[ -]" | sort -u >"$1/etc/apt/sources.list.d/machine.list"
  apt-config dump Acquire | grep -v '^Acquire "' >"$1/etc/apt/apt.conf.d/99machine" || :
  cp -L /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"
}

fill_node() {
  mkdir -p "$1/usr/local/bin" "$1/usr/local/etc"
  cp -L node_modules/node/bin/node "$1/usr/local/bin/node"
  npm install --silent --global --prefix "$1/usr/local" npm@11
  printf 'registry=%s\ncafile=/etc/ssl/certs/ca-certificates.crt\n' "$(npm config get registry)" >"$1/usr/local/etc/npmrc"
}

# fill_busybox ROOT: a userland like Alpine's, every applet in its place, and an `apk` that only writes down.
fill_busybox() {
  for part in bin dev etc home lib proc sbin sys usr/bin usr/lib usr/local/bin usr/sbin; do mkdir -p "$1/$part"; done
  install -d -m 1777 "$1/tmp"
  copy_program /bin/busybox "$1" bin/busybox
  chroot "$1" /bin/busybox --install -s
  printf 'root:x:0:0:root:/root:/bin/sh\nhaproxy:x:999:999::/:/bin/false\n' >"$1/etc/passwd"
  printf 'root:x:0:\nhaproxy:x:999:\n' >"$1/etc/group"
  fill_apk "$1"
}

fill_apk() {
  mkdir -p "$1/sbin"
  cat >"$1/sbin/apk" <<'APK'
#!/bin/sh
echo "$@" >>/apk-not-executed
for package; do if [ -f "/apk-packages/$package.tar" ]; then tar -xf "/apk-packages/$package.tar" -C /; fi; done
APK
  chmod 755 "$1/sbin/apk"
}

make_node_alpine() {
  root=$folder/node-alpine
  base=scratch
  if [ -n "${KONTROL_NODE_ALPINE:-}" ]; then
    base=localhost/node-alpine
    layer "$base" scratch "$KONTROL_NODE_ALPINE"
    fill_apk "$root"
  else
    fill_busybox "$root"
    fill_glibc_node "$root"
  fi
  # What the Dockerfile asks apk for.
  copy_program "$(command -v patchelf)" "$root" usr/bin/patchelf
  install -D -m 755 /usr/bin/tini-static "$root/sbin/tini-static"
  layer "$1" "$base" "$root"
  rm -rf "$root"
}

# Node for glibc, with what is musl's on Alpine under musl's names.
fill_glibc_node() {
  node=node_modules/node/bin/node
  copy_program "$node" "$1" usr/local/bin/node
  cp -L "$(ldd "$node" | grep -o '/[^ ]*/ld-linux[^ ]*')" "$1/lib/ld-musl-$machine.so.1"
  for library in libstdc++.so.6 libgcc_s.so.1; do
    cp -L "$(ldd "$node" | grep -o "/[^ ]*/$library")" "$1/usr/lib/$library"
  done
}

# keep_package NAME ROOT INTO: what `apk add NAME` brings into the stand-in INTO.
keep_package() {
  mkdir -p "$3/apk-packages"
  tar -cf "$3/apk-packages/$1.tar" -C "$2" .
  rm -rf "$2"
}

fill_packages() {
  for program in socat jq; do
    copy_program "/usr/bin/$program" "$folder/$program" "usr/bin/$program"
    keep_package "$program" "$folder/$program" "$1"
  done
  python=$(readlink -f /usr/bin/python3)
  library=usr/lib/${python##*/}
  copy_program "$python" "$folder/python" usr/bin/python
  mkdir -p "$folder/python/$library" "$folder/jinja2/usr/lib/python3"
  tar -c -C "/$library" --exclude=__pycache__ --exclude='lib-dynload' --exclude='config-*' --exclude=test . |
    tar -x -C "$folder/python/$library"
  keep_package python2 "$folder/python" "$1"
  tar -c -C /usr/lib/python3 --exclude=__pycache__ dist-packages/jinja2 dist-packages/markupsafe |
    tar -x -C "$folder/jinja2/usr/lib/python3"
  keep_package py2-jinja2 "$folder/jinja2" "$1"
}

fill_haproxy() {
  fill_busybox "$1"
  fill_packages "$1"
  cp -L "/lib/ld-musl-$machine.so.1" "$1/lib/"
  copy_program "$(command -v "${KONTROL_HAPROXY:-haproxy}")" "$1" usr/local/sbin/haproxy
  # Node for glibc takes what musl has in its loader (libm, libdl, ...) from the system.
  [ -n "${KONTROL_NODE_ALPINE:-}" ] || copy_libraries node_modules/node/bin/node "$1"
  printf '#!/bin/sh\nexec "$@"\n' >"$1/docker-entrypoint.sh"
  chmod 755 "$1/docker-entrypoint.sh"
}
