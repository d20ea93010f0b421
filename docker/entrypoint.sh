#!/bin/sh
# The image's entry point: takes every form in which challenges call an image, hands the verb on, and stays behind to
# pass on signals and to tell when the kernel has killed the program.
#
#   IMAGE IN OUT [OPTIONS]     the same as: IMAGE predict IN OUT [OPTIONS]
#   IMAGE VERB ...             a verb of run.sh
#   IMAGE -c DATASET.json      registers that task; the fields go to /output, or to `output` beside the task folder
#   IMAGE                      registers /input, by its dataset JSON or by one beside /input, into /output
set -eu

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

# The one file that a pattern matches; the patterns are the caller's arguments, expanded.
the_file() {
  [ $# = 1 ] && [ -f "$1" ] && printf '%s\n' "$1"
}

task_and_output() {
  [ -d /input ] && [ -d /output ] || fail "nothing to do; mount a task at /input and a folder at /output, or see --help"
  if json=$(the_file /input/*_dataset.json) || ! json=$(the_file /*_dataset.json); then
    set -- predict /input /output
  else
    set -- predict /input /output --pairs "$json"
  fi
  run_module "$@"
}

named_task() {
  [ $# -ge 1 ] || fail "-c takes the path of a dataset JSON"
  json=$1
  shift
  output=$(dirname -- "$(dirname -- "$(readlink -f -- "$json")")")/output
  [ -d "$output" ] || output=/output
  run_module predict "$json" "$output" "$@"
}

# The temporary folder may be shared with other users, whose caches are closed to this one.
private_caches() {
  caches=$(mktemp -d 2>/dev/null) || return 0
  # On a full disk the program does without.
  cp -r /opt/venv/share/matplotlib "$caches" 2>/dev/null || true
  export XDG_CACHE_HOME="$caches" MPLCONFIGDIR="$caches/matplotlib"
  export TORCHINDUCTOR_CACHE_DIR="$caches/inductor" TRITON_CACHE_DIR="$caches/triton"
}

run_module() {
  # Every thread counts against the process limit of a locked-down container. Without a number of the caller's the
  # program takes one that cores, quota and process limit allow. OpenMP takes a list too, one number for each level.
  threads=${OMP_NUM_THREADS:-1}
  [ "${threads%%,*}" -le 16 ] 2>/dev/null || export OMP_NUM_THREADS=16
  private_caches
  # A signal may come before the number of the program is known.
  child= asked=
  trap 'asked=yes; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM INT
  python3 -m textscf "$@" &
  child=$!
  [ -z "$asked" ] || kill -TERM "$child" 2>/dev/null || true
  code=0
  wait "$child" 2>/dev/null || code=$?
  # A signal ends the waiting before the program has ended.
  while kill -0 "$child" 2>/dev/null; do
    code=0
    wait "$child" 2>/dev/null || code=$?
  done
  rm -rf -- "${caches:-}"
  if [ "$code" = 137 ]; then
    printf 'error: the program was killed, most likely for want of memory; finished pairs are kept; give the container more memory and run it again\n' >&2
    code=1
  fi
  exit "$code"
}

case ${1:-} in
  '') task_and_output ;;
  -c | --config)
    shift
    named_task "$@"
    ;;
  *) run_module "$@" ;;
esac
