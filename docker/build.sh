#!/usr/bin/env bash
# Builds the image from the checkout.
#   build.sh [--image NAME] [--torch cpu|cuda] [--open-clip yes|no] [--no-cache]
# By default the CUDA build of torch where the machine has a GPU; open_clip, which only `embed` needs, goes with CUDA.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/client.sh"

base=debian:bookworm-slim
torch=cpu
! nvidia-smi -L >/dev/null 2>&1 || torch=cuda
open_clip=
options=()

while [ $# -gt 0 ]; do
  case $1 in
    --torch | --open-clip) [ $# -ge 2 ] || fail "$1 takes a value" ;;
  esac
  case $1 in
    --torch) torch=$2 && shift ;;
    --open-clip) open_clip=$2 && shift ;;
    --no-cache) options+=(--no-cache) ;;
    *) fail "unknown option: $1; usage: ./run.sh docker build [--torch cpu|cuda] [--open-clip yes|no] [--no-cache]" ;;
  esac
  shift
done
case $torch in cpu | cuda) ;; *) fail "--torch is cpu or cuda, got $torch" ;; esac
[ -n "$open_clip" ] || { [ "$torch" = cuda ] && open_clip=yes || open_clip=no; }
case $open_clip in yes | no) ;; *) fail "--open-clip is yes or no, got $open_clip" ;; esac

# A folder of this machine that pip is told to look for wheels in, and that holds the locked torch.
wheel_folder() {
  local folder wheel
  wheel=torch-$(sed -n 's/^torch==\([^ ]*\).*/\1/p' "$root/locks/cpu.txt")
  for folder in ${PIP_FIND_LINKS:-} $(python3 -m pip config get global.find-links 2>/dev/null || true); do
    compgen -G "$folder/$wheel-*.whl" >/dev/null && printf '%s\n' "$folder" && return
  done
  return 1
}

# The build sees no folder of this machine, but with its network it sees a server on loopback.
serve_wheels() {
  local folder address
  folder=$(wheel_folder) || return 0
  log=$(mktemp)
  python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$folder" >"$log" 2>&1 &
  server=$!
  trap 'kill "$server" 2>/dev/null || true; rm -f -- "$log"' EXIT
  for _ in $(seq 50); do
    address=$(sed -n 's/.*(\(http:[^)]*\)).*/\1/p' "$log")
    [ -z "$address" ] || break
    sleep 0.1
  done
  [ -n "$address" ] || fail "the server for the torch wheel did not start: $(tail -n 1 "$log")"
  options+=(--build-arg "TORCH_LINKS=$address")
}

certificates=${PIP_CERT:-${SSL_CERT_FILE:-}}
[ ! -f "$certificates" ] || options+=(--secret "id=certificates,src=$certificates")
[ -z "${PIP_INDEX_URL:-}" ] || options+=(--build-arg "PIP_INDEX_URL=$PIP_INDEX_URL")
[ "$torch" != cpu ] || serve_wheels

require_engine
"$root/docker/base.sh" "$base"
# A checkout without git has no revision; the date of the commit keeps builds of one commit alike.
revision=$(git -C "$root" rev-parse HEAD 2>/dev/null || echo unknown)
created=$(git -C "$root" log -1 --format=%cI 2>/dev/null || echo 1970-01-01T00:00:00Z)
version=$(sed -n 's/^version: *//p' "$root/CITATION.cff" | tr -d '"')
weights=$(sha256sum "$root/weights/HippocampusMR.safetensors" | cut -d' ' -f1)
"$docker" build --network=host --progress=plain --tag "$image" \
  --build-arg "BASE=$base" --build-arg "TORCH=$torch" --build-arg "OPEN_CLIP=$open_clip" \
  --build-arg "WEIGHTS_SHA256=$weights" --build-arg "REVISION=$revision" \
  --build-arg "CREATED=$created" --build-arg "VERSION=$version" \
  "${options[@]}" "$root" >&2
say "built $image: torch $torch, open_clip $open_clip, $(($("$docker" image inspect --format '{{.Size}}' "$image") / 1000000)) MB"
