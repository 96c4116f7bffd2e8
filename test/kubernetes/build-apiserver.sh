#!/bin/bash
# Builds a real kube-apiserver (Kubernetes 1.20) out of Debian's source package, for the suites: once, into a cache
# outside the repository. Only apt is asked; the system's own package lists stay as they are.
#   build-apiserver.sh FOLDER  ->  FOLDER/kube-apiserver
# Cold it takes 4 to 6 minutes on two cores and 3 GiB of disk meanwhile; a second call answers at once, and one that
# comes while another builds waits for it.
set -euo pipefail

suite=bookworm
folder=$(mkdir -p "$1" && cd "$1" && pwd)
binary=$folder/kube-apiserver
[ -x "$binary" ] && exit 0

exec 9>"$folder/build.lock"
flock 9
[ -x "$binary" ] && exit 0

work=$folder/building
rm -rf "$work"
mkdir -p "$work"/{lists/partial,cache/archives/partial,download,root}

mirror=$(apt-cache policy | awk -v wanted="$suite/main" '$2 ~ /^https?:/ && $3 == wanted {print $2; exit}')
[ -n "$mirror" ] || mirror=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
if [ -z "$mirror" ]; then
  echo "cannot build kube-apiserver: apt has no source for Debian $suite" >&2
  exit 1
fi
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
for kind in deb deb-src; do echo "$kind [signed-by=$keyring] $mirror $suite main"; done >"$work/sources.list"
cat >"$work/apt.conf" <<CONF
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::lists "$work/lists";
Dir::Cache "$work/cache";
APT::Sandbox::User "root";
CONF
export APT_CONFIG=$work/apt.conf
apt-get update -qq

cd "$work/download"
apt-get download -qq golang-1.19-go golang-1.19-src golang-github-json-iterator-go-dev golang-github-modern-go-reflect2-dev
apt-get source -qq --download-only kubernetes
for package in *.deb; do dpkg-deb -x "$package" "$work/root"; done

export HOME=$work GOPATH=$work/go GOCACHE=$work/go-cache GO111MODULE=off GOFLAGS='' CGO_ENABLED=0
export GOROOT=$work/root/usr/lib/go-1.19
export PATH=$GOROOT/bin:$PATH
tree=$GOPATH/src/k8s.io/kubernetes
mkdir -p "${tree%/*}"
dpkg-source --no-check -x kubernetes_*.dsc "$tree" >/dev/null
cd "$tree"

# The vendored copies of 2020 reach into the runtime of the Go of their time; Debian's newer ones build with this one.
for module in json-iterator/go modern-go/reflect2; do
  rm -rf "vendor/github.com/$module"
  cp -rL "$work/root/usr/share/gocode/src/github.com/$module" "vendor/github.com/$module"
done

# The source package leaves one generated file out: the OpenAPI definitions.
go build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
inputs=$(grep -rl --include='*.go' '+k8s:openapi-gen=' pkg cmd plugin staging/src |
  grep -Ev 'code-generator/|sample-apiserver/|zz_generated' | xargs -n1 dirname | sort -u |
  sed -e 's#^staging/src/#vendor/#' -e 's#^#k8s.io/kubernetes/#' | paste -sd,)
"$work/openapi-gen" --logtostderr --input-dirs "$inputs" --output-package k8s.io/kubernetes/pkg/generated/openapi \
  --output-file-base zz_generated.openapi --go-header-file hack/boilerplate/boilerplate.generatego.txt \
  --report-filename "$work/violations"

version='-X PACKAGE.gitVersion=v1.20.2 -X PACKAGE.gitMajor=1 -X PACKAGE.gitMinor=20 -X PACKAGE.gitTreeState=archive'
flags='-s -w'
for package in component-base/version client-go/pkg/version; do
  flags="$flags ${version//PACKAGE/k8s.io/kubernetes/vendor/k8s.io/$package}"
done
go build -tags providerless -ldflags "$flags" -o "$work/kube-apiserver" ./cmd/kube-apiserver
"$work/kube-apiserver" --version
mv "$work/kube-apiserver" "$binary"
chmod -R u+w "$work"
rm -rf "$work"
