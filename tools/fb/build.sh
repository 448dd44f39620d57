# Configuring and building presets. Sourced by bash.
# shellcheck shell=bash

fb_all_presets=(release asan tsan kernel checked)

# Two at a time at least; on a larger machine all of it, unless told otherwise.
fb_jobs() { printf '%s\n' "${FB_JOBS:-$(nproc)}"; }

fb_cmd_build() {
  local preset presets=()
  for preset in "$@"; do
    [[ " ${fb_all_presets[*]} " == *" $preset "* ]] ||
      fb_usage_error "build: unknown preset: $preset (there are: ${fb_all_presets[*]})"
    presets+=("$preset")
  done
  ((${#presets[@]})) || presets=(release kernel)
  fb_ensure_root
  fb_build_presets "${presets[@]}"
}

fb_build_presets() {
  local preset
  for preset in "$@"; do
    fb_configure "$preset"
    fb_compile "$preset"
  done
}

# Ninja reruns CMake by itself when an input changes; only the first time is ours.
fb_configure() {
  local preset=$1 log="$FB_REPO/build/$1/configure.log"
  [[ ! -f $FB_REPO/build/$preset/build.ninja ]] || return 0
  fb_step "configuring $preset"
  mkdir -p "${log%/*}" && : >"$log"
  fb_logged "$log" fb_in_root cmake -S "$FB_REPO" --preset "$preset" || exit 1
}

# Silent when nothing is to be done; see progress.py.
fb_compile() {
  fb_in_root env CLICOLOR_FORCE="$([[ -t 2 ]] && echo 1 || echo 0)" python3 "$FB_REPO/tools/fb/progress.py" "$1" \
    ninja -C "$FB_REPO/build/$1" -j "$(fb_jobs)" || exit 1
}

# clang-tidy reads compile_commands.json and generated headers; nothing else of lint needs a build.
fb_lint_needs_build() {
  local argument checks=0
  for argument in "$@"; do
    case $argument in
      tidy) return 0 ;;
      -*) ;;
      *) [[ -e $FB_REPO/$argument ]] || checks=1 ;;
    esac
  done
  ((checks == 0))
}
