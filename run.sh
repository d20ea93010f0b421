#!/usr/bin/env bash
# The one door to textscf-l2r: makes its Python environment on first use, then hands the verb on. `./run.sh help` lists the verbs.
set -euo pipefail

root=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
venv=$root/.venv
python=$venv/bin/python
# The packages are run from the checkout, never installed; nothing in the caller's folder may stand in for them.
export PYTHONPATH=$root PYTHONSAFEPATH=1

# Where standard error is closed or full, the work goes on.
say() { printf 'run.sh: %s\n' "$*" >&2 || true; }

fail() {
  printf 'error: %s\n' "$*" >&2 || true
  exit 2
}

pip_install() { "$python" -m pip install --quiet --disable-pip-version-check --no-input "$@" >&2; }

# What identifies an installed list of pins: its text and the Python it was installed for.
stamp() { { "$python" -V && cat -- "$root/$1"; } 2>&1 | sha256sum; }

is_installed() { [ -x "$python" ] && [ "$(cat -- "$venv/$1.sha256" 2>/dev/null)" = "$(stamp "$1")" ]; }

has_venv_module() { python3 -I -c 'import ensurepip, venv' 2>/dev/null; }

require_python() {
  if command -v python3 >/dev/null && ! python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    fail "Python is too old: python3; expected 3.11 or newer, got $(python3 -V 2>&1)"
  fi
  has_venv_module && return
  # Debian keeps a part of the venv module in a package of its own.
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing python3-venv with apt-get"
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv; } >&2 || say "apt-get failed"
  fi
  has_venv_module ||
    fail "Python's venv module is missing; install it: sudo apt-get update && sudo apt-get install -y python3-venv"
}

# An environment that this user cannot use may be sound for another, so nothing is ever deleted here.
require_own_venv() {
  [ -e "$venv" ] || [ -L "$venv" ] || return 0
  { [ -d "$venv" ] && [ -r "$venv" ] && [ -w "$venv" ] && [ -x "$venv" ]; } ||
    fail "the Python environment cannot be changed by this user: $venv; run as $(stat -c %U -- "$venv"), or use a checkout of your own"
  [ -e "$python" ] || [ -L "$python" ] || return 0
  "$python" -c '' 2>/dev/null ||
    fail "the environment's Python cannot be run by this user: $python ($(readlink -f -- "$python" || true)); run as who made it, or remove $venv and run again"
}

# Completes one whose making was interrupted.
make_venv() {
  require_python
  say "making a Python environment in $venv"
  python3 -m venv "$venv" >&2 || fail "cannot make a Python environment in $venv"
}

# Without a GPU only the CPU build will do: the other one brings gigabytes of CUDA along.
install_torch() {
  local version
  version=$(sed -n 's/^torch==//p' "$root/requirements.txt")
  if nvidia-smi -L >/dev/null 2>&1; then
    pip_install -c "$root/requirements.txt" "torch==$version"
  else
    pip_install --no-deps "torch==$version+cpu" 2>/dev/null ||
      pip_install --no-deps --index-url https://download.pytorch.org/whl/cpu "torch==$version+cpu"
  fi
}

# Runs in a subshell that holds a lock on the checkout, so that two first uses at once do not mix.
install_pins() (
  flock 9
  is_installed "$1" && exit 0
  require_own_venv
  "$python" -m pip --version >/dev/null 2>&1 || make_venv
  say "installing $1 (once; the first time takes minutes)"
  [ "$1" != requirements.txt ] || install_torch
  # The lists are complete, so no package may choose others, least of all a second torch.
  pip_install --no-deps -r "$root/$1"
  stamp "$1" >"$venv/$1.sha256"
) 9<"$root"

set_up() {
  local list
  for list in "$@"; do
    is_installed "$list" || install_pins "$list"
  done
}

# The tests come last, and run even if a check failed, so that their closing line is the last one.
check_and_test() {
  local check failed=()
  cd -- "$root"
  for check in "ruff check ." "ruff format --check ." mypy; do
    # shellcheck disable=SC2086  # a check is a few words
    "$python" -m $check || failed+=("$check")
  done
  [ ${#failed[@]} = 0 ] || say "failed: $(printf '%s; ' "${failed[@]}")the exit code will say so"
  # All of it goes on all cores; a part of it is sooner done than the other processes have started.
  case "$*" in
    '') set -- --numprocesses "$(nproc)" ;;
    --fast) set -- --numprocesses "$(nproc)" -m "not slow" ;;
  esac
  "$python" -m pytest "$@" || failed+=(pytest)
  [ ${#failed[@]} = 0 ]
}

in_docker() {
  local named=()
  if [ "${1:-}" = --image ] && [ $# -ge 2 ]; then
    named=(--image "$2")
    shift 2
  fi
  case ${1:-} in
    build | smoke | save) exec "$root/docker/$1.sh" "${named[@]}" "${@:2}" ;;
    predict | register | evaluate) exec "$root/docker/contained.sh" "${named[@]}" "$@" ;;
    lock) exec "$root/docker/lock.sh" ;;
    *) fail "docker takes build, predict, register, evaluate, smoke, save or lock, got ${1:-nothing}" ;;
  esac
}

# The table of verbs is the program's own; this Python needs to be able to read it, and no more.
verbs() {
  python3 -I -B -c 'import sys; sys.path.insert(0, sys.argv[1]); from textscf.overview import main; sys.exit(main(sys.argv[2:]))' "$root" "$@"
}

command -v python3 >/dev/null || require_python
case ${1:-} in
  help | -h | --help) verbs help ;;
  --version) sed -n 's/^VERSION = "\(.*\)"/textscf-l2r \1/p' "$root/pairs/process/version.py" ;;
  docker) in_docker "${@:2}" ;;
  *)
    packages=$(verbs packages "$@") || exit
    # shellcheck disable=SC2086  # the names of lists
    set_up $packages
    if [ "${1:-}" = test ]; then
      check_and_test "${@:2}"
    else
      exec "$python" -m textscf "$@"
    fi
    ;;
esac
