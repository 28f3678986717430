#!/bin/sh
# What a stranger does with the library: installs it, moves it, links it in one of the ways there are, and runs his programs.
#
#     sh consume.sh WAY SOURCE BUILD CMAKE CC CXX     WAY: install, or one of the ways after it (they use what install left)
set -eu

way=$1 source=$2 build=$3 cmake=$4 CC=$5 CXX=$6
export CC CXX
work=$build/consume
prefix=$work/moved
here=$work/$way
strict="-Wall -Wextra -Wpedantic -Werror"

fail() {
    echo "consume.sh $way: $*" >&2
    exit 1
}

# pc ARGUMENT...: pkg-config that knows the moved prefix.
pc() {
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name libknn.pc)") pkg-config "$@" libknn
}

# Programs that are linked with the moved library find it.
find_library() {
    LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name 'libknn.so')")
    export LD_LIBRARY_PATH
}

# run_programs FOLDER: FOLDER's programs train, save, and judge a bright picture.
run_programs() {
    find_library
    "$1/consumer" "$here"
    for program in classify-c classify-cpp; do
        "$1/$program" "$here/model.h5" "$here/picture.ppm" >"$here/answer"
        grep -q "^$here/picture.ppm: bright [01]\\.[0-9]*\$" "$here/answer" || fail "$program answered: $(cat "$here/answer")"
    done
    if "$1/classify-c" "$here/missing.h5" "$here/picture.ppm" 2>"$here/error"; then
        fail "a missing model is no failure"
    fi
    grep -q missing.h5 "$here/error" || fail "the error does not name the file: $(cat "$here/error")"
}

links_shared() {
    readelf -d "$1" | grep -q "NEEDED.*libknn\\.so\\.[0-9]*\\.[0-9]*\\]"
}

# cmake_build FOLDER ARGUMENT...: configures and builds in $here/build.
cmake_build() {
    folder=$1
    shift
    "$cmake" -S "$folder" -B "$here/build" -DCMAKE_BUILD_TYPE=Debug "$@"
    "$cmake" --build "$here/build" --parallel 2
}

# compile COMPILER SOURCE PROGRAM FLAGS...: by hand, with what pkg-config says.
compile() {
    compiler=$1 from=$2 program=$3
    shift 3
    # shellcheck disable=SC2046,SC2086  # lists of flags
    $compiler $strict $(pc --cflags) -o "$here/$program" "$from" "$@"
}

# headers COMPILER STANDARD LANGUAGE: each header alone.
headers() {
    for header in "$prefix"/include/knn/*.h; do
        # shellcheck disable=SC2086
        "$1" -std="$2" $strict -x "$3" -fsyntax-only -I "$prefix/include" -include "$header" /dev/null || fail "$header, $1 -std=$2"
    done
}

rm -rf "$here"
mkdir -p "$here"
case $way in
install)
    rm -rf "$prefix"
    "$cmake" --install "$build" --prefix "$here/first"
    mv "$here/first" "$prefix"
    if grep -rl -e "$here" -e "$build" -e "$source" "$prefix" --include='*.cmake' --include='*.pc' --include='*.h'; then
        fail "these name a folder of this machine"
    fi
    if readelf -d "$prefix"/lib*/libknn.so "$prefix"/lib*/*/libknn.so 2>/dev/null | grep -e RPATH -e RUNPATH; then
        fail "the installed library looks for others by path"
    fi
    ;;
tool)
    "$prefix/bin/knn" --version >"$here/version" || fail "the installed tool does not find its library"
    grep -q "^knn $(pc --modversion) " "$here/version" || fail "knn says: $(cat "$here/version")"
    "$prefix/bin/knn" convert "$source/tests/fixtures/keras/cnn-keras2.h5" "$here/model.keras" || fail "the installed tool does not convert"
    test -s "$prefix/share/man/man1/knn.1" || fail "there is no page of the manual"
    ;;
find_package_shared)
    cmake_build "$source/tests/consume" -DKNN_TARGET=knn::knn -DEMBED="$source/examples/embed" -DCMAKE_PREFIX_PATH="$prefix"
    links_shared "$here/build/consumer" || fail "the program does not need libknn.so.MAJOR.MINOR"
    run_programs "$here/build"
    ;;
find_package_static)
    cmake_build "$source/tests/consume" -DKNN_TARGET=knn::knn_static -DEMBED="$source/examples/embed" -DCMAKE_PREFIX_PATH="$prefix"
    ! links_shared "$here/build/consumer" || fail "the program needs libknn.so"
    run_programs "$here/build"
    ;;
find_package_version)
    for version in 0.0 0.2 1.0; do
        printf 'cmake_minimum_required(VERSION 3.20)\nproject(v C)\nfind_package(knn %s QUIET)\nif(knn_FOUND)\nmessage(FATAL_ERROR "%s")\nendif()\n' \
            "$version" "version $version is there" >"$here/CMakeLists.txt"
        "$cmake" -S "$here" -B "$here/build" -DCMAKE_PREFIX_PATH="$prefix" || fail "find_package(knn $version) is satisfied"
    done
    ;;
embed_cmake)
    cmake_build "$source/examples/embed" -DCMAKE_PREFIX_PATH="$prefix"
    cp "$work/pkg_config_shared/consumer" "$here/build"
    run_programs "$here/build"
    ;;
embed_make)
    cp "$source"/examples/embed/* "$here"
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name libknn.pc)") make -C "$here" CC="$CC" CXX="$CXX"
    cp "$work/pkg_config_shared/consumer" "$here"
    run_programs "$here"
    ;;
pkg_config_shared)
    test "$(pc --modversion)" = "$(sed -n 's/^Version: //p' "$build/libknn.pc")" || fail "pkg-config tells another version"
    case $(pc --libs) in
    *hdf5* | *openblas* | *cjson*) fail "pkg-config --libs names what only the static library needs: $(pc --libs)" ;;
    esac
    # shellcheck disable=SC2046
    {
        compile "$CC -std=c11" "$source/tests/consume/consumer.c" consumer $(pc --libs)
        compile "$CC -std=c11" "$source/examples/embed/classify.c" classify-c $(pc --libs)
        compile "$CXX -std=c++17" "$source/examples/embed/classify.cpp" classify-cpp $(pc --libs)
    }
    links_shared "$here/consumer" || fail "the program does not need libknn.so.MAJOR.MINOR"
    run_programs "$here"
    ;;
pkg_config_static)
    libs=$(pc --static --libs | sed 's/-lknn\>/-l:libknn.a/')
    # shellcheck disable=SC2086
    {
        compile "$CC -std=c11" "$source/tests/consume/consumer.c" consumer $libs
        compile "$CC -std=c11" "$source/examples/embed/classify.c" classify-c $libs
        compile "$CXX -std=c++17" "$source/examples/embed/classify.cpp" classify-cpp $libs
    }
    ! links_shared "$here/consumer" || fail "the program needs libknn.so"
    run_programs "$here"
    ;;
add_subdirectory)
    cmake_build "$source/tests/consume" -DKNN_TARGET=knn::knn_static -DKNN_SOURCE="$source" -DEMBED="$source/examples/embed" \
        -DKNN_CUDA_ARCHITECTURES=75-real                    # one GPU: kernels for all take minutes
    run_programs "$here/build"
    ! grep -q "knn_harness\\|_test:" "$here/build/Makefile" || fail "the tests are built for a user of the library"
    ;;
destdir)
    DESTDIR=$here/stage "$cmake" --install "$build" --prefix /opt/knn
    for file in include/knn/knn.h libknn.so libknn.a libknn.pc knnConfig.cmake knnConfigVersion.cmake; do
        test -n "$(find "$here/stage/opt/knn" -path "*/$file")" || fail "$file is not below DESTDIR/opt/knn"
    done
    test "$(ls "$here/stage")" = opt || fail "more than the prefix is below DESTDIR"
    ;;
readme)
    # shellcheck disable=SC2016  # the fences of a program in Markdown
    sed -n '/^```c$/,/^```$/p' "$source/README.md" | grep -v '^```' >"$here/program.c"
    # shellcheck disable=SC2046
    compile "$CC -std=c11" "$here/program.c" program $(pc --libs)
    find_library
    cd "$here"
    ! ./program >answer 2>error || fail "it succeeds without pictures"
    grep -q "the data set is NULL; before that: flowers: " error || fail "it says: $(cat error)"
    for flower in aster daisy lily rose tulip; do
        mkdir -p "flowers/$flower"
        printf 'P6 2 1 255\n\377\000\000\000\000\377' >"flowers/$flower/1.ppm"
    done
    cp flowers/rose/1.ppm unknown.jpg               # kinds of pictures are told by their content
    ./program >answer || fail "it fails"
    grep -q "^[a-z]*, [0-9]* %\$" answer || fail "it answers: $(cat answer)"
    test -s flowers.h5 || fail "it saves no model"
    ;;
headers_gcc | headers_clang)
    compiler=${way#headers_} compilerxx=$(echo "${way#headers_}" | sed 's/gcc/g/')++
    if ! command -v "$compiler" >/dev/null || ! command -v "$compilerxx" >/dev/null; then
        echo "there is no $compiler"
        exit 77
    fi
    headers "$compiler" c11 c
    headers "$compilerxx" c++17 c++
    ;;
*)
    fail "there is no such way"
    ;;
esac
