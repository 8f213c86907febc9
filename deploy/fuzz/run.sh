#!/bin/bash
# Fuzzes every target for its share of the seconds given; `make fuzz SECONDS=60` builds and runs it.
#
# The corpus is kept in .build/fuzz/corpus between runs. An input that breaks an invariant, crashes or
# takes more memory than the limits allow is kept in Tests/HTTPTests/FuzzInputs, where
# FuzzInputTests asks it again for ever.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
binary=.build/fuzz/release/Fuzz
targets=(request response chunks url)
share=$((seconds / ${#targets[@]}))
[ "$share" -gt 0 ] || share=1
failed=0
for target in "${targets[@]}"; do
  inputs=Tests/HTTPTests/FuzzInputs/$target
  corpus=.build/fuzz/corpus/$target
  mkdir -p "$corpus"
  log=.build/fuzz/$target.log
  # A head is at most some 40 KiB: 512 MiB for the process and 16 MiB for one allocation are a leak.
  FUZZ_TARGET=$target "$binary" -max_total_time="$share" -max_len=65536 -len_control=20 \
    -rss_limit_mb=512 -malloc_limit_mb=16 -timeout=5 -print_final_stats=1 \
    -artifact_prefix="$inputs/found-" "$corpus" "$inputs" >"$log" 2>&1 || failed=1
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  peak=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
  coverage=$(grep -o 'cov: [0-9]*' "$log" | tail -1)
  found=$(grep -c 'ERROR: \|Fatal error' "$log" || true)
  echo "$target: ${runs:-?} executions in ${share} s, ${coverage:-cov: ?}, peak ${peak:-?} MiB, findings: $found"
  if [ "$found" -gt 0 ]; then grep -m2 'ERROR: \|Fatal error' "$log" | cut -c1-400; fi
done
exit "$failed"
