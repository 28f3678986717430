#!/bin/sh
# Cross-builds the library and its tests for 64-bit ARM and runs them under qemu-user. Not a part of run.sh: it takes several minutes.
# Debian's packages for ARM are unpacked below build/aarch64; nothing of this machine changes but for the cross compiler and qemu-user.
#
#     sh tests/aarch64.sh
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$root/build/aarch64
sysroot=$build/sysroot
libraries=$sysroot/usr/lib/aarch64-linux-gnu
# shellcheck source-path=SCRIPTDIR source=../cmake/packages.sh
. "$root/cmake/packages.sh"
install_missing cmake ninja-build pkg-config gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user

# An apt of its own, for which nothing is installed yet.
fetch_packages() {
    mkdir -p "$sysroot/var/lib/apt/lists/partial" "$sysroot/var/cache/apt/archives/partial" "$sysroot/var/lib/dpkg"
    touch "$sysroot/var/lib/dpkg/status"
    cat >"$build/apt.conf" <<END
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Dir::State "$sysroot/var/lib/apt";
Dir::State::status "$sysroot/var/lib/dpkg/status";
Dir::Cache "$sysroot/var/cache/apt";
END
    APT_CONFIG=$build/apt.conf apt-get update
    APT_CONFIG=$build/apt.conf apt-get install -y --download-only libopenblas-pthread-dev libhdf5-dev libcjson-dev libzip-dev libstb-dev \
        libjpeg62-turbo-dev check libc6-dev libgomp1
    for package in "$sysroot"/var/cache/apt/archives/*.deb; do
        dpkg-deb -x "$package" "$sysroot"
    done
    touch "$build/fetched"
}

if [ ! -f "$build/fetched" ]; then
    fetch_packages
fi

export PKG_CONFIG_SYSROOT_DIR="$sysroot"
export PKG_CONFIG_LIBDIR="$libraries/pkgconfig:$libraries/openblas-pthread/pkgconfig:$sysroot/usr/share/pkgconfig"
cmake -S "$root" -B "$build/build" -G Ninja -DKNN_WERROR=ON -DKNN_BUILD_EXAMPLES=OFF -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc \
    -DCMAKE_SYSROOT="$sysroot" -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY \
    -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY "-DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64;-L;$sysroot"
cmake --build "$build/build" --parallel "$(nproc)"

qemu-aarch64 -L "$sysroot" "$build/build/tests/knn_layout" | diff -u "$root/tests/abi/offsets.txt" -
# The scripts among the tests look at this machine's programs.
OMP_WAIT_POLICY=passive CK_TIMEOUT_MULTIPLIER=20 ctest --test-dir "$build/build" --parallel "$(nproc)" --output-on-failure \
    -LE '^(abi|consume|floors|examples)$'
