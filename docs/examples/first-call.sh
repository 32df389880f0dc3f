#!/bin/sh
# Queries the state of a printer: sh first-call.sh http://localhost:7125 [API key]
set -eu
server=$1
key=${2:-}

curl -fsS -H "X-Api-Key: $key" "$server/server/info"
echo
curl -fsS -H "X-Api-Key: $key" "$server/printer/objects/query?print_stats=state&extruder=temperature,target"
echo
# Calls that change something use POST; arguments are JSON, a form, or a query string.
curl -fsS -H "X-Api-Key: $key" -H 'Content-Type: application/json' -d '{"script": "M117 Hello"}' \
  "$server/printer/gcode/script"
echo
