#!/usr/bin/env bash
# Writes what organisers ask for: the image as a gzipped archive, and a README.txt with processor, memory and time per pair.
#   save.sh [--image NAME] FOLDER [--report REPORT.json]
# The report is that of a run in the image; without one the demo task is run.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/client.sh"

usage="usage: ./run.sh docker save FOLDER [--report REPORT.json]"
[ $# = 1 ] || { [ $# = 3 ] && [ "$2" = --report ]; } || fail "$usage"
case $1 in -*) fail "$usage" ;; esac
folder=$1
require_engine
require_image
mkdir -p -- "$folder" 2>/dev/null || fail_output "$folder"
work=$(mktemp -d)
archive=$folder/$(basename -- "${image//[:@]/-}").tar.gz
trap 'rm -rf -- "$work" "$archive.partial"' EXIT
report=${3:-}
if [ -z "$report" ]; then
  "$root/docker/smoke.sh" --image "$image" "$work" >/dev/null
  report=$work/fields/report.json
fi
[ -f "$report" ] || fail "no such report: $report"

# The numbers of one key of every pair, ascending.
numbers() { sed -n "s/^ *\"$1\": \([0-9.]*\),*\$/\1/p" "$report" | sort -n; }
word() { sed -n "s/^  \"$1\": \"\(.*\)\",*\$/\1/p" "$report"; }
middle() { awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }
processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed -n 1p)

"$docker" save "$image" | gzip -n >"$archive.partial"
mv -- "$archive.partial" "$archive"
cat >"$folder/README.txt" <<END
$(basename -- "$archive")

Load   docker load < $(basename -- "$archive")
Run    docker run --rm -v TASK:/input:ro -v FIELDS:/output $image /input /output
       TASK is a task folder with its *_dataset.json; FIELDS gets one field per pair and report.json.
       Needs no network. With a GPU add --gpus all.

Measured on $(word task), $(numbers seconds | wc -l) pairs, device $(word device)
Processor          ${processor:-unknown}, $(nproc) cores
Peak memory        $(numbers peak_memory_mib | tail -n 1) MiB
Seconds per pair   $(numbers seconds | middle) (median), $(numbers seconds | tail -n 1) (largest)
Weights            $(word weights), sha256 $(word weights_sha256)
Image              $("$docker" image inspect --format '{{.Id}}' "$image")
END
say "wrote $archive ($(($(stat -c %s "$archive") / 1000000)) MB) and $folder/README.txt"
