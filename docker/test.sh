#!/bin/sh
# The call of the 2021 and 2022 challenges: test.sh DATASET.json [GPU]. The fields go to `output` beside the task folder.
set -eu

[ $# -ge 1 ] || {
  printf 'error: usage: test.sh DATASET.json [GPU]\n' >&2
  exit 2
}
[ -z "${2:-}" ] || export CUDA_VISIBLE_DEVICES="$2"
exec /opt/textscf-l2r/docker/entrypoint.sh -c "$1"
