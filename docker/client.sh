# Sourced by the other scripts: takes `--image NAME`, finds a docker client that can build with BuildKit.

root=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")
image=textscf-l2r

say() { printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

fail_output() {
  printf 'error: output not writable: %s\n' "$1" >&2
  exit 5
}

# The value of --mount for a folder at its own path; more options may follow. Docker reads it as CSV, in which quotes
# make a comma part of the name.
bind_of() {
  local name=${1//\"/\"\"}
  case $1 in *[[:cntrl:]]*) fail "a folder with a control character in its name cannot be mounted: ${1@Q}" ;; esac
  printf 'type=bind,"source=%s","target=%s"%s' "$name" "$name" "${2:-}"
}

if [ "${1:-}" = --image ]; then
  [ $# -ge 2 ] || fail "--image takes a name"
  image=$2
  shift 2
fi

# Newer clients build through a plugin that may be missing; older ones have BuildKit built in.
builds_with_buildkit() {
  local version
  "$1" buildx version >/dev/null 2>&1 && return
  version=$("$1" --version 2>/dev/null | sed -n 's/^Docker version \([0-9]*\)\..*/\1/p')
  [ -n "$version" ] && [ "$version" -lt 23 ]
}

# A client earlier on the path may lack BuildKit where a later one has it.
find_client() {
  local candidate
  while read -r candidate; do
    if builds_with_buildkit "$candidate"; then
      printf '%s\n' "$candidate"
      return
    fi
  done < <(type -ap docker)
  fail "no docker client with BuildKit on the path; install Docker, or Debian's docker.io"
}

docker=$(find_client)
export DOCKER_BUILDKIT=1

require_engine() {
  "$docker" version >/dev/null 2>&1 ||
    fail "no Docker engine answers; start Docker, or as root: eval \"\$(docker/engine.sh start)\""
}

require_image() {
  "$docker" image inspect "$image" >/dev/null 2>&1 || fail "no image $image; build it: ./run.sh docker build"
}
