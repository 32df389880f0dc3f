#!/bin/sh
# Uploads a file, prints it, and waits for the end: sh print.sh http://localhost:7125 part.gcode [API key]
set -eu
server=$1
file=$2
key=${3:-}

curl -fsS --progress-bar -H "X-Api-Key: $key" -F "file=@\"$file\"" -F print=true "$server/server/files/upload"
echo

state=printing
while [ "$state" = printing ] || [ "$state" = paused ]; do
  sleep 1
  state=$(curl -fsS -H "X-Api-Key: $key" "$server/printer/objects/query?print_stats=state" |
    sed -E 's/.*"state": ?"([^"]*)".*/\1/')
  echo "$state"
done
