# The Debian 13 root that everything is built in: made once, kept in the cache. Sourced by bash.
# shellcheck shell=bash

FB_SUITE=trixie
# Raise when the steps below change what a root contains.
FB_ROOT_LAYOUT=1

fb_cache="${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/feuerbird"

fb_package_names() { sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$FB_REPO/tools/fb/packages" | LC_ALL=C sort -u; }

fb_root_key() { { echo "$FB_SUITE $FB_ROOT_LAYOUT" && fb_package_names; } | sha256sum | cut -c1-12; }

fb_root_path() { printf '%s/root-%s\n' "$fb_cache" "$(fb_root_key)"; }

# The archive that the host itself uses, so that a proxy or local mirror of the user is honoured.
fb_mirror() {
  if [[ -n ${FB_MIRROR-} ]]; then
    printf '%s\n' "$FB_MIRROR"
    return
  fi
  local site
  # shellcheck disable=SC2016
  site=$(apt-get indextargets --format '$(ORIGIN)|$(COMPONENT)|$(CODENAME)|$(SITE)' 'Created-By: Packages' 2>/dev/null |
    awk -F'|' '$1 == "Debian" && $2 == "main" && $3 !~ /-/ { print $4; exit }')
  # Before the first apt-get update there is no Release file, hence no origin: look at the sources.
  [[ -n $site ]] || site=$(fb_mirror_from_sources)
  [[ -n $site ]] || fb_die "this host's apt names no Debian archive (Ubuntu?).
  Name one: FB_MIRROR=<URL of a Debian mirror> ./fb setup
  It must carry $FB_SUITE; the list of mirrors is on Debian's web site under \"mirror list\"."
  printf '%s\n' "$site"
}

fb_mirror_from_sources() {
  grep -qx 'ID=debian' /etc/os-release 2>/dev/null || return 0
  # shellcheck disable=SC2016
  apt-get indextargets --no-release-info --format '$(COMPONENT)|$(RELEASE)|$(SITE)' 'Created-By: Packages' 2>/dev/null |
    awk -F'|' '$1 == "main" && $2 !~ /[-\/]/ { print $3; exit }'
}

# The host's mmdebstrap and bwrap, or copies of them in the cache for users who cannot install.
fb_find_tools() {
  export PATH="$PATH:/usr/sbin:/sbin"
  local missing=()
  command -v bwrap >/dev/null || missing+=(bubblewrap)
  command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
  [[ -f /usr/share/keyrings/debian-archive-keyring.gpg ]] || missing+=(debian-archive-keyring)
  ((${#missing[@]})) || return 0
  if ((EUID == 0)) && command -v apt-get >/dev/null; then
    fb_step "installing ${missing[*]} on this host"
    fb_logged "$fb_log" fb_install_tools "${missing[@]}" || exit 1
    hash -r
  else
    fb_fetch_tools "${missing[@]}"
  fi
}

fb_install_tools() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y --no-install-recommends "$@" && return 0
  apt-get update && apt-get install -y --no-install-recommends "$@"
}

# Without root: the packages, and those they need that the host lacks, unpacked beside the root.
fb_fetch_tools() {
  local dir="$fb_cache/tools"
  if [[ ! -f $dir/complete ]]; then
    fb_step "fetching $* into $dir (not root: nothing is installed)"
    rm -rf "$dir" && mkdir -p "$dir/debs"
    fb_logged "$fb_log" fb_unpack_tools "$dir" "$@" || exit 1
    touch "$dir/complete"
  fi
  fb_use_tools "$dir"
  command -v bwrap mmdebstrap >/dev/null || fb_die "cannot run the tools in $dir; see $fb_log"
}

fb_unpack_tools() {
  local dir=$1 deb wanted apt=(apt-get)
  shift
  # A simulated installation lists exactly what this host lacks for the packages.
  if ! wanted=$("${apt[@]}" install -s --no-install-recommends "$@"); then
    # A host that has never run apt-get update, say: then with package lists of our own.
    mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
    apt+=(-o "Dir::State::Lists=$dir/apt/lists" -o "Dir::Cache=$dir/apt/cache")
    "${apt[@]}" update || return 1
    wanted=$("${apt[@]}" install -s --no-install-recommends "$@") || return 1
  fi
  wanted=$(printf '%s\n' "$@" "$(awk '/^Inst / { print $2 }' <<<"$wanted")" | sort -u)
  # shellcheck disable=SC2086 # a list of words
  (cd "$dir/debs" && "${apt[@]}" download $wanted) || return 1
  for deb in "$dir"/debs/*.deb; do dpkg-deb -x "$deb" "$dir" || return 1; done
  rm -rf "$dir/debs" "$dir/apt"
}

fb_use_tools() {
  local dir=$1
  [[ -f $dir/complete ]] || return 0
  export PATH="$PATH:$dir/usr/bin:$dir/usr/sbin"
  export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$dir/usr/lib/x86_64-linux-gnu:$dir/lib/x86_64-linux-gnu"
  export PERL5LIB="${PERL5LIB:+$PERL5LIB:}$dir/usr/share/perl5"
}

# Builds the root under another name and moves it into place, so that a root is whole or not there.
fb_make_root() {
  local root=$1 work="$1.tmp.$$" mirror keyring
  mirror=$(fb_mirror) || exit 1
  fb_find_tools
  fb_check_sandbox
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [[ -f $keyring ]] || keyring="$fb_cache/tools$keyring"
  rm -rf "$fb_cache"/root-*.tmp.*
  mkdir -p "$fb_cache/debs/partial"
  fb_work=$work
  trap 'rm -rf "$fb_work"' EXIT
  trap fb_interrupted INT TERM HUP
  fb_step "making a Debian 13 root with $(fb_package_names | wc -l) packages and what they need: $root"
  fb_step "downloading and unpacking (half a minute on a good line; log: $fb_log)"
  fb_logged "$fb_log" fb_as_job fb_mmdebstrap "$work" "$mirror" "$keyring" || exit 1
  fb_step "finishing the root"
  fb_logged "$fb_log" fb_finish_root "$work" || exit 1
  mv -T "$work" "$root"
  rm -rf "$fb_cache/debs"
  trap - EXIT INT TERM HUP
  fb_step "the root is ready ($(du -sh "$root" 2>/dev/null | cut -f1))"
}

# In a process group of its own: then a signal to us, from a terminal or not, is answered at once, and
# all that the job has started ends with it (mmdebstrap itself would wait for its children).
fb_as_job() {
  set -m
  "$@" &
  fb_job=$!
  set +m
  wait "$fb_job"
}

fb_interrupted() {
  trap '' INT TERM HUP
  if [[ -n ${fb_job-} ]]; then
    kill -KILL -- "-$fb_job" 2>/dev/null || true
    wait "$fb_job" 2>/dev/null || true
  fi
  fb_warn "interrupted; what was downloaded is kept for the next try"
  exit 130
}

# Better said now than after the download.
fb_check_sandbox() {
  local error
  error=$(bwrap --unshare-pid --ro-bind / / --proc /proc true 2>&1) ||
    fb_die "bubblewrap cannot make a sandbox here: $error
  It needs root with CAP_SYS_ADMIN, or unprivileged user namespaces. Without either, on a Debian 13
  host or container: install what tools/fb/packages lists, and set FB_ROOT=/"
}

# --variant=extract runs no maintainer script, and chrootless needs no privilege. The hook puts the
# download directory outside the root: a second try does not fetch again what the first one had.
fb_mmdebstrap() {
  local work=$1 mirror=$2 keyring=$3 debs="$fb_cache/debs"
  local hook="rm -rf \"\$1/var/cache/apt/archives\" && mkdir -p \"\$1/var/cache/apt\" && ln -s '$debs' \"\$1/var/cache/apt/archives\""
  mmdebstrap --variant=extract --mode=chrootless --architectures=amd64 \
    --keyring="$keyring" --aptopt='APT::Sandbox::User "root"' \
    --aptopt='Acquire::Retries "3"' --aptopt='APT::Keep-Downloaded-Packages "true"' \
    --skip=download/empty --skip=essential/unlink --skip=cleanup/apt/cache \
    --setup-hook="$hook" --include="$(fb_package_names | paste -sd,)" \
    "$FB_SUITE" "$work" "$mirror"
}

# What the maintainer scripts would have done, as far as it matters here.
fb_finish_root() {
  local work=$1
  rm -rf "$work/var/cache/apt" "$work/var/lib/apt/lists"
  ln -sf gawk "$work/usr/bin/awk"
  ln -sf less "$work/usr/bin/pager"
  [[ -e $work/usr/bin/sh ]] || ln -s dash "$work/usr/bin/sh"
  local dir
  for dir in bin lib lib64 sbin; do
    [[ -L $work/$dir ]] || { mkdir -p "$work/usr/$dir" && ln -s "usr/$dir" "$work/$dir"; }
  done
  (cd "$work/usr/share/ca-certificates" && find . -name '*.crt' -exec cat {} +) >"$work/etc/ssl/certs/ca-certificates.crt"
  printf 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$work/etc/passwd"
  printf 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n' >"$work/etc/group"
  printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$work/etc/nsswitch.conf"
  printf '127.0.0.1 localhost\n::1 localhost\n' >"$work/etc/hosts"
  printf '[safe]\n\tdirectory = *\n' >"$work/etc/gitconfig"
  fb_enter "$work" /usr/bin/clang++-19 --version
}

fb_old_roots() {
  local current dir
  current=$(fb_root_path)
  for dir in "$fb_cache"/root-*; do
    [[ -d $dir && $dir != "$current" && $dir != *.tmp.* ]] && printf '%s\n' "$dir"
  done
  return 0
}

fb_prune() {
  local old
  mkdir -p "$fb_cache"
  (
    exec 9>"$fb_cache/lock"
    flock 9
    fb_old_roots | while read -r old; do
      exec 8<"$old"
      flock -n 8 || { fb_step "in use, kept: $old" && continue; }
      fb_step "removing $old"
      chmod -R u+w "$old" && rm -rf "$old"
    done
    rm -rf "$fb_cache"/root-*.tmp.*
    fb_old_rootfs | while read -r old; do
      fb_step "removing $old"
      rm -rf "$old"
    done
  )
}

# Makes sure there is a root; prints nothing when there is. One maker at a time.
fb_ensure_root() {
  if [[ -n ${FB_ROOT-} ]]; then
    fb_check_given_root
    return
  fi
  local root
  root=$(fb_root_path)
  if [[ -d $root ]]; then
    fb_use_tools "$fb_cache/tools"
    fb_has_bwrap || { fb_log="$fb_cache/setup.log" && fb_find_tools; }
    return 0
  fi
  fb_log="$fb_cache/setup.log"
  mkdir -p "$fb_cache"
  exec 9>"$fb_cache/lock"
  flock -n 9 || { fb_step "another ./fb is making the root; waiting for it" && flock 9; }
  if [[ ! -d $root ]]; then
    : >"$fb_log"
    fb_make_root "$root"
  fi
  exec 9>&-
  fb_use_tools "$fb_cache/tools"
  local old
  old=$(fb_old_roots | wc -l)
  ((old == 0)) || fb_step "$old older root(s) in $fb_cache; remove with ./fb setup --prune"
}

fb_has_bwrap() { command -v bwrap >/dev/null; }

fb_check_given_root() {
  [[ $FB_ROOT == / ]] || { [[ -x $FB_ROOT/usr/bin/clang++-19 ]] && return; }
  [[ -x ${FB_ROOT%/}/usr/bin/clang++-19 && -x ${FB_ROOT%/}/usr/bin/cmake ]] && return
  fb_die "FB_ROOT=$FB_ROOT lacks clang++-19 or cmake. On a Debian 13 host install what tools/fb/packages lists:
  sed 's/#.*//' tools/fb/packages | xargs apt-get install -y --no-install-recommends"
}
