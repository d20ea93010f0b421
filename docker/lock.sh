#!/usr/bin/env bash
# Writes locks/: every package of the images with the hashes of its files, from the versions of requirements.txt.
# Needs the package index; run it after changing a version. Linux on x86-64, Python 3.11, as in the Dockerfile.
set -euo pipefail

root=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# What only open_clip needs: left out of the small image.
open_clip='^(open_clip_torch|ftfy|regex|wcwidth)=='
torch=$(sed -n 's/^torch==//p' "$root/requirements.txt")

say() { printf 'lock.sh: %s\n' "$*" >&2; }

compile() {
  "$work/venv/bin/uv" pip compile --quiet --generate-hashes --no-header --no-annotate \
    --python-version 3.11 --python-platform x86_64-manylinux_2_28 "$@"
}

# The CPU build of torch is in no index that all machines share; its one wheel gives the hash.
cpu_torch() {
  "$work/venv/bin/pip" download --quiet --no-deps --dest "$work/torch" "torch==$torch+cpu" 2>/dev/null ||
    "$work/venv/bin/pip" download --quiet --no-deps --dest "$work/torch" \
      --index-url https://download.pytorch.org/whl/cpu "torch==$torch+cpu"
  printf 'torch==%s+cpu \\\n    --hash=sha256:%s\n' "$torch" "$(sha256sum "$work"/torch/*.whl | cut -d' ' -f1)"
}

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check uv==0.13.9

pins=$(grep -E '^[A-Za-z].*==' "$root/requirements.txt")
grep -Ev "$open_clip" <<<"$pins" >"$work/all.in"
grep -v '^torch==' "$work/all.in" >"$work/cpu.in"
grep -E "$open_clip" <<<"$pins" >"$work/open-clip.in"
printf 'cyclonedx-bom==7.5.0\n' >"$work/sbom.in"

mkdir -p "$root/locks"
{
  cpu_torch
  compile --no-deps "$work/cpu.in"
} >"$work/cpu.txt"
# torch from the index names its CUDA libraries itself; the rest is held to requirements.txt.
printf 'torch==%s\n' "$torch" | compile --constraints "$work/all.in" - | grep -o '^[A-Za-z][^ ]*==[^ ]*' |
  sort -fu - "$work/cpu.in" >"$work/cuda.in"
compile --no-deps "$work/cuda.in" >"$work/cuda.txt"
compile --no-deps "$work/open-clip.in" >"$work/open-clip.txt"
compile "$work/sbom.in" >"$work/sbom.txt"
for lock in cpu cuda open-clip sbom; do
  mv -- "$work/$lock.txt" "$root/locks/$lock.txt"
  say "locks/$lock.txt: $(grep -c '==' "$root/locks/$lock.txt") packages"
done
