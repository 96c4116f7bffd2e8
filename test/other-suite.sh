# Sourced: `own_apt` on another suite of Debian (`suite`), with a state of its own below `staging`. The machine's own packages
# and lists are left alone. Takes no root. The mirror is the machine's.

main_archive() {
  apt-get indextargets --format '$(LABEL) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 == "main" {print $3; exit}'
}

mirror=$(main_archive)
if [ -z "$mirror" ] && [ "$(id -u)" = 0 ]; then
  apt-get update -qq
  mirror=$(main_archive)
fi
[ -n "$mirror" ] || { echo 'no archive of Debian among the sources of apt, or its lists were never fetched' >&2; exit 1; }

rm -rf "$staging"
mkdir -p "$staging/root" "$staging/apt/lists/partial" "$staging/apt/cache/archives/partial"
: >"$staging/apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$staging/apt/sources.list"

own_apt() {
  command=$1
  shift
  "$command" -o Dir::Etc::SourceList="$staging/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$staging/apt/lists" -o Dir::State::Status="$staging/apt/status" -o Dir::Cache="$staging/apt/cache" \
    -o Acquire::Languages=none -o APT::Sandbox::User=root -o Debug::NoLocking=true "$@"
}

# unpack PACKAGE...: into `staging`/root, without what they depend on.
unpack() {
  (cd "$staging/apt/cache/archives" && own_apt apt-get download -qq "$@")
  for archive in "$staging"/apt/cache/archives/*.deb; do dpkg-deb -x "$archive" "$staging/root"; done
  rm -rf "$staging/apt"
}

own_apt apt-get update -qq
