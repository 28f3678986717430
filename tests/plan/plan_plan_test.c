/* Plans: choice of kernels, order of execution, memory. With a backend of its own, whose kernels add one to each number and write down
 * when they were called. */
#include "core/parallel.h"
#include "plan/plan.h"
#include "support/check_run.h"

#include <knn/status.h>

#include <stdio.h>
#include <string.h>

/* ---- A backend that tells what it does. One slice in one thread: the order is the plan's own. ---- */

static char diary[4096];

static void note(const knn_step *step, knn_part part, const char *what)
{
    size_t length = strlen(diary);
    snprintf(diary + length, sizeof diary - length, "%s%s[%d,%d)%s ", step->nodes[0].name, what, part.first, part.last,
             part.phase == 1 ? "'" : "");
}

static int covers_pair(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)request;
    *reason = "no pair";
    return count >= 2 && nodes[1].op == KNN_OP_ACTIVATION ? 2 : 0;
}

static void measure_plain(const knn_step *step, knn_needs *needs) { (void)step, needs->in_place = true; }
static void measure_deep(const knn_step *step, knn_needs *needs) { (void)step, needs->depth_first = true; }
static void measure_two_phases(const knn_step *step, knn_needs *needs) { (void)step, needs->phases = 2; }

static void forward(const knn_step *step, knn_part part)
{
    note(step, part, "");
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice);
        knn_real *y = knn__image(&step->y, image, part.slice);
        for (size_t i = 0; i < step->y.length && !(step->needs.phases == 2 && part.phase == 0); i++)
            y[i] = x[i % step->x.length] + 1;
    }
}

static void backward(const knn_step *step, knn_part part)
{
    note(step, part, "~");
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++) {
        const knn_real *dy = knn__image(&step->dy, image, part.slice);
        knn_real *dx = knn__image(&step->dx, image, part.slice);
        for (size_t i = 0; i < step->dx.length; i++)
            dx[i] = 2 * dy[i];
    }
}

static const knn_kernel pair = {.name = "pair", .ops = {KNN_OP_RESCALING}, .covers = covers_pair, .measure = measure_plain, .forward = forward, .backward = backward};
static const knn_kernel plain = {
    .name = "plain", .ops = {KNN_OP_ACTIVATION}, .measure = measure_plain, .forward = forward, .backward = backward};
static const knn_kernel deep = {
    .name = "deep", .ops = {KNN_OP_RESCALING}, .measure = measure_deep, .forward = forward, .backward = backward};
static const knn_kernel phases = {
    .name = "phases", .ops = {KNN_OP_ZERO_PADDING2D}, .measure = measure_two_phases, .forward = forward, .backward = backward};

/* A divisible one: writes its piece only, and into a page of its own what the piece was. */
static knn_part pieces[8];

static void measure_divisible(const knn_step *step, knn_needs *needs) { (void)step, needs->divisible = needs->depth_first = true; }

static void forward_piece(const knn_step *step, knn_part part)
{
    long first, last;
    pieces[part.slice] = part;
    knn__share((long)step->y.length, part.piece, part.pieces, &first, &last);
    for (int image = part.first; image < part.last; image++)
        for (long i = first; i < last; i++)
            knn__image(&step->y, image, part.slice)[i] = knn__image(&step->x, image, part.slice)[i] + 1;
}

static const knn_kernel divisible = {.name = "divisible", .ops = {KNN_OP_BATCH_NORMALIZATION}, .measure = measure_divisible, .forward = forward_piece};

static const knn_kernel *const *kernels(int list)
{
    static const knn_kernel *const fast[] = {&pair, NULL}, *const slow[] = {&plain, &deep, &phases, &divisible, NULL};
    return list == 0 ? fast : list == 1 ? slow : NULL;
}

static const knn_backend backend = {.name = "diary", .kernels = kernels};

/* A chain written as letters: r rescaling, a activation, p padding (two phases), n normalization (divisible), d dropout, f flatten, D dense; vectors of three numbers. */
static int chain(const char *letters, knn_node *nodes)
{
    static const char *const names[] = {"A", "B", "C", "D", "E", "F", "G", "H"};
    int count = (int)strlen(letters);
    for (int i = 0; i < count; i++) {
        static const char known[] = "rapndfD";
        static const knn_op ops[] = {KNN_OP_RESCALING, KNN_OP_ACTIVATION, KNN_OP_ZERO_PADDING2D, KNN_OP_BATCH_NORMALIZATION, KNN_OP_DROPOUT,
            KNN_OP_FLATTEN, KNN_OP_DENSE};
        nodes[i] = (knn_node){.op = ops[strchr(known, letters[i]) - known], .name = names[i], .in = {1, 1, 3}, .out = {1, 1, 3}, .training_only = letters[i] == 'd',
            .weight = {{0, 1, false}}};
    }
    return count;
}

static knn__plan *make(const char *letters, bool training, const char *force)
{
    knn_node nodes[8];
    knn__plan *plan;
    const knn__plan_options options = {.backend = &backend, .nodes = nodes, .count = chain(letters, nodes), .training = training,
        .capacity = 8, .threads = 1, .input_gradient = training, .force = force};
    ck_assert_msg(knn__plan_make(&options, &plan) == KNN_OK, "%s", knn_last_error());
    diary[0] = '\0';
    return plan;
}

static const knn_real *run(knn__plan *plan, int images, const knn_real *x)
{
    return knn__plan_forward(plan, x, &(knn_run){.images = images});
}

static const knn_real x[24] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};

/* ---- The tests ---- */

START_TEST(the_first_kernel_that_covers_is_chosen)
{
    knn__plan *plan = make("raa", false, NULL);         /* pair, plain */
    ck_assert_float_eq(run(plan, 1, x)[2], 4);
    ck_assert_str_eq(diary, "A[0,1) C[0,1) ");
    knn__plan_free(plan);
}
END_TEST

START_TEST(a_forced_kernel_comes_before_faster_ones)
{
    knn__plan *plan = make("ra", false, "deep");
    ck_assert_float_eq(run(plan, 1, x)[2], 4);
    ck_assert_str_eq(diary, "A[0,1) B[0,1) ");
    knn__plan_free(plan);
}
END_TEST

START_TEST(slices_are_runs_of_images)
{
    knn__plan *plan = make("a", false, NULL);           /* a capacity of 8 in four slices */
    ck_assert_int_eq(knn__plan_slices(plan), 4);
    const knn_real *y = run(plan, 7, x);
    ck_assert_str_eq(diary, "A[0,1) A[1,3) A[3,5) A[5,7) ");
    for (int i = 0; i < 21; i++)
        ck_assert_float_eq(y[i], x[i] + 1);
    knn__plan_free(plan);
}
END_TEST

START_TEST(steps_that_want_it_run_image_by_image_together)
{
    knn__plan *plan = make("rra", false, "deep");
    const knn_real *y = run(plan, 5, x);
    ck_assert_str_eq(diary, "A[0,1) B[0,1) C[0,1) A[1,2) B[1,2) C[1,2) A[2,3) B[2,3) C[2,3) A[3,4) B[3,4) A[4,5) B[4,5) C[3,5) ");
    for (int i = 0; i < 15; i++)
        ck_assert_float_eq(y[i], x[i] + 3);
    knn__plan_free(plan);
}
END_TEST

static knn__plan *make_for_one(const char *letters, int threads, size_t least_division)
{
    knn_node nodes[8];
    knn__plan *plan;
    const knn__plan_options options = {.backend = &backend, .nodes = nodes, .count = chain(letters, nodes), .capacity = 1, .threads = threads,
        .least_division = least_division};
    ck_assert_msg(knn__plan_make(&options, &plan) == KNN_OK, "%s", knn_last_error());
    diary[0] = '\0';
    memset(pieces, 0, sizeof pieces);
    return plan;
}

START_TEST(threads_share_a_single_image)
{
    knn__plan *plan = make_for_one("rnar", 2, 1);
    const knn_real *y = run(plan, 1, x);
    ck_assert_str_eq(diary, "A[0,1) C[0,1) D[0,1) ");   /* these once, and nobody's second thread meanwhile */
    for (int slice = 0; slice < 2; slice++) {
        ck_assert_int_eq(pieces[slice].last, 1);
        ck_assert_int_eq(pieces[slice].piece, slice);
        ck_assert_int_eq(pieces[slice].pieces, 2);
    }
    for (int i = 0; i < 3; i++)
        ck_assert_float_eq(y[i], x[i] + 4);
    knn__plan_free(plan);
}
END_TEST

START_TEST(a_busy_machine_gets_the_same_from_fewer_threads)
{
    knn__plan *plan = make_for_one("nn", 3, 1);
    const knn_real *y = knn__plan_forward(plan, x, &(knn_run){.images = 1, .threads = 1});
    ck_assert_int_eq(pieces[2].pieces, 3);
    for (int i = 0; i < 3; i++)
        ck_assert_float_eq(y[i], x[i] + 2);
    knn__plan_free(plan);
}
END_TEST

START_TEST(an_image_is_not_shared_for_little_work_or_one_thread)
{
    static const struct { int threads; size_t least; } cases[] = {{2, 0}, {2, 2}, {1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        knn__plan *plan = make_for_one("n", cases[i].threads, cases[i].least);
        ck_assert_float_eq(run(plan, 1, x)[2], 3);
        ck_assert_int_eq(pieces[cases[i].threads - 1].pieces, 1);
        ck_assert_int_eq(pieces[cases[i].threads - 1].last, 1);
        knn__plan_free(plan);
    }
}
END_TEST

START_TEST(all_slices_finish_the_first_phase_before_the_second)
{
    knn__plan *plan = make("ap", false, NULL);
    const knn_real *y = run(plan, 2, x);                /* some slices have no images: they take part all the same */
    ck_assert_str_eq(diary, "A[0,1) A[1,2) B[0,0) B[0,1) B[1,1) B[1,2) B[0,0)' B[0,1)' B[1,1)' B[1,2)' ");
    ck_assert_float_eq(y[5], 7);
    knn__plan_free(plan);
}
END_TEST

START_TEST(what_changes_no_number_is_not_run)
{
    knn__plan *plan = make("fdf", false, NULL);
    ck_assert_ptr_eq(run(plan, 2, x), x);
    ck_assert_str_eq(diary, "");
    knn__plan_free(plan);
}
END_TEST

START_TEST(backward_runs_the_same_way_back)
{
    knn__plan *plan = make("arr", true, "deep");
    run(plan, 3, x);
    diary[0] = '\0';
    for (int i = 0; i < 9; i++)
        knn__plan_loss_gradient(plan)[i] = x[i];
    knn__plan_backward(plan);
    ck_assert_str_eq(diary, "C~[0,1) B~[0,1) A~[0,1) C~[1,2) B~[1,2) A~[1,2) C~[2,3) B~[2,3) A~[2,3) ");
    for (int i = 0; i < 9; i++)
        ck_assert_float_eq(knn__plan_input_gradient(plan)[i], 8 * x[i]);
    knn__plan_free(plan);
}
END_TEST

START_TEST(a_layer_without_a_kernel_is_named)
{
    knn_node nodes[2];
    knn__plan *plan;
    const knn__plan_options options = {.backend = &backend, .nodes = nodes, .count = chain("aD", nodes), .capacity = 1};
    ck_assert_int_eq(knn__plan_make(&options, &plan), KNN_ERROR_UNSUPPORTED);
    ck_assert_str_eq(knn_last_error(), "B: backend diary has no kernel for this layer");
    ck_assert_ptr_null(plan);
}
END_TEST

static void collect(void *text, const char *line) { strcat(strcat(text, line), "\n"); }

START_TEST(a_batch_that_is_too_large_for_the_backend_is_refused)
{
    static const knn_backend small = {.name = "small", .kernels = kernels, .most_numbers = 12};
    knn_node nodes[2];
    knn__plan *plan;
    knn__plan_options options = {.backend = &small, .nodes = nodes, .count = chain("ar", nodes), .capacity = 3};
    ck_assert_int_eq(knn__plan_make(&options, &plan), KNN_OK);
    knn__plan_free(plan);
    options.capacity = 4;
    ck_assert_int_eq(knn__plan_make(&options, &plan), KNN_ERROR_UNSUPPORTED);
    ck_assert_str_eq(knn_last_error(), "A: a batch of 4 times 3 numbers, backend small takes fewer than 12");
}
END_TEST

START_TEST(explain_says_which_and_why_not)
{
    char text[4096] = "";
    knn__plan *plan = make("rpa", false, NULL);
    knn__plan_explain(plan, collect, text);
    ck_assert_ptr_nonnull(strstr(text, "A: deep (output"));
    ck_assert_ptr_nonnull(strstr(text, "    not pair: no pair\n"));
    ck_assert_ptr_null(strstr(text, "not plain"));      /* another operation: no reason to tell */
    knn__plan_free(plan);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan/plan");
    TCase *tests = tcase_create("plan");
    tcase_add_test(tests, the_first_kernel_that_covers_is_chosen);
    tcase_add_test(tests, a_forced_kernel_comes_before_faster_ones);
    tcase_add_test(tests, slices_are_runs_of_images);
    tcase_add_test(tests, steps_that_want_it_run_image_by_image_together);
    tcase_add_test(tests, threads_share_a_single_image);
    tcase_add_test(tests, a_busy_machine_gets_the_same_from_fewer_threads);
    tcase_add_test(tests, an_image_is_not_shared_for_little_work_or_one_thread);
    tcase_add_test(tests, all_slices_finish_the_first_phase_before_the_second);
    tcase_add_test(tests, what_changes_no_number_is_not_run);
    tcase_add_test(tests, backward_runs_the_same_way_back);
    tcase_add_test(tests, a_layer_without_a_kernel_is_named);
    tcase_add_test(tests, a_batch_that_is_too_large_for_the_backend_is_refused);
    tcase_add_test(tests, explain_says_which_and_why_not);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
