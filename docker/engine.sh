#!/usr/bin/env bash
# Brings up a Docker engine on a plain Debian machine where none answers, and takes down only what it brought up.
#   eval "$(docker/engine.sh start)"   afterwards DOCKER_HOST names the engine
#   docker/engine.sh stop
#   docker/engine.sh run COMMAND...    the command with an engine, which ends with it if it was not there before
set -euo pipefail

state=${TMPDIR:-/tmp}/textscf-l2r-engine
socket=unix://$state/docker.sock
wait_s=60

say() { printf 'engine.sh: %s\n' "$*" >&2; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

answers() { docker ${1:+--host "$1"} version >/dev/null 2>&1; }

install_engine() {
  command -v dockerd >/dev/null && command -v debootstrap >/dev/null && command -v iptables >/dev/null && return
  command -v apt-get >/dev/null || fail "no dockerd here, and no apt-get to install it with; install Docker"
  say "installing docker.io, debootstrap and iptables with apt-get"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends docker.io debootstrap iptables; } >"$state/install.log" 2>&1 ||
    fail "apt-get failed: $(tail -n 1 "$state/install.log")"
}

bring_up() {
  [ "$(id -u)" = 0 ] || fail "no Docker engine answers, and only root can start one"
  mkdir -p "$state"
  install_engine
  # The engine outlives this script; what it says goes to its log.
  setsid dockerd --data-root "$state/data" --exec-root "$state/exec" --pidfile "$state/pid" \
    --host "$socket" >"$state/log" 2>&1 </dev/null &
  for ((second = 0; second < wait_s; second++)); do
    answers "$socket" && break
    sleep 1
  done
  answers "$socket" || fail "the engine did not answer within $wait_s s: $(tail -n 1 "$state/log")"
  say "started a Docker engine; its files are in $state"
}

start() {
  if answers ""; then
    say "a Docker engine answers already; it is left alone"
    return
  fi
  if answers "$socket"; then
    say "the engine started before still runs"
  else
    bring_up
  fi
  printf 'export DOCKER_HOST=%q\n' "$socket"
}

stop() {
  if [ ! -f "$state/pid" ]; then
    say "no engine of this script runs"
    return
  fi
  local pid
  pid=$(cat -- "$state/pid")
  # What builds leave behind would fill the disk in time; the last image's own layers stay.
  docker --host "$socket" image prune --force >/dev/null 2>&1 || true
  docker --host "$socket" builder prune --force --keep-storage 6GB >/dev/null 2>&1 || true
  kill -TERM "$pid" 2>/dev/null || true
  for ((second = 0; second < wait_s; second++)); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 1
  done
  ! kill -0 "$pid" 2>/dev/null || fail "the engine, process $pid, did not end within $wait_s s"
  rm -f -- "$state/pid"
  say "stopped the engine; its images stay in $state"
}

# A command with an engine around it, its own where none answers; without any the command runs all the same.
run_with_engine() {
  local code=0 started=
  if answers "" || answers "$socket"; then
    eval "$(start)"
  elif (bring_up); then
    started=yes
    export DOCKER_HOST=$socket
  else
    say "no engine: what needs one will say so"
  fi
  "$@" || code=$?
  [ -z "$started" ] || stop 2>/dev/null
  return "$code"
}

case ${1:-} in
  start) start ;;
  stop) stop ;;
  run) run_with_engine "${@:2}" ;;
  *) fail "usage: engine.sh start | stop | run COMMAND..." ;;
esac
