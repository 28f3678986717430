#!/bin/sh
# Keeps the floors of lib: a file includes headers of its own folder and of lower floors only, and each dependency stays in its one place.
# Reads #include lines and a few names; compiles nothing.
#
#     sh floors_test.sh SOURCE
set -eu

source=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# violations LIB: a line for each.
# shellcheck disable=SC2016  # it is awk that expands
violations() {
    (cd "$1" && find . -name '*.[ch]' -o -name '*.cu' | sed 's|^\./||' | LC_ALL=C sort | xargs awk '
        BEGIN {
            split("core 0 layers 1 backend 2 plan 3 learning 4 data 4 model 5 keras 6 training 7", pairs, " ")
            for (i = 1; i in pairs; i += 2)
                floor[pairs[i]] = pairs[i + 1]
            # Where a pattern may occur, as a pattern of the file.
            home["cblas|openblas"] = "^backend/cpu/"
            home["^ *#.*<(hdf5|H5|cJSON)|H5[A-Z][a-z]|cJSON_"] = "^keras/"
            home["^ *#.*<zip|zip_[a-z]+\\("] = "^keras/archive\\.c$"
            home["^ *#.*<(jpeglib|jerror|stb)|stbi_|jpeg_read"] = "^data/"
            home["^ *#.*<omp|#pragma omp"] = "^core/parallel\\.c$"
            home["^ *#.*<cuda|cublas"] = "^backend/cuda/"
        }
        FNR == 1 {
            folder = FILENAME
            if (!sub("/.*", "", folder))
                folder = "";                            # above all floors
            else if (!(folder in floor))
                print FILENAME ": a folder without a floor"
        }
        {
            for (pattern in home)
                if ($0 ~ pattern && FILENAME !~ home[pattern] && $0 !~ /^ *(\/\*|\*|\/\/)/)
                    print FILENAME ":" FNR ": does not belong here: " $0
        }
        /^ *# *include *"/ {
            split($0, quoted, "\"")
            other = quoted[2]
            if (!sub("/.*", "", other) || !(other in floor))
                print FILENAME ":" FNR ": not a path from lib: " $0
            else if (folder != "" && other != folder && floor[other] >= floor[folder])
                print FILENAME ":" FNR ": up the floors: " $0
        }')
    # The public headers stand on the C library alone.
    grep -n '^ *# *include' "$1"/../include/knn/*.h /dev/null | grep -v -E '<(knn/[a-z]+\.h|std[a-z]+\.h)>' || true
}

# A planted house with one violation of each kind, each of which must be seen.
plant() {
    mkdir -p "$scratch/lib/$(dirname "$1")" "$scratch/include/knn"
    echo "$2" >"$scratch/lib/$1"
}
plant core/a.c '#include "layers/node.h"'
plant learning/b.c '#include "data/image.h"'
plant model/c.c '#include <hdf5.h>'
plant plan/d.c '    cblas_sgemm(1);'
plant data/e.c '#pragma omp parallel'
plant keras/f.c '#include "hdf5.h"'
plant keras/i.c '    zip_open(1);'
plant attic/g.c 'int unused;'
plant ../include/knn/h.h '#include <cblas.h>'
plant plan/j.cu '#include <cublas_v2.h>'
plant model/fine.c '#include "core/status.h"'
plant top.c '#include "keras/hdf5.h"'
seen=$(violations "$scratch/lib")
for planted in core/a.c:1 learning/b.c:1 model/c.c:1 plan/d.c:1 data/e.c:1 keras/f.c:1 keras/i.c:1 attic/g.c include/knn/h.h:1 plan/j.cu:1; do
    case $seen in
    *"$planted:"*) ;;
    *)
        echo "the violation planted in $planted was not seen" >&2
        exit 1
        ;;
    esac
done
case $seen in
*fine.c* | *top.c*)
    echo "seen where there is none: $seen" >&2
    exit 1
    ;;
esac

found=$(violations "$source/lib")
if [ -n "$found" ]; then
    echo "$found"
    exit 1
fi
