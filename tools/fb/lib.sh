# Messages, timing and help: what every part of ./fb uses. Sourced by bash.
# shellcheck shell=bash

fb_started=$SECONDS

# One line per step, on stderr, with the seconds since the call began.
fb_step() { printf 'fb: [%3ds] %s\n' "$((SECONDS - fb_started))" "$*" >&2; }
fb_warn() { printf 'fb: warning: %s\n' "$*" >&2; }
fb_die() {
  printf 'fb: error: %s\n' "$*" >&2
  exit 1
}
fb_usage_error() {
  printf 'fb: error: %s\n' "$*" >&2
  exit 2
}

# Runs a command with its output in a log; on failure shows the end of it and where the rest is.
fb_logged() {
  local log=$1 status=0
  shift
  "$@" >>"$log" 2>&1 </dev/null || status=$?
  ((status == 0)) && return 0
  printf 'fb: error: failed with status %d: %s\n' "$status" "${*:1:5}" >&2
  tail -n 20 "$log" | sed 's/^/fb: | /' >&2
  printf 'fb: the whole log: %s\n' "$log" >&2
  return "$status"
}

fb_wants_help() { [[ ${1-} == -h || ${1-} == --help ]]; }

# Help texts are plain files: nothing to escape.
fb_show_help() { cat "$FB_REPO/tools/fb/help/$1"; }
