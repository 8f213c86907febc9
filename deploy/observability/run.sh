#!/bin/bash
# Watches a running stack with Debian's Prometheus: run.sh [DATA], then http://127.0.0.1:9090
#
# The targets are written again every few seconds, so processes that a script starts later are seen.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=${1:-.anyway}
port=${PROMETHEUS_PORT:-9090}
stack=${STACK:-$here/../../.build/release/stack}
folder=$data/prometheus
if ! command -v prometheus >/dev/null; then
  echo "prometheus is not installed: sudo apt-get install --no-install-recommends prometheus" >&2
  exit 69
fi
mkdir -p "$folder/targets"
cp "$here/prometheus.yml" "$here/rules.yml" "$folder/"

targets() {
  "$stack" env --data "$data" | python3 -c '
import json, re, sys
found = []
for line in sys.stdin:
    match = re.fullmatch(r"([A-Z]+)_(\d+)_ADMIN_LISTEN=(\S+)", line.strip())
    if match:
        service, number, address = match[1].lower(), match[2], match[3]
        found.append({"targets": [address],
                      "labels": {"service": service, "instance": f"{service}.{number}"}})
json.dump(found, sys.stdout, indent=1)
' >"$folder/targets/stack.json.new" && mv "$folder/targets/stack.json.new" "$folder/targets/stack.json"
}
targets
prometheus --config.file="$folder/prometheus.yml" --storage.tsdb.path="$folder/data" \
  --storage.tsdb.retention.time=7d --web.listen-address="127.0.0.1:$port" --log.level=warn &
prometheus=$!
trap 'kill "$prometheus" 2>/dev/null; wait "$prometheus" 2>/dev/null || true' EXIT
echo "Prometheus is at http://127.0.0.1:$port; Ctrl-C stops it."
while kill -0 "$prometheus" 2>/dev/null; do
  sleep 5
  targets 2>/dev/null || true
done
