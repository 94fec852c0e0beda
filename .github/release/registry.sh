#!/usr/bin/env bash
# Starts an image registry that listens on the loopback interface only: registry.sh PORT FOLDER
#
# It is Debian's docker-registry. What is pushed lies in FOLDER, and its process id in FOLDER/pid.
set -euo pipefail

port=$1
folder=$2

mkdir -p "$folder"
cat >"$folder/config.yml" <<YAML
version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: $folder/images}
http: {addr: "127.0.0.1:$port"}
YAML
docker-registry serve "$folder/config.yml" >"$folder/log" 2>&1 &
echo $! >"$folder/pid"

for _ in {1..100}; do
  if curl --silent --fail --output /dev/null "http://127.0.0.1:$port/v2/"; then
    exit 0
  fi
  kill -0 "$(cat "$folder/pid")" 2>/dev/null || break
  sleep 0.1
done
echo "No registry answers on 127.0.0.1:$port: $(cat "$folder/log")" >&2
exit 1
