# shellcheck shell=sh
# Installs missing packages of a Debian-like distribution; for scripts to read in with `.`
# Looks at nothing else: whether the packages suffice is for CMake to say.

# What building the library needs. a|b: either will do, and a is installed where neither is there.
# shellcheck disable=SC2034  # for the scripts that read this file
build_packages="cmake ninja-build|make gcc libc6-dev pkg-config|pkgconf
    libopenblas-dev|libopenblas-pthread-dev|libopenblas-openmp-dev|libopenblas-serial-dev
    libhdf5-dev libcjson-dev libzip-dev libstb-dev libjpeg62-turbo-dev|libjpeg-turbo8-dev"

is_installed() {
    test "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed
}

# any_installed 'A|B|C'
any_installed() {
    for alternative in $(echo "$1" | tr '|' ' '); do
        if is_installed "$alternative"; then
            return 0
        fi
    done
    return 1
}

# install_missing PACKAGE...: returns 0 when all of them are there in the end. What is missing is installed as root or
# through sudo where that asks for no password; the line that does it is printed first, and is all there is otherwise.
install_missing() {
    if ! command -v dpkg-query >/dev/null; then
        echo "This system has no dpkg: please see for yourself that it has what Debian calls" "$@" >&2
        return 0
    fi
    missing=
    for package in "$@"; do
        if ! any_installed "$package"; then
            missing="$missing ${package%%|*}"
        fi
    done
    if [ -z "$missing" ]; then
        return 0
    fi
    line="apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends$missing"
    echo "$line"
    if [ "$(id -u)" -eq 0 ]; then
        sh -c "$line"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n sh -c "$line"
    else
        echo "Packages are missing, and this user may not install them: please run the line above as root." >&2
        return 1
    fi
}
