#!/usr/bin/env bash
# Makes sure that the base image is there: pulled, or where no registry can be reached, made of Debian's packages
# under the very same name.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/client.sh"

base=${1:?usage: base.sh IMAGE}

make_base() {
  command -v debootstrap >/dev/null || fail "$base can be pulled from no registry, and debootstrap is not installed"
  [ "$(id -u)" = 0 ] || fail "$base can be pulled from no registry, and only root can make it with debootstrap"
  say "no registry gives $base; making it with debootstrap"
  folder=$(mktemp -d)
  trap 'rm -rf -- "$folder"' EXIT
  debootstrap --variant=minbase bookworm "$folder/root" >"$folder/log" 2>&1 || fail "debootstrap: $(tail -n 1 "$folder/log")"
  # As the official slim image: no manuals, no translations, no package lists; licences stay.
  rm -rf "$folder"/root/usr/share/{man,info,locale,lintian} "$folder"/root/var/cache/apt/* "$folder"/root/var/lib/apt/lists/*
  find "$folder/root/usr/share/doc" -type f -not -name copyright -delete
  tar --directory "$folder/root" --create . | "$docker" import --change 'CMD ["bash"]' - "$base" >/dev/null
}

require_engine
"$docker" image inspect "$base" >/dev/null 2>&1 || "$docker" pull --quiet "$base" >/dev/null 2>&1 || make_base
