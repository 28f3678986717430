#!/bin/sh
# cmake/packages.sh with a dpkg-query, apt-get, id and sudo that only pretend. Installs nothing.
#
#     sh packages_test.sh SOURCE      SOURCE is the repository's root
source=$1
# shellcheck source-path=SCRIPTDIR source=fake_clone.sh
. "$source/tests/examples/fake_clone.sh"

export LOG="$scratch/log"
stub dpkg-query <<'END'
for package; do :; done
case " $INSTALLED " in
*" $package "*) printf installed ;;
*) exit 1 ;;
esac
END
stub apt-get <<'END'
echo "apt-get $*" >>"$LOG"
END
stub id <<'END'
echo "$USER_NUMBER"
END
stub sudo <<'END'
if [ "$SUDO" = no ]; then
    exit 1
fi
shift
if [ "$1" != true ]; then
    echo sudo >>"$LOG"
fi
exec "$@"
END

# install USER_NUMBER SUDO INSTALLED PACKAGE...: sets $status, $output and $log.
install() {
    : >"$LOG"
    output=$(
        PATH=$stubs:$PATH USER_NUMBER=$1 SUDO=$2 INSTALLED=$3
        export PATH USER_NUMBER SUDO INSTALLED
        shift 3
        # shellcheck source-path=SCRIPTDIR source=../../cmake/packages.sh
        . "$clone/cmake/packages.sh"
        install_missing "$@" 2>/dev/null
    )
    status=$?
    log=$(tr '\n' ';' <"$LOG")
}

line="apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends"
install 1000 no "gcc cmake" gcc cmake
check "nothing is printed where nothing is missing" equal "0  " "$status $output $log"
install 0 no "gcc" gcc cmake "ninja-build|make"
check "one line names what is missing" equal "$line cmake ninja-build" "$output"
check "and root runs it" equal "0 apt-get update;apt-get install -y --no-install-recommends cmake ninja-build;" "$status $log"
install 1000 yes "" gcc
check "others run it through sudo" equal \
    "0 sudo;apt-get update;apt-get install -y --no-install-recommends gcc;" "$status $log"
install 1000 no "" gcc
check "or print it and fail" equal "1 $line gcc " "$status $output $log"
install 1000 no "libopenblas-openmp-dev" "libopenblas-dev|libopenblas-pthread-dev|libopenblas-openmp-dev"
check "any of the alternatives will do" equal "0  " "$status $output $log"
install 1000 no "libopenblas" "libopenblas-dev|libopenblas-pthread-dev"
check "the first is installed where there is none" equal "1 $line libopenblas-dev " "$status $output $log"
finish
