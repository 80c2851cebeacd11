#!/bin/sh
# Makes a virtual environment with this package, editable, and all that its tests, demo and linters need.
#   make_venv.sh DIRECTORY     (PYTHON=... chooses the interpreter)
set -eu
venv=$1

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

python=
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14; do
    if new_enough "$candidate"; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
    echo "Python 3.11 or newer is needed and was not found. Install it, or name it: make test PYTHON=/path/to/python" >&2
    exit 1
fi
if [ ! -x "$venv/bin/python" ] && ! "$python" -m venv "$venv"; then
    rm -rf "$venv"
    echo "$python cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv" >&2
    exit 1
fi
echo "Setting up $venv with $("$venv/bin/python" --version) (once) ..."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e '.[dev,numba,plot,mat73,migrate,nvrtc,search,sklearn,export,tensorboard,mpi-local,share,data,autodiff]'
