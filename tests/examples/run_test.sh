#!/bin/sh
# examples/catdog/run.sh with programs that only pretend: what it does in which order, what it prints and how it ends.
# The real programs are run by run.sh itself.
#
#     sh run_test.sh SOURCE       SOURCE is the repository's root
source=$1
# shellcheck source-path=SCRIPTDIR source=fake_clone.sh
. "$source/tests/examples/fake_clone.sh"

# A cmake that builds the two programs below; they tell the log what they were asked for.
export LOG="$scratch/log"
stub dpkg-query <<'END'
printf installed
END
stub cmake <<'END'
echo "cmake $*" >>"$LOG"
case $1 in
-S) mkdir -p "$4" && touch "$4/CMakeCache.txt" ;;
--build)
    mkdir -p "$2/examples/catdog"
    cp "$(dirname "$0")/catdog" "$(dirname "$0")/draw" "$2/examples/catdog"
    ;;
esac
END
stub draw <<'END'
echo "draw $*" >>"$LOG"
mkdir "$1" && mkdir "$1/test"
END
stub catdog <<'END'
echo "catdog $*" >>"$LOG"
case $1 in
--data) exit "${TRAIN_STATUS:-0}" ;;
-d)
    echo "$2/cat/1.jpg: cat 0.9000"
    echo "$2/cat/2: odd.jpg: cat 0.6000"
    echo "$2/cat/3.jpg: dog 0.5100"
    echo "$2/dog/1.jpg: dog 1.0000"
    exit "${JUDGE_STATUS:-0}"
    ;;
esac
END

# run ARGUMENT...: sets $status, $output, $last (line) and $log, which does not hold cmake's arguments.
run() {
    : >"$LOG"
    (cd "$scratch" && PATH="$stubs:$PATH" sh "$clone/examples/catdog/run.sh" "$@") >"$scratch/out" 2>&1
    status=$?
    last=$(tail -n 1 "$scratch/out")
    log=$(sed -e 's/^cmake .*/cmake/' -e "s|$clone/build/catdog|WORK|" -e "s|$scratch|SCRATCH|" "$LOG" | tr '\n' ';')
}

before=$(cd "$clone" && find . | sort)
run
check "without a data set it exits with 0" equal 0 "$status"
check "and says that there is none" grep -q "No data set was given" "$scratch/out"
check "and builds, draws, trains, predicts" \
    equal "cmake;cmake;draw sample;catdog --data WORK/sample --epochs 40;catdog -d WORK/sample/test;" "$log"
check "and ends with the accuracy" equal "accuracy on the test pictures: 0.7500 (3 of 4)" "$last"
check "and leaves nothing outside of build" equal "$before" "$(cd "$clone" && find . ! -path './build*' | sort)"
run
check "it runs twice" equal "accuracy on the test pictures: 0.7500 (3 of 4)" "$last"
check "and draws anew" equal "cmake;cmake;draw sample;catdog --data WORK/sample --epochs 40;catdog -d WORK/sample/test;" "$log"

mkdir -p "$scratch/my pictures/validation"
run "my pictures"
check "a directory is trained on for 30 epochs" \
    equal "cmake;cmake;catdog --data SCRATCH/my pictures --epochs 30;catdog -d SCRATCH/my pictures/validation;" "$log"
check "where it has no test folder, run.sh says so" grep -q "There is no $scratch/my pictures/test" "$scratch/out"
check "and predicts the validation folder" equal "accuracy on the validation pictures: 0.7500 (3 of 4)" "$last"

touch "$clone/build/catdog/CatDogClassifier_backup.h5"
run "my pictures"
check "an interrupted training on the same pictures goes on" test -e "$clone/build/catdog/CatDogClassifier_backup.h5"
run
check "one on other pictures does not" test ! -e "$clone/build/catdog/CatDogClassifier_backup.h5"

TRAIN_STATUS=1 run
check "a failed training ends it" equal "1 cmake;cmake;draw sample;catdog --data WORK/sample --epochs 40;" "$status $log"
JUDGE_STATUS=1 run
check "unreadable pictures give the accuracy of the others and status 1" \
    equal "1 accuracy on the test pictures: 0.7500 (3 of 4)" "$status $last"
stub catdog <<'END'
END
run
check "no answer at all is a failure" equal 1 "$status"

run one two
check "two arguments are wrong usage" equal "2 " "$status $log"
run --upload
check "an unknown option is wrong usage" equal "2 " "$status $log"
run ''
check "an empty argument is wrong usage" equal "2 " "$status $log"
run --help
check "help exits with 0" equal "0 " "$status $log"
run "missing pictures"
check "a missing directory exits with 1" equal "1 " "$status $log"
check "and is named" grep -q "run.sh: there is no directory missing pictures" "$scratch/out"
finish
