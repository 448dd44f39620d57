# Root file systems for the guest that are larger than the boot image's own: made once, kept in the cache as archives that
# the guest unpacks. Sourced by bash.
# shellcheck shell=bash disable=SC2154,SC2016 # fb_cache is in root.sh; mmdebstrap expands $1 in its hooks

# Raise when the steps below change what an archive contains.
FB_ROOTFS_LAYOUT=1

# Turns `--rootfs NAME` before the guest's command into the archive's path: fb_run_arguments=(...).
fb_resolve_rootfs() {
  fb_run_arguments=()
  local name
  while (($#)); do
    case $1 in
      --rootfs | --rootfs=*)
        name=${1#--rootfs}
        if [[ $1 == *=* ]]; then
          name=${name#=}
        else
          name=${2-}
          (($# == 1)) || shift
        fi
        [[ $name == debian ]] || fb_usage_error "run: --rootfs $name: there is debian"
        fb_ensure_rootfs "$name"
        fb_run_arguments+=(--rootfs "$(fb_rootfs_path "$name")")
        ;;
      --smp | --mem | --add | --out | --timeout | --config | --append | --build | --kernel | --image)
        fb_run_arguments+=("$1" "${@:2:1}")
        (($# == 1)) || shift
        ;;
      -?*=* | --[!-]*) fb_run_arguments+=("$1") ;;
      *) break ;;
    esac
    (($#)) && shift
  done
  fb_run_arguments+=("$@")
}

fb_rootfs_packages() { sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$FB_REPO/tools/fb/rootfs_$1" | LC_ALL=C sort -u; }

fb_rootfs_path() {
  local key
  key=$({ echo "$FB_SUITE $FB_ROOTFS_LAYOUT" && fb_rootfs_packages "$1"; } | sha256sum | cut -c1-12)
  printf '%s/rootfs-%s-%s.cpio\n' "$fb_cache" "$1" "$key"
}

# Those of older package lists.
fb_old_rootfs() {
  local archive
  for archive in "$fb_cache"/rootfs-*.cpio; do
    [[ -f $archive && $archive != "$(fb_rootfs_path debian)" ]] && printf '%s\n' "$archive"
  done
  return 0
}

# One maker at a time; an archive is whole or not there.
fb_ensure_rootfs() {
  local name=$1 archive
  archive=$(fb_rootfs_path "$name")
  [[ ! -f $archive ]] || return 0
  fb_log="$fb_cache/rootfs.log"
  mkdir -p "$fb_cache"
  exec 9>"$fb_cache/rootfs.lock"
  flock -n 9 || { fb_step "another ./fb is making it; waiting for it" && flock 9; }
  if [[ ! -f $archive ]]; then
    : >"$fb_log"
    fb_make_rootfs "$name" "$archive"
  fi
  exec 9>&-
}

fb_make_rootfs() {
  local name=$1 archive=$2 work="$2.tmp" mirror keyring
  fb_ensure_root
  mirror=$(fb_mirror) || exit 1
  fb_log="$fb_cache/rootfs.log"
  fb_find_tools
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [[ -f $keyring ]] || keyring="$fb_cache/tools$keyring"
  rm -rf "$work"
  mkdir -p "$work" "$fb_cache/rootfs-debs/partial"
  fb_work=$work
  trap 'rm -rf "$fb_work"' EXIT
  trap fb_interrupted INT TERM HUP
  fb_step "making a $name root file system for the guest with $(fb_rootfs_packages "$name" | wc -l) packages and what they need"
  fb_step "downloading and installing (a minute or two; log: $fb_log)"
  fb_logged "$fb_log" fb_as_job fb_mmdebstrap_guest "$name" "$work" "$mirror" "$keyring" || exit 1
  fb_step "packing it"
  fb_logged "$fb_log" fb_in_root python3 -B "$FB_REPO/tools/tar_to_cpio.py" "$work/root.tar" "$work/root.cpio" || exit 1
  mv -T "$work/root.cpio" "$archive"
  rm -rf "$work" "$fb_cache/rootfs-debs"
  trap - EXIT INT TERM HUP
  fb_step "ready: $archive ($(du -h "$archive" | cut -f1))"
}

# Maintainer scripts run, so this needs root or user namespaces. The download folder is mounted into the root: a second try does
# not fetch again what the first one had. Manuals and translations stay away: the guest holds all of it in memory.
fb_mmdebstrap_guest() {
  local name=$1 work=$2 mirror=$3 keyring=$4 debs="$fb_cache/rootfs-debs"
  local hook="mkdir -p \"\$1/var/cache/apt/archives\" && mount --bind '$debs' \"\$1/var/cache/apt/archives\""
  local make=(mmdebstrap --mode=unshare)
  ((EUID != 0)) || make=(unshare --mount --propagation private mmdebstrap --mode=root)
  TMPDIR=$work "${make[@]}" --variant=minbase --architectures=amd64 --keyring="$keyring" \
    --aptopt='APT::Sandbox::User "root"' --aptopt='Acquire::Retries "3"' \
    --aptopt='APT::Keep-Downloaded-Packages "true"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --skip=download/empty --skip=cleanup/apt/cache \
    --setup-hook="$hook" --customize-hook='umount "$1/var/cache/apt/archives"' \
    --customize-hook='rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/*' \
    --include="$(fb_rootfs_packages "$name" | paste -sd,)" \
    "$FB_SUITE" "$work/root.tar" "$mirror"
}
