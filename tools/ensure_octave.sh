#!/bin/sh
# Installs octave-cli, with OpenBLAS for its matrix products, through the system's package manager where it is missing
# and can be had; never fails.
has_octave() { command -v octave-cli >/dev/null 2>&1; }
has_openblas() { ldconfig -p 2>/dev/null | grep -q openblas; } # Debian's Octave runs on the reference BLAS without it
as_root=
[ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null && as_root="sudo -n"; }
may_install() { [ "$(id -u)" -eq 0 ] || [ -n "$as_root" ]; }
apt_install() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if may_install && command -v apt-get >/dev/null 2>&1; then
    tried="${TMPDIR:-/tmp}/hf_compat_openblas_tried_$(id -u)" # asked once only: the user may prefer another BLAS
    has_octave && { has_openblas || [ -e "$tried" ]; } && exit 0
    : >"$tried"
    echo "Installing Octave (octave-cli) and OpenBLAS with apt-get, once ..."
    { $as_root apt-get update && { has_octave || apt_install octave; } && apt_install libopenblas0-pthread; } >"$log" 2>&1
elif has_octave; then
    exit 0
elif may_install && command -v dnf >/dev/null 2>&1; then
    echo "Installing Octave (octave-cli) and OpenBLAS with dnf, once ..."
    { $as_root dnf install -y octave && $as_root dnf install -y openblas-threads; } >"$log" 2>&1
elif command -v brew >/dev/null 2>&1; then
    echo "Installing Octave (octave-cli) with brew, once ..."
    brew install octave >"$log" 2>&1 # it comes with OpenBLAS
fi
if ! has_octave; then
    echo "octave-cli is not here and could not be installed: recorded numbers stand in for live comparisons."
    tail -n 2 "$log"
elif command -v ldconfig >/dev/null 2>&1 && ! has_openblas; then
    echo "Octave runs without OpenBLAS, which is slow: benchmarks against it take long, and some are left out."
fi
exit 0
