# Running a command inside the root. Sourced by bash.
# shellcheck shell=bash disable=SC2154 # fb_cache is in root.sh

# Host directories that the root replaces; every other top-level one is seen inside under its own name,
# so that paths given on the command line mean the same inside. The whole host is at /host, read-only.
fb_replaced=" bin boot dev etc host lib lib32 lib64 libx32 lost+found proc run sbin snap sys usr var "

# fb_enter ROOT COMMAND...: returns the command's status; nothing survives it (its own pid namespace).
fb_enter() {
  local root=$1
  shift
  fb_hold "$root"
  fb_bwrap_arguments "$root"
  bwrap "${fb_bwrap[@]}" "$@"
}

# The same, in place of this process.
fb_exec_in_root() {
  if [[ ${FB_ROOT-} == / ]]; then
    exec "$@"
  fi
  local root=${FB_ROOT:-$(fb_root_path)}
  fb_hold "$root"
  fb_bwrap_arguments "$root"
  exec bwrap "${fb_bwrap[@]}" "$@"
}

# Whoever is inside holds a shared lock on the root's directory, so that --prune leaves it alone.
fb_hold() {
  exec 8<"$1"
  flock -s -n 8 || true
}

fb_in_root() { (fb_exec_in_root "$@"); }

fb_bwrap_arguments() {
  local root=$1 dir name
  fb_bwrap=(--unshare-pid --unshare-ipc --die-with-parent --clearenv
    --ro-bind "$root/usr" /usr --ro-bind "$root/etc" /etc --ro-bind "$root/var" /var
    --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64
    --dev /dev --proc /proc --tmpfs /run --ro-bind-try /sys /sys --ro-bind / /host)
  for dir in /*/; do
    name=${dir//\//}
    [[ $fb_replaced == *" $name "* || ! -r $dir ]] || fb_bwrap+=(--bind "/$name" "/$name")
  done
  [[ -d /tmp ]] || fb_bwrap+=(--tmpfs /tmp)
  mkdir -p "$fb_cache/ccache"
  fb_bind_at_own_path "$root" "$FB_REPO"
  fb_bind_at_own_path "$root" "$fb_cache"
  [[ -e /dev/kvm ]] && fb_bwrap+=(--dev-bind /dev/kvm /dev/kvm)
  for name in passwd group resolv.conf; do
    [[ -e /etc/$name && -e $root/etc/$name ]] && fb_bwrap+=(--ro-bind "/etc/$name" "/etc/$name")
  done
  fb_bwrap_environment
  name=$PWD
  fb_visible "$name" || name=/host$PWD
  fb_bwrap+=(--chdir "$name" --)
}

fb_visible() {
  local top=${1#/}
  [[ $1/ == "$FB_REPO"/* || $1/ == "$fb_cache"/* || $fb_replaced != *" ${top%%/*} "* ]]
}

# A path that the loop over the top level has not shown (a checkout under /usr/src or /var, say).
fb_bind_at_own_path() {
  local root=$1 path=$2 top
  top=${path#/} && top=${top%%/*}
  [[ $fb_replaced == *" $top "* ]] || return 0
  [[ $top == usr || $top == var || $top == etc ]] && mkdir -p "$root$path"
  fb_bwrap+=(--bind "$path" "$path")
}

# A clean environment makes builds repeatable; what is named here passes through.
fb_bwrap_environment() {
  local name
  fb_bwrap+=(--setenv PATH /usr/lib/ccache:/usr/lib/llvm-19/bin:/usr/bin:/usr/sbin
    --setenv LANG C.UTF-8 --setenv LC_ALL C.UTF-8 --setenv HOME "$HOME"
    --setenv CCACHE_DIR "${CCACHE_DIR:-$fb_cache/ccache}"
    --setenv FB_REPO "$FB_REPO" --setenv FB_INSIDE 1)
  for name in TERM COLORTERM USER LOGNAME NO_COLOR SOURCE_DATE_EPOCH GTEST_COLOR RC_PARAMS \
    CMAKE_BUILD_PARALLEL_LEVEL CTEST_PARALLEL_LEVEL FB_JOBS FB_FUZZ_SECONDS; do
    [[ -z ${!name-} ]] || fb_bwrap+=(--setenv "$name" "${!name}")
  done
}
