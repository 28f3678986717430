/* Modes test and grad for losses and optimizers. Hand values are in tests/backend. */
#include "harness.h"
#include "learning.h"

#include "core/random.h"

#include <math.h>
#include <string.h>

enum { IMAGES = 7, MOST_POSITIONS = 3, MOST_OUTPUTS = 10, LENGTH = IMAGES * MOST_POSITIONS * MOST_OUTPUTS };
enum { UPDATE_LENGTH = 1003, STEPS = 3 };

static const double TOLERANCE = 1e-5;       /* float against double, of the largest number */

/* Uniform in [low, high), exact in float. */
static void draw(uint32_t what, double low, double high, double *to, size_t length)
{
    knn__stream stream = {.seed = 1, .stream = 98, .index = what};
    for (size_t i = 0; i < length; i++)
        to[i] = (float)(low + (high - low) * knn__uniform(&stream, (uint32_t)i));
}

static double largest_error(const double *got, const double *expected, size_t length)
{
    double largest = 0, error = 0;
    for (size_t i = 0; i < length; i++) {
        double off = fabs(got[i] - expected[i]);
        error = isnan(off) ? INFINITY : fmax(error, off);
        largest = fmax(largest, fabs(expected[i]));
    }
    return largest > 0 ? error / largest : error;
}

/* ---- Losses ---- */

typedef struct loss_data { double prediction[LENGTH], target[LENGTH], weight[IMAGES], value[IMAGES], gradient[LENGTH]; } loss_data;

/* Losses that take probabilities, beside the cross-entropies. */
static bool wants_probabilities(const knn__loss_call *call)
{
    bool shares = call->op == KNN_LOSS_KL_DIVERGENCE || call->op == KNN_LOSS_POISSON || call->op == KNN_LOSS_MEAN_SQUARED_LOGARITHMIC_ERROR ||
                  call->op >= KNN_LOSS_BINARY_FOCAL_CROSSENTROPY || call->op <= KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY;
    return shares && !call->from_logits;
}

/* Classes, one of two, shares that add up to 1, or any numbers. */
static void draw_target(const knn__loss_call *call, double *target)
{
    int rows = call->images * call->positions;
    draw(2, 0, 1, target, (size_t)rows * (size_t)call->outputs);
    for (int r = 0; r < rows; r++) {
        double *row = target + (long)r * call->outputs, sum = 0;
        for (int i = 0; i < call->outputs; i++)
            sum += row[i];
        for (int i = 0; i < call->outputs; i++) {
            if (call->op == KNN_LOSS_BINARY_CROSSENTROPY || call->op == KNN_LOSS_BINARY_FOCAL_CROSSENTROPY || call->zero_one)
                row[i] = row[i] > 0.5;
            if (call->op == KNN_LOSS_CATEGORICAL_CROSSENTROPY || call->op == KNN_LOSS_CATEGORICAL_FOCAL_CROSSENTROPY)
                row[i] = (float)(row[i] / sum);
        }
        if (call->op == KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY)
            target[r] = (3 * r) % call->outputs;        /* r rows of one number each; written behind the row just read */
    }
}

static void draw_loss(const knn__loss_call *call, loss_data *data)
{
    size_t length = (size_t)call->images * (size_t)call->positions * (size_t)call->outputs;
    bool probabilities = wants_probabilities(call);
    draw(1, probabilities ? 0.02 : -4, probabilities ? 0.98 : 4, data->prediction, length);
    draw(3, 0.5, 2, data->weight, (size_t)call->images);
    draw_target(call, data->target);
}

static loss_numbers numbers_of(loss_data *data)
{
    return (loss_numbers){data->prediction, data->target, data->weight, data->value, data->gradient};
}

typedef void loss_check(const char *backend, const knn__loss_call *call, harness_report *report);

static bool takes_logits(knn__loss_op op)
{
    return op <= KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY || op == KNN_LOSS_BINARY_FOCAL_CROSSENTROPY ||
           op == KNN_LOSS_CATEGORICAL_FOCAL_CROSSENTROPY;
}

/* Every loss, every option on and off: the second time also another divisor, labels of 0 and 1 for the hinges, weighed classes. */
static void each_loss(const char *backend, loss_check *check, harness_report *report)
{
    static const int sizes[][2] = {{1, 1}, {1, MOST_OUTPUTS}, {MOST_POSITIONS, 4}};         /* positions, outputs */
    for (knn__loss_op op = KNN_LOSS_BINARY_CROSSENTROPY; op <= KNN_LOSS_TVERSKY; op++)
        for (int logits = 0; logits <= takes_logits(op); logits++)
            for (int second = 0; second <= 1; second++)
                for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
                    bool smooths = takes_logits(op) && op != KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY;
                    bool hinge = op == KNN_LOSS_HINGE || op == KNN_LOSS_SQUARED_HINGE;
                    knn__loss_call call = {.op = op, .from_logits = logits, .label_smoothing = second && smooths ? 0.1 : 0,
                        .zero_one = second && hinge, .balanced = second, .alpha = 0.3, .beta = 0.6, .gamma = second ? 2 : 1.5, .delta = 1.3,
                        .divisor = second ? 2.5 : 0, .images = IMAGES, .positions = sizes[s][0], .outputs = sizes[s][1]};
                    snprintf(harness_now, sizeof harness_now, "loss %d, logits %d, options %d, %d x %d", (int)op, logits, second,
                             call.positions, call.outputs);
                    report->cases++;
                    check(backend, &call, report);
                }
}

static void check_loss(const char *backend, const knn__loss_call *call, harness_report *report)
{
    static loss_data got, expected;
    size_t length = (size_t)call->images * (size_t)call->positions * (size_t)call->outputs;
    draw_loss(call, &got);
    draw_loss(call, &expected);
    const loss_numbers in_float = numbers_of(&got), in_double = numbers_of(&expected);
    report->runs++;
    if (!library_loss(backend, call, &in_float) || !oracle_loss(NULL, call, &in_double))
        harness_fail(report, "%s: no backend", harness_now);
    else if (largest_error(got.value, expected.value, IMAGES) > TOLERANCE)
        harness_fail(report, "%s: values off by %.2g", harness_now, largest_error(got.value, expected.value, IMAGES));
    else if (largest_error(got.gradient, expected.gradient, length) > TOLERANCE)
        harness_fail(report, "%s: gradients off by %.2g", harness_now, largest_error(got.gradient, expected.gradient, length));
}

/* sum(weight value) / divisor: what the gradient is of. */
static double reduced(const knn__loss_call *call, loss_data *data)
{
    double sum = 0;
    const loss_numbers numbers = numbers_of(data);
    oracle_loss(NULL, call, &numbers);
    for (int i = 0; i < call->images; i++)
        sum += data->weight[i] * data->value[i];
    return sum / (call->divisor > 0 ? call->divisor : call->images);
}

static void check_loss_gradient(const char *backend, const knn__loss_call *call, harness_report *report)
{
    static loss_data data, moved;
    const double h = 1e-6;
    (void)backend;
    draw_loss(call, &data);
    reduced(call, &data);
    report->runs++;
    for (int i = 0; i < call->images * call->positions * call->outputs; i++) {
        draw_loss(call, &moved);
        moved.prediction[i] += h;
        double above = reduced(call, &moved);
        moved.prediction[i] -= 2 * h;
        double slope = (above - reduced(call, &moved)) / (2 * h);
        if (!(fabs(slope - data.gradient[i]) <= 1e-6 * (1 + fabs(slope)))) {
            harness_fail(report, "%s: d loss / d prediction[%d] is %.9g, differences give %.9g", harness_now, i, data.gradient[i], slope);
            return;
        }
    }
}

void harness_grad_losses(harness_report *report) { each_loss(NULL, check_loss_gradient, report); }

/* ---- Optimizers ---- */

static const knn__update_call optimizers[] = {
    {.op = KNN_UPDATE_SGD, .rate = 0.1},
    {.op = KNN_UPDATE_SGD, .rate = 0.1, .momentum = 0.9, .decay = 0.01},
    {.op = KNN_UPDATE_SGD, .rate = 0.1, .momentum = 0.9, .nesterov = true},
    {.op = KNN_UPDATE_RMSPROP, .rate = 0.1, .rho = 0.9, .epsilon = 1e-7},
    {.op = KNN_UPDATE_RMSPROP, .rate = 0.1, .rho = 0.9, .epsilon = 1e-3, .epsilon_outside = true, .decay = 0.01},
    {.op = KNN_UPDATE_RMSPROP, .rate = 0.1, .rho = 0.9, .epsilon = 1e-3, .momentum = 0.8},
    {.op = KNN_UPDATE_RMSPROP, .rate = 0.1, .rho = 0.8, .epsilon = 1e-3, .centered = true},
    {.op = KNN_UPDATE_RMSPROP, .rate = 0.1, .rho = 0.8, .epsilon = 1e-3, .centered = true, .momentum = 0.7},
    {.op = KNN_UPDATE_ADAM, .rate = 0.1, .beta_1 = 0.9, .beta_2 = 0.999, .epsilon = 1e-3},
    {.op = KNN_UPDATE_ADAM, .rate = 0.1, .beta_1 = 0.9, .beta_2 = 0.99, .epsilon = 1e-3, .amsgrad = true, .decay = 0.01},
    {.op = KNN_UPDATE_ADAGRAD, .rate = 0.1, .epsilon = 1e-3, .decay = 0.01},
    {.op = KNN_UPDATE_ADADELTA, .rate = 10, .rho = 0.9, .epsilon = 1e-3, .decay = 0.001},
    {.op = KNN_UPDATE_ADAMAX, .rate = 0.1, .beta_1 = 0.9, .beta_2 = 0.9, .epsilon = 1e-3, .decay = 0.01},
    {.op = KNN_UPDATE_NADAM, .rate = 0.1, .beta_1 = 0.9, .beta_2 = 0.99, .epsilon = 1e-3, .momentum_product = 0.2, .decay = 0.01},
    {.op = KNN_UPDATE_FTRL, .rate = 0.5, .power = 0.5, .l1 = 0.01, .l2 = 0.1, .shrinkage = 0.05, .beta = 0.1},
    {.op = KNN_UPDATE_FTRL, .rate = 0.5, .power = 0.7, .decay = 0.01},
    {.op = KNN_UPDATE_LION, .rate = 0.1, .beta_1 = 0.9, .beta_2 = 0.99, .decay = 0.01},
    {.op = KNN_UPDATE_LAMB, .rate = 0.1, .beta_1 = 0.9, .beta_2 = 0.99, .epsilon = 1e-3, .decay = 0.01},
    {.op = KNN_UPDATE_ADAFACTOR, .rate = 0.1, .epsilon = 1e-3, .epsilon_2 = 1e-3, .beta_2_decay = -0.8, .clip_threshold = 1,
        .decay = 0.01},
    {.op = KNN_UPDATE_ADAFACTOR, .rate = 0.1, .epsilon = 1e-3, .epsilon_2 = 1e-3, .beta_2_decay = -0.8, .clip_threshold = 0.9,
        .rows = 17, .columns = 59}};

typedef struct update_data { double weights[UPDATE_LENGTH], slot[KNN_OWN_SLOTS][UPDATE_LENGTH], gradients[UPDATE_LENGTH]; } update_data;

/* Gradients get smaller from step to step: amsgrad then differs. */
static update_numbers next_step(update_data *data, uint64_t step)
{
    double limit = 1 / (double)step;
    draw((uint32_t)(10 + step), -limit, limit, data->gradients, UPDATE_LENGTH);
    return (update_numbers){UPDATE_LENGTH, data->weights, {data->slot[0], data->slot[1], data->slot[2]}, data->gradients};
}

static void check_optimizer(const char *backend, knn__update_call call, harness_report *report)
{
    static update_data got, expected;
    memset(&got, 0, sizeof got);
    draw(1, -1, 1, got.weights, UPDATE_LENGTH);
    expected = got;
    report->runs++;
    for (call.step = 1; call.step <= STEPS; call.step++) {
        const update_numbers in_float = next_step(&got, call.step), in_double = next_step(&expected, call.step);
        if (!library_update(backend, &call, &in_float) || !oracle_update(NULL, &call, &in_double)) {
            harness_fail(report, "%s: no backend", harness_now);
            return;
        }
    }
    double error = largest_error(got.weights, expected.weights, UPDATE_LENGTH);
    for (int i = 0; i < KNN_OWN_SLOTS; i++)
        error = fmax(error, largest_error(got.slot[i], expected.slot[i], UPDATE_LENGTH));
    if (error > TOLERANCE)
        harness_fail(report, "%s: off by %.2g after %d steps", harness_now, error, STEPS);
}

void harness_test_learning(const char *backend, harness_report *report)
{
    const knn_backend *found = knn__find_backend(backend);
    if (found == NULL) {
        harness_fail(report, "%s", knn_last_error());
        return;
    }
    each_loss(backend, check_loss, report);
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++) {
        snprintf(harness_now, sizeof harness_now, "optimizer %zu of backend %s", i, backend);
        report->cases++;
        check_optimizer(backend, optimizers[i], report);
    }
}
