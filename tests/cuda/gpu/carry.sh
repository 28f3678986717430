#!/bin/sh
# Copies to a folder the libraries of the programs that lie there, but for the C library's. The first two are the project's and CUDA's.
#
#     sh carry.sh FOLDER LIBRARY LIBRARY PROGRAM...
set -eu
cd "$1"
cp "$2" "$3" .
shift 3
for program in "$@"; do
    ldd "$program" | sed -n 's|.* => \(/[^ ]*\) .*|\1|p' | while read -r library; do
        case ${library##*/} in
        libc.so* | libm.so* | libdl.so* | libpthread.so* | librt.so* | libresolv.so*) ;;
        *) test "$library" -ef "${library##*/}" || cp "$library" . ;;
        esac
    done
done
