/* Convolution (in fact correlation: the kernel is not flipped) with bias, for every stride, dilation, padding and number of groups, and
 * transposed convolution. Does not compute the activation behind it: that is a node of its own.
 *
 * Either way an output position is a sum over taps. In a transposed convolution it sees, through a tap, the input position that sees it
 * through this tap in the convolution that is reversed. */
#include "backend/reference/reference.h"

#include <string.h>

static void measure(const knn_step *step, knn_needs *needs)
{
    const knn_node *n = &step->nodes[0];
    needs->input = true;
    needs->scratch = (size_t)n->out.channels * sizeof(double);                  /* the sums of one position */
    needs->partial = (n->weight[KNN_KERNEL].length + n->weight[KNN_BIAS].length) * sizeof(double);
}

static bool is_transposed(const knn_node *n) { return n->op == KNN_OP_CONV2D_TRANSPOSE; }

/* Where output index `at` looks through tap i along one axis; outside [0, length): at nothing. */
static int source_index(const knn_node *n, int at, int stride, int pad, int i, int dilation)
{
    if (!is_transposed(n))
        return at * stride - pad + i * dilation;
    int reached = at + pad - i * dilation;
    return reached % stride == 0 ? reached / stride : -1;
}

/* Where in an image the kernel's tap (i, j) lies for the output position (row, column), in numbers from its start; -1: nowhere. */
static long source(const knn_node *n, int row, int column, int i, int j)
{
    int y = source_index(n, row, n->stride_height, n->pad_top, i, n->dilation_height);
    int x = source_index(n, column, n->stride_width, n->pad_left, j, n->dilation_width);
    bool inside = y >= 0 && y < n->in.height && x >= 0 && x < n->in.width;
    return inside ? ((long)y * n->in.width + x) * n->in.channels : -1;
}

/* Where a tap's weight from channel c of a group to filter f lies: [channels of a group][filters], transposed [filters][channels]. */
static long weight_index(const knn_node *n, int c, int f)
{
    return is_transposed(n) ? (long)f * n->in.channels + c : (long)c * n->out.channels + f;
}

/* One tap: sum[f] += x[c] w[c][f] over the channels c of the filter's group. */
static void add_tap(const knn_node *n, const knn_real *x, const knn_real *w, double *sum)
{
    int channels = n->in.channels / n->groups, filters = n->out.channels / n->groups;
    for (int g = 0; g < n->groups; g++)
        for (int c = 0; c < channels; c++)
            for (int f = g * filters; f < (g + 1) * filters; f++)
                sum[f] += (double)x[g * channels + c] * w[weight_index(n, c, f)];
}

/* Its derivatives: dw[c][f] += x[c] dy[f], dx[c] += sum over f of w[c][f] dy[f]. */
static void add_tap_gradients(const knn_node *n, const knn_real *x, const knn_real *w, const knn_real *dy, knn_real *dx, double *dw)
{
    int channels = n->in.channels / n->groups, filters = n->out.channels / n->groups;
    for (int g = 0; g < n->groups; g++)
        for (int c = 0; c < channels; c++) {
            double value = x[g * channels + c], sum = 0;
            for (int f = g * filters; f < (g + 1) * filters; f++) {
                long at = weight_index(n, c, f);
                dw[at] += value * dy[f];
                sum += (double)w[at] * dy[f];
            }
            if (dx != NULL)
                dx[g * channels + c] += (knn_real)sum;
        }
}

/* Numbers from one tap's weights to the next's. */
static long tap_length(const knn_node *n) { return (long)(n->in.channels / n->groups) * n->out.channels; }

static void forward_position(const knn_step *step, const knn_real *x, int row, int column, double *sum)
{
    const knn_node *n = &step->nodes[0];
    const knn_real *w = knn__weight(step, 0, KNN_KERNEL), *bias = knn__weight(step, 0, KNN_BIAS);
    for (int f = 0; f < n->out.channels; f++)
        sum[f] = bias != NULL ? bias[f] : 0;
    for (int i = 0; i < n->kernel_height; i++)
        for (int j = 0; j < n->kernel_width; j++, w += tap_length(n)) {
            long at = source(n, row, column, i, j);
            if (at >= 0)
                add_tap(n, x + at, w, sum);
        }
}

static void forward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    double *sum = knn__scratch(step, part.slice);
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice);
        knn_real *y = knn__image(&step->y, image, part.slice);
        for (int row = 0; row < n->out.height; row++)
            for (int column = 0; column < n->out.width; column++) {
                forward_position(step, x, row, column, sum);
                for (int f = 0; f < n->out.channels; f++)
                    *y++ = (knn_real)sum[f];
            }
    }
}

/* `dw` is the slice's: the kernel's sums, then the bias'. */
static void backward_position(const knn_step *step, const knn_real *x, const knn_real *dy, knn_real *dx, int row, int column, double *dw)
{
    const knn_node *n = &step->nodes[0];
    const knn_real *w = knn__weight(step, 0, KNN_KERNEL);
    for (int i = 0; i < n->kernel_height; i++)
        for (int j = 0; j < n->kernel_width; j++, w += tap_length(n), dw += tap_length(n)) {
            long at = source(n, row, column, i, j);
            if (at >= 0)
                add_tap_gradients(n, x + at, w, dy, dx != NULL ? dx + at : NULL, dw);
        }
    if (n->weight[KNN_BIAS].length > 0)
        for (int f = 0; f < n->out.channels; f++)
            dw[f] += dy[f];
}

static void backward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    double *dw = knn__partial(step, part.slice);
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice), *dy = knn__image(&step->dy, image, part.slice);
        knn_real *dx = NULL;
        if (step->dx.data != NULL) {
            dx = knn__image(&step->dx, image, part.slice);
            memset(dx, 0, step->dx.length * sizeof *dx);
        }
        for (int row = 0; row < n->out.height; row++)
            for (int column = 0; column < n->out.width; column++, dy += n->out.channels)
                backward_position(step, x, dy, dx, row, column, dw);
    }
}

static void finish(const knn_step *step, int slice)
{
    const knn_node_weight *weight = step->nodes[0].weight;
    knn__reference_add_slices(step, 0, knn__gradient(step, 0, KNN_KERNEL), weight[KNN_KERNEL].length, slice);
    knn__reference_add_slices(step, weight[KNN_KERNEL].length, knn__gradient(step, 0, KNN_BIAS), weight[KNN_BIAS].length, slice);
}

const knn_kernel knn__reference_conv2d = {
    .name = "conv2d, reference",
    .ops = {KNN_OP_CONV2D}, .measure = measure, .forward = forward, .backward = backward, .finish = finish,
};

const knn_kernel knn__reference_conv2d_transpose = {
    .name = "conv2d_transpose, reference",
    .ops = {KNN_OP_CONV2D_TRANSPOSE}, .measure = measure, .forward = forward, .backward = backward, .finish = finish,
};
