#!/bin/sh
# Installs redis-server through the system's package manager where it is missing and can be had; never fails.
# The tests start it themselves, on a free port of loopback.
has_redis() { command -v redis-server >/dev/null 2>&1; }
has_redis && exit 0
as_root=
[ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null && as_root="sudo -n"; }
may_install() { [ "$(id -u)" -eq 0 ] || [ -n "$as_root" ]; }
apt_install() { $as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends "$@"; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if may_install && command -v apt-get >/dev/null 2>&1; then
    echo "Installing redis-server with apt-get, once ..."
    { apt_install redis-server || { $as_root apt-get update && apt_install redis-server; }; } >"$log" 2>&1
elif may_install && command -v dnf >/dev/null 2>&1; then
    echo "Installing Redis with dnf, once ..."
    $as_root dnf install -y redis >"$log" 2>&1
elif command -v brew >/dev/null 2>&1; then
    echo "Installing Redis with brew, once ..."
    brew install redis >"$log" 2>&1
fi
if ! has_redis; then
    echo "redis-server is not here and could not be installed: tests of shared parameters in Redis are skipped."
    tail -n 2 "$log"
fi
exit 0
