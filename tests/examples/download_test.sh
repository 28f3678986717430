#!/bin/sh
# `run.sh --download-only` against a server on the loopback that cuts the first transfer half-way.
# Does not try the real address.
#
#     sh download_test.sh SOURCE SERVER CMAKE     the repository's root, the program cutting_server, the program cmake
#
# Exit status 77 (skipped) where unzip, curl or wget is missing.
source=$1 server=$2 cmake=$3
for tool in unzip curl wget; do
    if ! command -v "$tool" >/dev/null; then
        echo "skipped: there is no $tool"
        exit 77
    fi
done
# shellcheck source-path=SCRIPTDIR source=fake_clone.sh
. "$source/tests/examples/fake_clone.sh"
stub dpkg-query <<'END'
printf installed
END

# An archive laid out as the original one. Its pictures are none, but large enough to be cut.
mkdir -p "$scratch/made/PetImages/Cat" "$scratch/made/PetImages/Dog"
(
    cd "$scratch/made" || exit
    for class in Cat Dog; do
        for number in 0 42 666 9999 10000 11249 11250 11702 12499; do
            { echo "$class $number"; head -c 20000 /dev/urandom; } >"PetImages/$class/$number.jpg"
        done
    done
    : >PetImages/Cat/43.jpg
    echo thumbnails >PetImages/Dog/Thumbs.db
    echo copy >"PetImages/Dog/1 (copy).jpg"
    echo terms >readme.txt
    "$cmake" -E tar cf ../archive.zip --format=zip PetImages readme.txt
)
size=$(wc -c <"$scratch/archive.zip" | tr -d ' ')
sum=$(sha256sum "$scratch/archive.zip" | cut -d ' ' -f 1)
server_id=
trap 'test -z "$server_id" || kill "$server_id"; rm -rf "$scratch"' EXIT

start_server() {
    rm -f "$scratch/port"
    "$server" "$scratch/archive.zip" "$scratch/requests" >"$scratch/port" &
    server_id=$!
    while [ ! -s "$scratch/port" ]; do
        kill -0 "$server_id" || exit 1
        sleep 0.1
    done
}

stop_server() {
    kill "$server_id"
    wait "$server_id" 2>/dev/null
    server_id=
}

# download PATH SHA256: sets $status; the output is in $scratch/out.
download() {
    PATH=$1 CATDOG_URL="http://127.0.0.1:$(cat "$scratch/port")/x.zip" CATDOG_SIZE=$size CATDOG_SHA256=$2 \
        sh "$clone/examples/catdog/run.sh" --download-only >"$scratch/out" 2>&1
    status=$?
}

# Cat 666 and dog 11702 are broken; dog 666 and cat 11702 are not.
pictures="test/cat/11250.jpg test/cat/11702.jpg test/cat/12499.jpg test/dog/11250.jpg test/dog/12499.jpg \
train/cat/0.jpg train/cat/42.jpg train/cat/9999.jpg \
train/dog/0.jpg train/dog/42.jpg train/dog/666.jpg train/dog/9999.jpg \
validation/cat/10000.jpg validation/cat/11249.jpg validation/dog/10000.jpg validation/dog/11249.jpg"

# with TOOL PATH: the whole way with one of the two programs.
with() {
    rm -rf "$clone/build"
    start_server
    download "$2" "$sum"
    check "$1: a cut transfer ends well" equal 0 "$status"
    check "$1: it goes on where it was cut" equal "whole;from $((size / 2));" "$(tr '\n' ';' <"$scratch/requests")"
    check "$1: the terms are printed" grep -q "academic research" "$scratch/out"
    check "$1: pictures are split by number, broken ones left out" equal "$pictures" \
        "$(cd "$clone/build/catdog/CatAndDog" && echo */*/*.jpg)"
    check "$1: nothing else is there" equal "CatAndDog archive.zip" "$(cd "$clone/build/catdog" && echo *)"
    check "$1: pictures are whole" cmp "$scratch/made/PetImages/Dog/11250.jpg" \
        "$clone/build/catdog/CatAndDog/test/dog/11250.jpg"
    download "$2" "$sum"
    check "$1: the second run fetches nothing" equal "0 2" "$status $(wc -l <"$scratch/requests" | tr -d ' ')"
    rm -rf "$clone/build/catdog/CatAndDog"
    download "$2" "$sum"
    check "$1: a whole archive is not fetched again" equal "0 2" "$status $(wc -l <"$scratch/requests" | tr -d ' ')"
    stop_server
}

# A path on which there is no curl.
mkdir "$scratch/tools"
for tool in sh wget unzip sha256sum wc tr cut cat mkdir rm mv xargs dirname sleep; do
    ln -s "$(command -v "$tool")" "$scratch/tools/$tool"
done
with curl "$stubs:$PATH"
with wget "$stubs:$scratch/tools"

rm -rf "$clone/build"
start_server
download "$stubs:$PATH" "${sum%?}x"
check "another sum is an error" equal 1 "$status"
check "that says what was expected and got" \
    grep -q "expected $size bytes, SHA-256 ${sum%?}x, got $size bytes, SHA-256 $sum" "$scratch/out"
check "and leaves nothing to go on from" equal "*" "$(cd "$clone/build/catdog" && echo *)"
size=$((size - 1))
download "$stubs:$PATH" "$sum"
check "another size is an error" equal 1 "$status"
size=$((size + 1))
stop_server
stub sleep <<'END'
END
download "$stubs:$PATH" "$sum"
check "a server that is not there is an error" equal 1 "$status"
check "that names the address" grep -q "run.sh: cannot fetch http://127.0.0.1:" "$scratch/out"
finish
