#!/usr/bin/env bash
# Runs the image on folders of this machine, locked down: no network, read-only root, no capabilities, the caller's user
# id. What is read is mounted read-only at its own path, so that messages name the files as the caller knows them.
#   contained.sh [--image NAME] predict IN OUT [OPTIONS]
#   contained.sh [--image NAME] register FIXED MOVING --out FOLDER [OPTIONS]
#   contained.sh [--image NAME] evaluate --task DIR --fields DIR [OPTIONS]
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/client.sh"

verb=$1
shift
mounts=()
declare -A bound=()
arguments=()

# A file is mounted with its folder, since a task's files lie beside its JSON.
mount_read_only() {
  local path folder bind
  path=$(readlink -f -- "$1") && [ -e "$path" ] || fail "no such file or folder: $1"
  folder=$path
  [ -d "$path" ] || folder=$(dirname -- "$path")
  bind=$(bind_of "$folder" ,readonly)
  # The engine refuses the same place twice.
  [ "$bind" = "${bound[$bind]:-}" ] || mounts+=(--mount "$bind")
  bound[$bind]=$bind
  arguments+=("$path")
}

mount_for_writing() {
  local bind
  bind=$(bind_of "$1")
  mounts+=(--mount "$bind")
}

# The engine would make a missing folder as root.
mount_output_folder() {
  mkdir -p -- "$1" 2>/dev/null || fail_output "$1"
  arguments+=("$(readlink -f -- "$1")")
  mount_for_writing "${arguments[-1]}"
}

mount_output_file() {
  local path
  path=$(readlink -m -- "$1")
  mkdir -p -- "$(dirname -- "$path")" 2>/dev/null || fail_output "$1"
  arguments+=("$path")
  mount_for_writing "$(dirname -- "$path")"
}

case $verb in
  predict) positions=(mount_read_only mount_output_folder) ;;
  register) positions=(mount_read_only mount_read_only) ;;
  *) positions=() ;;
esac
while [ $# -gt 0 ]; do
  case $1 in
    --task | --fields | --config | --weights | --pairs | --segmentations | --fixed-regions | --moving-regions | --mask)
      [ $# -ge 2 ] || fail "$1 takes a path"
      arguments+=("$1")
      mount_read_only "$2"
      shift
      ;;
    --out)
      [ $# -ge 2 ] || fail "$1 takes a path"
      arguments+=("$1")
      mount_output_folder "$2"
      shift
      ;;
    --json | --csv | --plot)
      [ $# -ge 2 ] || fail "$1 takes a path"
      arguments+=("$1")
      mount_output_file "$2"
      shift
      ;;
    --modalities)
      [ $# -ge 3 ] || fail "$1 takes two words"
      arguments+=("$1" "$2" "$3")
      shift 2
      ;;
    -*) arguments+=("$1") ;;
    *)
      if [ ${#positions[@]} -gt 0 ]; then
        "${positions[0]}" "$1"
        positions=("${positions[@]:1}")
      else
        arguments+=("$1")
      fi
      ;;
  esac
  shift
done
[ ${#positions[@]} = 0 ] || fail "usage: ./run.sh docker predict IN OUT [OPTIONS], or register FIXED MOVING --out FOLDER [OPTIONS]"

gpus=()
! nvidia-smi -L >/dev/null 2>&1 || gpus=(--gpus all)
terminal=()
[ ! -t 1 ] || terminal=(--tty)
require_engine
require_image
exec "$docker" run --rm "${terminal[@]}" "${gpus[@]}" --user "$(id -u):$(id -g)" --network none --read-only \
  --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges "${mounts[@]}" "$image" "$verb" "${arguments[@]}"
