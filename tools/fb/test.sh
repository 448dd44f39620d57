# ./fb test: build what the kinds need, then one ctest run over all of it. Sourced by bash.
# shellcheck shell=bash

# kind -> presets. A kind is a ctest label.
declare -A fb_kinds=(
  [unit]="release asan tsan"
  [tools]="release"
  [fuzz]="asan"
  [system]="checked"
  [soak]="release checked"
)
fb_default_kinds=(unit tools fuzz system)

fb_cmd_test() {
  local kinds=() options=()
  while (($#)); do
    case $1 in
      -*)
        options+=("$@")
        break
        ;;
      *)
        [[ -n ${fb_kinds[$1]-} ]] || fb_usage_error "test: unknown kind: $1 (there are: ${!fb_kinds[*]})"
        kinds+=("$1")
        ;;
    esac
    shift
  done
  ((${#kinds[@]})) || kinds=("${fb_default_kinds[@]}")
  local kind presets=''
  for kind in "${kinds[@]}"; do presets+=" ${fb_kinds[$kind]}"; done
  # shellcheck disable=SC2086 # a list of words
  presets=$(printf '%s\n' $presets | sort -u)
  fb_ensure_root
  # shellcheck disable=SC2086
  fb_build_presets $presets
  fb_run_ctest "$presets" "$(fb_join '|' "${kinds[@]}")" "${options[@]}"
}

fb_join() {
  local IFS=$1
  shift
  printf '%s\n' "$*"
}

# A directory whose only content is "look there": ctest then counts all of it in one summary.
fb_run_ctest() {
  local presets=$1 labels=$2 dir="$FB_REPO/build/test" preset
  shift 2
  mkdir -p "$dir"
  for preset in $presets; do printf 'subdirs("%s")\n' "$FB_REPO/build/$preset"; done >"$dir/CTestTestfile.cmake"
  fb_step "testing: ${labels//|/, }"
  fb_exec_in_root ctest --test-dir "$dir" --label-regex "^($labels)\$" --no-tests=error \
    --output-on-failure -j "${CTEST_PARALLEL_LEVEL:-$(fb_jobs)}" "$@"
}
