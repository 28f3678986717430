/* The instruction sets of the CPU backend: which lists there are, and the optimizers of each with hand values. Its kernels and all
 * options of the optimizers are compared with the reference by the kernel harness. */
#include "backend/cpu/isa.h"

#include "support/check_array.h"
#include "support/check_run.h"

#include <string.h>

/* ---- Lists ---- */

static int lists_of(const knn_backend *backend)
{
    int lists = 0;
    while (backend->kernels(lists) != NULL)
        lists++;
    return lists;
}

START_TEST(the_first_list_is_the_instruction_sets_in_use)
{
    const char *name = knn__cpu_backend.instruction_set();
    ck_assert(strcmp(name, "avx512") == 0 || strcmp(name, "avx2") == 0 || strcmp(name, "baseline") == 0);
    ck_assert_ptr_nonnull(strstr(knn__cpu_backend.kernels(0)[0]->name, name));
}
END_TEST

START_TEST(every_machine_has_baseline_and_then_the_reference)
{
    int lists = lists_of(&knn__cpu_backend);
    ck_assert_int_ge(lists, 2);
    ck_assert_ptr_eq(knn__cpu_backend.kernels(lists - 2), knn__kernels_baseline);
    ck_assert_ptr_eq(knn__cpu_backend.kernels(lists - 1), knn__reference_backend.kernels(0));
    ck_assert_ptr_null(knn__cpu_backend.kernels(lists + 1));
}
END_TEST

START_TEST(names_of_kernels_differ)
{
    for (int list = 0; list < lists_of(&knn__cpu_backend); list++)
        for (const knn_kernel *const *a = knn__cpu_backend.kernels(list); *a != NULL; a++)
            for (int other = 0; other < lists_of(&knn__cpu_backend); other++)
                for (const knn_kernel *const *b = knn__cpu_backend.kernels(other); *b != NULL; b++)
                    ck_assert_msg(*a == *b || strcmp((*a)->name, (*b)->name) != 0, "two kernels \"%s\"", (*a)->name);
}
END_TEST

/* ---- Optimizers ---- */

enum { LENGTH = 37 };                       /* no multiple of any vector, so that each loop's rest runs, too */

typedef void update_function(const knn__update_call *call, size_t first, size_t last);

static const struct { const char *name; update_function *update; } updates[] = {
    {"baseline", knn__update_baseline},
#ifdef __x86_64__
    {"avx2", knn__update_avx2}, {"avx512", knn__update_avx512},
#endif
};
enum { UPDATES = sizeof updates / sizeof *updates };

static bool runs_here(int i)
{
#ifdef __x86_64__
    if (i == 1)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (i == 2)
        return strcmp(knn__cpu_backend.instruction_set(), "avx512") == 0;
#endif
    return i == 0;
}

/* One step from weights 1 and gradients 0.5, slots as given, on all elements but the first and the last. */
typedef struct sample { float weight, slot[KNN_OWN_SLOTS]; } sample;

static sample step(int i, knn__update_call call, sample from)
{
    float weights[LENGTH], gradients[LENGTH], slots[KNN_OWN_SLOTS][LENGTH];
    for (int e = 0; e < LENGTH; e++) {
        weights[e] = from.weight;
        gradients[e] = 0.5f;
        for (int s = 0; s < KNN_OWN_SLOTS; s++)
            slots[s][e] = from.slot[s];
    }
    call.weights = weights;
    call.gradients = gradients;
    call.step = 1;
    for (int s = 0; s < KNN_OWN_SLOTS; s++)
        call.slot[s] = slots[s];
    updates[i].update(&call, 1, LENGTH - 1);
    ck_assert_msg(weights[0] == from.weight && weights[LENGTH - 1] == from.weight, "%s: beyond its stretch", updates[i].name);
    for (int e = 2; e < LENGTH - 1; e++)
        ck_assert_msg(weights[e] == weights[1], "%s: element %d: %.9g, not %.9g", updates[i].name, e, weights[e], weights[1]);
    return (sample){weights[1], {slots[0][1], slots[1][1], slots[2][1]}};
}

/* Runs `call` on every instruction set of this machine. */
static void check_step(knn__update_call call, sample from, sample expected)
{
    for (int i = 0; i < UPDATES; i++) {
        if (!runs_here(i))
            continue;
        sample got = step(i, call, from);
        check_floats(&got.weight, &expected.weight, 1, 0, 1e-6);
        check_floats(got.slot, expected.slot, KNN_OWN_SLOTS, 1e-9, 1e-6);
    }
}

START_TEST(sgd)
{
    check_step((knn__update_call){.op = KNN_UPDATE_SGD, .rate = 0.1}, (sample){1, {0}}, (sample){0.95f, {0}});
    check_step((knn__update_call){.op = KNN_UPDATE_SGD, .rate = 0.1, .decay = 0.01}, (sample){1, {0}}, (sample){0.94f, {0}});
}
END_TEST

START_TEST(sgd_with_momentum_and_nesterov)
{
    knn__update_call call = {.op = KNN_UPDATE_SGD, .rate = 0.1, .momentum = 0.9};
    check_step(call, (sample){1, {0.2f}}, (sample){1.13f, {0.13f}});            /* 0.9 * 0.2 - 0.05 */
    call.nesterov = true;
    check_step(call, (sample){1, {0.2f}}, (sample){1.067f, {0.13f}});           /* 1 + 0.9 * 0.13 - 0.05 */
}
END_TEST

START_TEST(rmsprop_with_epsilon_inside_and_outside_the_root)
{
    knn__update_call call = {.op = KNN_UPDATE_RMSPROP, .rate = 0.1, .rho = 0.9, .epsilon = 0.01};
    check_step(call, (sample){1, {0}}, (sample){0.7327388f, {0.025f}});         /* 1 - 0.05 / sqrt(0.025 + 0.01) */
    call.epsilon_outside = true;
    check_step(call, (sample){1, {0}}, (sample){0.7025826f, {0.025f}});         /* 1 - 0.05 / (sqrt(0.025) + 0.01) */
}
END_TEST

START_TEST(rmsprop_centered_with_momentum)
{
    /* variance 0.025 - 0.05^2; change 0.5 * 0.2 + 0.05 / sqrt(0.0225 + 0.01) */
    knn__update_call call = {.op = KNN_UPDATE_RMSPROP, .rate = 0.1, .rho = 0.9, .epsilon = 0.01, .momentum = 0.5, .centered = true};
    check_step(call, (sample){1, {0, 0.2f, 0}}, (sample){0.6226499f, {0.025f, 0.3773501f, 0.05f}});
}
END_TEST

START_TEST(adam_steps_by_the_rate_at_first)
{
    knn__update_call call = {.op = KNN_UPDATE_ADAM, .rate = 0.1, .beta_1 = 0.9, .beta_2 = 0.999, .epsilon = 1e-7};
    check_step(call, (sample){1, {0}}, (sample){0.9000006f, {0.05f, 0.00025f}});
    call.decay = 0.01;
    check_step(call, (sample){1, {0}}, (sample){0.8900006f, {0.05f, 0.00025f}});
}
END_TEST

START_TEST(amsgrad_divides_by_the_largest_velocity)
{
    /* 1 - 0.1 sqrt(0.001) / 0.1 * 0.05 / sqrt(0.01) */
    knn__update_call call = {.op = KNN_UPDATE_ADAM, .rate = 0.1, .beta_1 = 0.9, .beta_2 = 0.999, .epsilon = 1e-7, .amsgrad = true};
    check_step(call, (sample){1, {0, 0, 0.01f}}, (sample){0.9841886f, {0.05f, 0.00025f, 0.01f}});
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("backend_cpu_sets");
    TCase *lists = tcase_create("lists"), *optimizers = tcase_create("optimizers");
    tcase_add_test(lists, the_first_list_is_the_instruction_sets_in_use);
    tcase_add_test(lists, every_machine_has_baseline_and_then_the_reference);
    tcase_add_test(lists, names_of_kernels_differ);
    tcase_add_test(optimizers, sgd);
    tcase_add_test(optimizers, sgd_with_momentum_and_nesterov);
    tcase_add_test(optimizers, rmsprop_with_epsilon_inside_and_outside_the_root);
    tcase_add_test(optimizers, rmsprop_centered_with_momentum);
    tcase_add_test(optimizers, adam_steps_by_the_rate_at_first);
    tcase_add_test(optimizers, amsgrad_divides_by_the_largest_velocity);
    suite_add_tcase(s, lists);
    suite_add_tcase(s, optimizers);
    return s;
}

int main(void) { return check_run(suite()); }
