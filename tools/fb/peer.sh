# The peer of ./fb bench os: the kernel of Debian 13's cloud images, fetched once and kept in the cache. Sourced by bash.
# shellcheck shell=bash disable=SC2154 # fb_cache is in root.sh

fb_peer_package=linux-image-cloud-amd64

# Prints the kernel's path; nothing when it cannot be had, which is a warning and no error.
fb_peer_kernel() {
  local dir="$fb_cache/peer-$FB_SUITE"
  if ! compgen -G "$dir/vmlinuz-*" >/dev/null; then
    fb_log="$fb_cache/peer.log"
    mkdir -p "$fb_cache"
    fb_step "fetching the peer, Debian 13's $fb_peer_package (log: $fb_log)"
    : >"$fb_log"
    (fb_fetch_peer "$dir") >>"$fb_log" 2>&1 </dev/null || fb_warn "the peer cannot be fetched: see $fb_log"
    rm -rf "$dir.tmp"
  fi
  compgen -G "$dir/vmlinuz-*" | head -n 1 || true
}

# With package lists of its own: the host may be another release. They are verified as those of the root are.
fb_fetch_peer() {
  local dir=$1 work="$1.tmp" mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg package
  command -v apt-get dpkg-deb >/dev/null || return 1
  mirror=$(fb_mirror) || return 1
  [[ -f $keyring ]] || keyring="$fb_cache/tools$keyring"
  rm -rf "$work"
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/kernel"
  echo "deb [arch=amd64 signed-by=$keyring] $mirror $FB_SUITE main" >"$work/sources.list"
  local apt=(-o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o "Dir::Etc::SourceList=$work/sources.list"
    -o Dir::Etc::SourceParts=/dev/null -o APT::Architecture=amd64 -o APT::Sandbox::User=root -o Acquire::Retries=3)
  apt-get "${apt[@]}" update || return 1
  package=$(apt-cache "${apt[@]}" depends "$fb_peer_package" | awk '$1 == "Depends:" { print $2; exit }')
  [[ -n $package ]] || return 1
  (cd "$work" && apt-get "${apt[@]}" download "$package" && dpkg-deb --fsys-tarfile "$package"_*.deb |
    tar -x -C kernel --strip-components=2 --wildcards './boot/vmlinuz-*') || return 1
  rm -rf "$dir" && mv -T "$work/kernel" "$dir"
}
