/* How kernels ask for memory, in training steps of small nets: the sectors that the requests of their warps take against those that would do, and
 * the turns in which the banks of shared memory serve them. Each kernel has its limit here, and a reason where it is below nine of ten. */
#include "counted_step.h"
#include "support/check_run.h"

#include "backend/cuda/kernels.h"

#include <stdbool.h>
#include <string.h>

enum { SECONDS = 100, PICTURES = 2, FEW_BLOCKS = 2 };

/* ---- The nets ---- */

/* The tutorial's, but for two convolutions. */
static void add_tutorial(knn_model *model)
{
    for (int filters = 32; filters <= 128; filters *= 2) {
        knn_add(model, knn_conv2d(filters, 3, .activation = KNN_RELU));
        knn_add(model, knn_max_pooling2d(2));
    }
    knn_add(model, knn_flatten());
    knn_add(model, knn_dropout(0.5));
    knn_add(model, knn_dense(64, .activation = KNN_RELU));
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID));
}

static void compile_tutorial(knn_model *model, const knn_optimizer *optimizer)
{
    (void)optimizer;
    knn_compile(model, .optimizer = knn_rmsprop(), .loss = knn_binary_crossentropy());
}

/* What the tutorial's lacks: layers by themselves, batch normalization, strides. */
static void add_normalized(knn_model *model)
{
    knn_add(model, knn_rescaling(2, .offset = -1));
    knn_add(model, knn_conv2d(32, 3, .padding = KNN_SAME, .no_bias = true));
    knn_add(model, knn_batch_normalization());
    knn_add(model, knn_activation(KNN_RELU));
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_conv2d(32, 3, .stride_height = 2, .padding = KNN_SAME));
    knn_add(model, knn_leaky_relu());
    knn_add(model, knn_zero_padding2d(1));
    knn_add(model, knn_average_pooling2d(2));
    knn_add(model, knn_conv2d(32, 1, .activation = KNN_RELU));
    knn_add(model, knn_layer_normalization());
    knn_add(model, knn_activation(KNN_SWISH));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(16, .activation = KNN_SOFTMAX));
}

static void compile_normalized(knn_model *model, const knn_optimizer *optimizer)
{
    (void)optimizer;
    knn_compile(model, .optimizer = knn_sgd(.momentum = 0.9), .loss = knn_categorical_crossentropy());
}

static const struct net tutorial = {"tutorial", 38, 38, 3, 1, add_tutorial, compile_tutorial};
static const struct net normalized = {"normalized", 16, 16, 4, 16, add_normalized, compile_normalized};

/* ---- The limits ---- */

/* What of a sector a request leaves over is asked for by the next ones: it comes from a cache, not from memory, but one after the other. */
static const char COLORS[] = "three channels: rows begin and end within sectors";
static const char LARGEST[] = "only where a number was its window's largest its gradient is read";
static const char ROWS[] = "a thread sums the numbers of a row";

/* By the beginning of the kernel's name. least: of a hundred sectors that are taken, those that are needed. */
static const struct limit { const char *kernel; int least; const char *reason; } limits[] = {
    {"activate", 90, NULL}, {"activate_backward", 90, NULL}, {"add_gradients", 90, NULL}, {"add_parts", 90, NULL}, {"add_to_rows", 90, NULL},
    {"col2im", 90, NULL}, {"drop", 90, NULL}, {"find_statistics", 12, ROWS}, {"gradient_parts", 90, NULL}, {"input_gradient", 90, NULL},
    {"join_parts", 90, NULL}, {"losses", 50, ROWS}, {"measure_parts", 90, NULL}, {"multiply", 90, NULL}, {"normalize", 90, NULL},
    {"rectify", 90, NULL}, {"rectify_backward", 90, NULL}, {"rescale", 90, NULL}, {"softmax", 50, ROWS}, {"sum_groups", 17, ROWS},
    {"sum_parts", 90, NULL}, {"update", 90, NULL}, {"void im2col<4u>", 90, NULL}, {"void maximum<4u>", 90, NULL},
    {"void maximum_backward<4u>", 90, NULL}, {"void mean<4u>", 90, NULL}, {"void mean_backward<4u>", 90, NULL},
    {"void product<1u, in_fp32, patches<true>", 63, COLORS}, {"void product<1u, in_fp32, patches<false>", 90, NULL},
    {"void product<1u, in_fp32, receivers<flat", 90, NULL}, {"void product<1u, in_fp32, receivers<pooled", 53, LARGEST},
    {"void product<1u, in_fp32, seen", 48, COLORS},
    {"void product<2u, in_fp32, patches", 90, NULL}, {"void product<2u, in_fp32, seen", 76, COLORS}, {"void shift<4u>", 90, NULL}};
enum { LIMITS = sizeof limits / sizeof *limits, USUAL = 90, LEAST_OF_BANKS = 91 };      /* 1.1 turns for one that is needed */

/* The longest name that fits; -1: none. */
static int limit_of(const char *kernel)
{
    int found = -1;
    for (int i = 0; i < LIMITS; i++)
        if (strncmp(kernel, limits[i].kernel, strlen(limits[i].kernel)) == 0 &&
            (found < 0 || strlen(limits[i].kernel) > strlen(limits[found].kernel)))
            found = i;
    return found;
}

/* Of all lines of the kernel; 100 where it asks for none. */
static double share_of(const counted_step *step, const char *kernel, int shared)
{
    size_t needed = 0, taken = 0;
    for (size_t i = 0; i < step->line_count; i++)
        if (step->lines[i].shared == shared && strcmp(step->lines[i].kernel, kernel) == 0) {
            needed += step->lines[i].needed;
            taken += step->lines[i].taken;
        }
    return taken > 0 ? 100 * (double)needed / (double)taken : 100;
}

static bool seen[LIMITS];

static void check_kernel(const counted_step *step, const char *kernel)
{
    double sectors = share_of(step, kernel, 0), turns = share_of(step, kernel, 1);
    int limit = limit_of(kernel);
    ck_assert_msg(limit >= 0, "%s has no limit; it needs %.1f of 100 sectors", kernel, sectors);
    ck_assert_msg(sectors >= limits[limit].least, "%s needs %.1f of 100 sectors", kernel, sectors);
    ck_assert_msg(turns >= LEAST_OF_BANKS, "%s needs %.1f of 100 turns of the banks", kernel, turns);
    seen[limit] = true;
}

static void check_step(const struct net *net)
{
    static counted_step step;
    ck_assert_str_eq(count_step(net, PICTURES, &step), "");
    for (size_t i = 0; i < step.line_count; i++)
        check_kernel(&step, step.lines[i].kernel);
}

START_TEST(warps_ask_for_memory_as_they_should)
{
    check_step(&tutorial);
    check_step(&normalized);
    knn__cuda_grid_cap = FEW_BLOCKS;        /* larger tiles */
    check_step(&tutorial);
    for (int i = 0; i < LIMITS; i++) {
        ck_assert_msg(seen[i], "%s has a limit, but was not run", limits[i].kernel);
        ck_assert_msg(limits[i].least >= USUAL || limits[i].reason != NULL, "%s has no reason", limits[i].kernel);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("ptx_memory");
    TCase *requests = tcase_create("requests");
    tcase_set_timeout(requests, SECONDS);
    tcase_add_test(requests, warps_ask_for_memory_as_they_should);
    suite_add_tcase(s, requests);
    return s;
}

int main(void) { return check_run(suite()); }
