#!/bin/sh
# Makes a virtual environment with the peers that peers.txt pins, for benchmark.sh --peers. Changes nothing outside it.
#
#     sh peers-install.sh [DIRECTORY]         default: build/peers in the clone
#
# PyPI's torch for x86-64 brings gigabytes of CUDA along; where there is an index with builds for CPUs, pip's own variable
# PIP_EXTRA_INDEX_URL names it.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
directory=${1:-$here/../../build/peers}
python=${KNN_PYTHON:-python3}

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "peers-install.sh: $python cannot make virtual environments; Debian's package for that is python3-venv" >&2
    exit 1
fi
"$python" -m venv "$directory"
"$directory/bin/pip" install --quiet --requirement "$here/peers.txt"
"$directory/bin/pip" list 2>/dev/null | grep -i -E '^(torch|tensorflow-cpu|tensorflow_cpu|keras|tf-keras|tf_keras) '
