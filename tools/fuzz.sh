#!/bin/sh
# usage: fuzz.sh PROGRAM GROWING-CORPUS SEED-CORPUS [LIBFUZZER-OPTION...]
# One short libFuzzer run. New inputs go to the growing corpus (in the build directory), the seeds stay
# as they are; a crash is kept beside the corpus, and its path is the last thing printed.
set -eu
program=$1 growing=$2 seeds=$3
shift 3
mkdir -p "$growing"
exec "$program" -max_total_time="${FB_FUZZ_SECONDS:-10}" -timeout=5 -rss_limit_mb=2048 \
  -print_final_stats=1 -artifact_prefix="$growing.crash-" "$@" "$growing" ${seeds:+"$seeds"}
