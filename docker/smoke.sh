#!/usr/bin/env bash
# Draws, registers and scores the demo task in the locked-down image; the whole way in a few minutes.
#   smoke.sh [--image NAME] [FOLDER]   keeps task and fields in FOLDER
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/client.sh"

require_engine
require_image
if [ $# -gt 0 ]; then
  folder=$1
  mkdir -p -- "$folder" 2>/dev/null || fail_output "$folder"
else
  folder=$(mktemp -d)
  trap 'rm -rf -- "$folder"' EXIT
fi
folder=$(readlink -f -- "$folder")
bind=$(bind_of "$folder")
"$docker" run --rm --user "$(id -u):$(id -g)" --network none --read-only --tmpfs /tmp --cap-drop ALL \
  --mount "$bind" "$image" demo-task "$folder/task"
"$root/docker/contained.sh" --image "$image" predict "$folder/task" "$folder/fields"
"$root/docker/contained.sh" --image "$image" evaluate --task "$folder/task" --fields "$folder/fields"
say "$image works"
