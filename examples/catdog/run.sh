#!/bin/sh
# Builds catdog, trains it, and lets it judge pictures that it has not seen; all of it in the clone's folder build.
# Does not install the library.
#
#     sh run.sh                   on cats and dogs that it draws first
#     sh run.sh DIRECTORY         on DIRECTORY/train, validation and test, each with the folders cat and dog
#     sh run.sh --download        on the photographs of "Dogs vs. Cats", which it fetches first (800 MB)
#     sh run.sh --download-only   fetches them and stops
set -eu

SAMPLE_EPOCHS=40                # keeps the whole run under three minutes on two cores
EPOCHS=30

# The archive as Microsoft published it. These three lines were written down from general knowledge, without a network to
# try them in; whoever knows better sets the variables.
URL=${CATDOG_URL:-https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/kagglecatsanddogs_5340.zip}
SIZE=${CATDOG_SIZE:-824887076}
SHA256=${CATDOG_SHA256:-b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9}
BROKEN="Cat/666.jpg Dog/11702.jpg"

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
build=$root/build/run
work=$root/build/catdog
# shellcheck source-path=SCRIPTDIR source=../../cmake/packages.sh
. "$root/cmake/packages.sh"

fail() {
    echo "run.sh: $*" >&2
    exit 1
}

usage() {
    echo "usage: sh run.sh [DIRECTORY | --download | --download-only]"
}

build_programs() {
    # shellcheck disable=SC2086  # a list
    install_missing $build_packages gnuplot-nox
    if [ ! -f "$build/CMakeCache.txt" ] && command -v ninja >/dev/null; then
        set -- -G Ninja
    else
        set --
    fi
    cmake -S "$root" -B "$build" "$@" -DCMAKE_BUILD_TYPE=Release -DKNN_BUILD_TESTS=OFF -DKNN_BUILD_EXAMPLES=ON
    cmake --build "$build" --target catdog draw --parallel "$(nproc)"
}

# ---- the photographs ------------------------------------------------------------------------------------------------

print_terms() {
    cat <<END
Dogs vs. Cats: photographs that Petfinder.com supplied to Microsoft Research. The publisher's terms, in short: they are
there for academic research, may be used for research that is not commercial, and may not be published again without
Microsoft's permission. Please keep to them.
END
}

size_of() {
    if [ -f "$1" ]; then
        wc -c <"$1" | tr -d ' '
    else
        echo 0
    fi
}

# One attempt; goes on where an earlier one was cut off.
fetch() {
    if command -v curl >/dev/null; then
        curl --fail --location --continue-at - --output "$1" "$URL"
    else
        wget --tries=1 --continue --output-document="$1" "$URL"
    fi
}

# fetch_whole FILE: tries again as long as that brings the file on, and five times when it does not.
fetch_whole() {
    futile=0
    while [ "$(size_of "$1")" -lt "$SIZE" ]; do
        before=$(size_of "$1")
        fetch "$1" && status=0 || status=$?
        if [ "$(size_of "$1")" -gt "$before" ]; then
            futile=0
        elif [ $((futile += 1)) -eq 5 ]; then
            fail "cannot fetch $URL (exit status $status); what has come is in $1, and the next run goes on from there"
        else
            sleep "$futile"
        fi
    done
}

check_archive() {
    got="$(size_of "$1") bytes, SHA-256 $(sha256sum "$1" | cut -d ' ' -f 1)"
    expected="$SIZE bytes, SHA-256 $SHA256"
    if [ "$got" != "$expected" ]; then
        rm -f "$1"
        fail "$URL is not the expected archive, and was deleted: expected $expected, got $got"
    fi
}

# is_picture FILE FIRST LAST: a number of these for a name, and not known to be broken.
is_picture() {
    number=${1##*/}
    number=${number%.jpg}
    case $number in
    '' | *[!0-9]*) return 1 ;;
    esac
    case " $BROKEN " in
    *" ${1#unpacked/PetImages/} "*) return 1 ;;
    esac
    test -s "$1" && test "$number" -ge "$2" && test "$number" -le "$3"
}

# move_pictures FROM TO FIRST LAST
move_pictures() {
    mkdir -p "$2"
    for picture in "$1"/*.jpg; do
        if is_picture "$picture" "$3" "$4"; then
            echo "$picture"
        fi
    done >list.txt
    # shellcheck disable=SC2016  # for the inner shell: xargs runs it even where there is nothing to move
    xargs sh -c 'test $# -eq 0 || mv "$@" "$0"' "$2" <list.txt
    rm list.txt
}

# split ARCHIVE: into CatAndDog, which comes into being as a whole.
split() {
    rm -rf unpacked CatAndDog.part
    unzip -q "$1" 'PetImages/*' -d unpacked
    for class in Cat Dog; do
        folder=$(echo "$class" | tr CD cd)
        move_pictures "unpacked/PetImages/$class" "CatAndDog.part/train/$folder" 0 9999
        move_pictures "unpacked/PetImages/$class" "CatAndDog.part/validation/$folder" 10000 11249
        move_pictures "unpacked/PetImages/$class" "CatAndDog.part/test/$folder" 11250 12499
    done
    mv CatAndDog.part CatAndDog
    rm -rf unpacked
}

download() {
    print_terms
    if [ -d CatAndDog ]; then
        echo "The photographs are in $work/CatAndDog already."
        return
    fi
    install_missing ca-certificates 'curl|wget' unzip
    fetch_whole archive.zip
    check_archive archive.zip
    split archive.zip
    echo "The photographs are in $work/CatAndDog; $work/archive.zip is needed no longer."
}

# ---- training and judging -------------------------------------------------------------------------------------------

# train DIRECTORY EPOCHS: a training that was interrupted goes on, unless it was one with other pictures.
train() {
    if [ -f CatDogClassifier_backup.h5 ] && [ "$(cat data-set.txt)" != "$1" ]; then
        echo "Dropping the interrupted training on $(cat data-set.txt)."
        rm -f CatDogClassifier_backup.h5
    fi
    echo "$1" >data-set.txt
    "$build/examples/catdog/catdog" --data "$1" --epochs "$2"
}

# Reads lines `PATH/CLASS/FILE: ANSWER PROBABILITY` and prints how many of the answers are right.
count_right() {
    LC_ALL=C awk -v part="$1" '
        {
            answer = $(NF - 1)
            sub(/: [^ ]* [^ ]*$/, "")
            folders = split($0, folder, "/")
            right += folder[folders - 1] == answer
        }
        END {
            if (NR == 0)
                exit 1
            printf "accuracy on the %s pictures: %.4f (%d of %d)\n", part, right / NR, right, NR
        }'
}

# judge DIRECTORY
judge() {
    part='test'
    if [ ! -d "$1/test" ]; then
        part=validation
        echo "There is no $1/test: predicting $1/validation instead."
    fi
    "$build/examples/catdog/catdog" -d "$1/$part" >predictions.txt && status=0 || status=$?
    echo "The answers are in $work/predictions.txt."
    count_right "$part" <predictions.txt || fail "catdog said nothing about $1/$part"
    return "$status"
}

if [ $# -gt 1 ]; then
    usage >&2
    exit 2
fi
case $#,${1-} in
0,)
    echo "No data set was given: this draws a sample of cats and dogs, and trains on it."
    action=draw
    ;;
1,--help | 1,-h)
    usage
    exit 0
    ;;
1,--download | 1,--download-only) action=${1#--} ;;
1, | 1,-*)
    usage >&2
    exit 2
    ;;
*)
    data=$(CDPATH='' cd -- "$1" && pwd) || fail "there is no directory $1"
    action=train
    ;;
esac

mkdir -p "$work"
cd "$work"
epochs=$EPOCHS
case $action in
download*)
    download
    data=$work/CatAndDog
    ;;
draw)
    data=$work/sample
    epochs=$SAMPLE_EPOCHS
    ;;
esac
if [ "$action" = download-only ]; then
    exit 0
fi
build_programs
if [ "$action" = draw ]; then
    rm -rf sample
    "$build/examples/catdog/draw" sample
fi
train "$data" "$epochs"
judge "$data"
