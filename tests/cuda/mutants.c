/* How much the kernels' test notices: mutants of the kernels in PTX, drawn by fixed seeds, each on those of its cases that run the changed
 * instruction. As a test with a few mutants and convolutions; all take many minutes.
 *
 *     mutants [COUNT [FIRST [EVERY]]]        300 from seed 1 on, one of EVERY convolutions (1); a line for each that survives. Fails where
 *                                            less than 3 of 5 are caught: of 20 that only happens where the tests are blind
 *
 * EMULATOR_PTX and EMULATOR_CHECK are in the environment. What a mutant spoils ends with a process of its own. */
#define _GNU_SOURCE
#include "cases.h"
#include "harness.h"

#include "backend/cuda/kernels.h"
#include "emulator.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_TRIALS = 4096, CAPABILITY = 90 };
enum { SLOWER = 5 };                        /* a mutant may take so many times longer than the kernel, and a second */

/* A case of the harness; or, from NULL, the losses, optimizers and pictures. */
typedef struct trial {
    const chain_case *from;
    bool tensor;                            /* products in TF32 */
    bool apart;                             /* arrays that are not aligned, grids of three blocks; else of one */
    double seconds;
    bool passed;                            /* without a mutant */
    unsigned char *ran;                     /* [instructions] */
} trial;

static trial *trials;                       /* shared with the processes */
static int trial_count;
static size_t instructions;

static void *shared_room(size_t bytes)
{
    void *made = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED)
        exit(EXIT_FAILURE);
    return made;
}

static bool passes(const trial *t)
{
    harness_report report = {.tensor = t->tensor};
    emulator_set_unaligned(t->apart);
    knn__cuda_grid_cap = t->apart ? 3 : 1;
    if (t->from != NULL)
        harness_test_case("cuda", t->from, &report);
    else {
        harness_test_learning("cuda", &report);
        harness_test_pictures("cuda", &report);
        harness_test_steps("cuda", &report);
    }
    return report.failures == 0 && emulator_complaint()[0] == '\0';
}

/* Whether a process that does this ends well. */
static bool in_a_process(bool does(unsigned), unsigned seed)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        bool silent = freopen("/dev/null", "w", stderr) != NULL && freopen("/dev/null", "w", stdout) != NULL;
        _exit(silent && does(seed) ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

/* ---- The kernels as they are: which case runs what, and how long it takes ---- */

static bool measure_all(unsigned unused)
{
    (void)unused;
    for (int i = 0; i < trial_count; i++) {
        trial *t = &trials[i];
        clock_t start = clock();
        emulator_forget_runs();
        t->passed = passes(t);
        t->seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        emulator_get_runs(t->ran);
        if (!t->passed)
            return false;
    }
    return true;
}

static int faster_first(const void *a, const void *b)
{
    double x = ((const trial *)a)->seconds, y = ((const trial *)b)->seconds;
    return (x > y) - (x < y);
}

static void add_trials(const chain_case *from, bool tensor)
{
    for (int apart = 0; apart < 2 && trial_count < MOST_TRIALS; apart++)
        trials[trial_count++] = (trial){.from = from, .tensor = tensor, .apart = apart};
}

/* Of convolutions one of `every`, and again in TF32; without the large ones, which add nothing. */
static void add_trials_of(const chain_case *from, unsigned every)
{
    static unsigned convolutions;
    bool multiplies = strcmp(from->group, "convolution") == 0;
    if (strcmp(from->group, "catdog") == 0 || (multiplies && convolutions++ % every != 0))
        return;
    add_trials(from, false);
    if (multiplies)
        add_trials(from, true);
}

static bool make_trials(unsigned every)
{
    trials = shared_room(MOST_TRIALS * sizeof *trials);
    instructions = emulator_instructions();
    add_trials(NULL, false);
    for (const chain_case *from = chain_cases; from->group != NULL; from++)
        add_trials_of(from, every);
    for (int i = 0; i < trial_count; i++)
        trials[i].ran = shared_room(instructions);
    bool good = instructions > 0 && in_a_process(measure_all, 0);
    qsort(trials, (size_t)trial_count, sizeof *trials, faster_first);
    return good;
}

/* ---- A mutant ---- */

static void limit_time(double seconds)
{
    struct itimerval limit = {.it_value = {.tv_sec = (time_t)seconds + 1}};
    setitimer(ITIMER_VIRTUAL, &limit, NULL);
}

static bool survives(unsigned seed)
{
    size_t at = emulator_draw_mutant(seed).instruction;
    emulator_make_mutant(seed);
    for (int i = 0; i < trial_count; i++) {
        if (trials[i].ran[at] == 0)
            continue;
        limit_time(SLOWER * trials[i].seconds);
        if (!passes(&trials[i]))
            return false;
    }
    return true;
}

static bool is_ever_run(size_t instruction)
{
    for (int i = 0; i < trial_count; i++)
        if (trials[i].ran[instruction] != 0)
            return true;
    return false;
}

int main(int count, char **words)
{
    unsigned wanted = count > 1 ? (unsigned)atoi(words[1]) : 300, first = count > 2 ? (unsigned)atoi(words[2]) : 1;
    unsigned every = count > 3 ? (unsigned)atoi(words[3]) : 1, caught = 0;
    emulator_set_capability(CAPABILITY);
    emulator_set_order(EMULATOR_DESCENDING);
    if (!make_trials(every)) {
        printf("the kernels fail as they are\n");
        return EXIT_FAILURE;
    }
    for (unsigned seed = first; seed < first + wanted; seed++) {
        emulator_mutant mutant = emulator_draw_mutant(seed);
        bool alive = !is_ever_run(mutant.instruction) || in_a_process(survives, seed);
        caught += !alive;
        if (alive)
            printf("%u survived%s: %s\n", seed, is_ever_run(mutant.instruction) ? "" : ", not run", mutant.text);
    }
    printf("%u of %u mutants were caught: %.0f %%\n", caught, wanted, 100.0 * caught / wanted);
    return 5 * caught >= 3 * wanted ? EXIT_SUCCESS : EXIT_FAILURE;
}
