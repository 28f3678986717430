/* Random contrast, y = (x - mean) r + mean with the mean of each channel, and random brightness, y = x + r; both cut to a range.
 * Run in training only. Backward draws again; where y was cut, no gradient passes. */
#include "backend/reference/reference.h"

#include "backend/image_geometry.h"

static void measure(const knn_step *step, knn_needs *needs)
{
    (void)step;
    needs->input = true;
}

/* y = scale x + (1 - scale) mean + shift */
typedef struct change { double scale, shift; } change;

static change change_of(const knn_step *step, int image)
{
    const knn_node *n = &step->nodes[0];
    const knn__stream stream = {.seed = step->run->seed, .stream = (uint32_t)(KNN__STREAM_IMAGES + 16 * n->layer),
        .epoch = step->run->iteration, .index = (uint32_t)image};
    double r = knn__image_draw(&stream, 0, n->factor);
    return n->op == KNN_OP_RANDOM_CONTRAST ? (change){r, 0} : (change){1, r};
}

static double mean_of(const knn_node *n, const knn_real *x, int channel)
{
    double sum = 0;
    for (int p = 0; p < knn__positions(n->in); p++)
        sum += x[(long)p * n->in.channels + channel];
    return sum / knn__positions(n->in);
}

static double cut(double y, const double range[2]) { return y < range[0] ? range[0] : y > range[1] ? range[1] : y; }

static void forward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice);
        knn_real *y = knn__image(&step->y, image, part.slice);
        const change drawn = change_of(step, image);
        for (int c = 0; c < n->in.channels; c++) {
            double offset = drawn.shift + (drawn.scale != 1 ? (1 - drawn.scale) * mean_of(n, x, c) : 0);
            for (size_t i = (size_t)c; i < step->y.length; i += (size_t)n->in.channels)
                y[i] = (knn_real)cut(drawn.scale * x[i] + offset, n->value_range);
        }
    }
}

/* dx = scale dy' + (1 - scale) mean(dy'), where dy' is dy without what was cut. */
static void backward_channel(const knn_step *step, change drawn, int channel, const knn_real *x, const knn_real *dy, knn_real *dx)
{
    const knn_node *n = &step->nodes[0];
    double offset = drawn.shift + (1 - drawn.scale) * mean_of(n, x, channel);
    for (size_t i = (size_t)channel; i < step->dx.length; i += (size_t)n->in.channels) {
        double y = drawn.scale * x[i] + offset;
        dx[i] = y < n->value_range[0] || y > n->value_range[1] ? 0 : dy[i];
    }
    double mean = mean_of(n, dx, channel);
    for (size_t i = (size_t)channel; i < step->dx.length; i += (size_t)n->in.channels)
        dx[i] = (knn_real)(drawn.scale * dx[i] + (1 - drawn.scale) * mean);
}

static void backward(const knn_step *step, knn_part part)
{
    if (step->dx.data == NULL)
        return;
    for (int image = part.first; image < part.last; image++) {
        const change drawn = change_of(step, image);
        for (int c = 0; c < step->nodes[0].in.channels; c++)
            backward_channel(step, drawn, c, knn__image(&step->x, image, part.slice), knn__image(&step->dy, image, part.slice),
                             knn__image(&step->dx, image, part.slice));
    }
}

const knn_kernel knn__reference_random_color = {
    .name = "random_color, reference",
    .ops = {KNN_OP_RANDOM_CONTRAST, KNN_OP_RANDOM_BRIGHTNESS}, .measure = measure, .forward = forward, .backward = backward,
};
