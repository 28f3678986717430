/* Maximum and mean over windows, and over whole pictures. Padding takes no part: it never wins a maximum, and no mean counts it. */
#include "backend/reference/reference.h"

#include <string.h>

/* Rows and columns of an image: [top, bottom) x [left, right), never empty. */
typedef struct window { int top, bottom, left, right; } window;

static int at_least(int a, int least) { return a > least ? a : least; }
static int at_most(int a, int most) { return a < most ? a : most; }

/* What the output position (row, column) sees of the input. */
static window window_of(const knn_node *n, int row, int column)
{
    if (n->op == KNN_OP_GLOBAL_AVERAGE_POOLING2D || n->op == KNN_OP_GLOBAL_MAX_POOLING2D)
        return (window){0, n->in.height, 0, n->in.width};
    int top = row * n->stride_height - n->pad_top, left = column * n->stride_width - n->pad_left;
    return (window){at_least(top, 0), at_most(top + n->kernel_height, n->in.height),
                    at_least(left, 0), at_most(left + n->kernel_width, n->in.width)};
}

/* The place of (y, x, channel) in an image. */
static long place(const knn_node *n, int y, int x, int channel)
{
    return ((long)y * n->in.width + x) * n->in.channels + channel;
}

/* Where the largest number of a window lies; the first one where several are equal. */
static long largest(const knn_node *n, const knn_real *image, window w, int channel)
{
    long best = place(n, w.top, w.left, channel);
    for (int y = w.top; y < w.bottom; y++)
        for (int x = w.left; x < w.right; x++)
            if (image[place(n, y, x, channel)] > image[best])
                best = place(n, y, x, channel);
    return best;
}

static double mean(const knn_node *n, const knn_real *image, window w, int channel)
{
    double sum = 0;
    for (int y = w.top; y < w.bottom; y++)
        for (int x = w.left; x < w.right; x++)
            sum += image[place(n, y, x, channel)];
    return sum / ((double)(w.bottom - w.top) * (w.right - w.left));
}

/* The derivative of the mean: each cell of the window has the same share. */
static void spread(const knn_node *n, knn_real *image, window w, int channel, double gradient)
{
    double share = gradient / ((double)(w.bottom - w.top) * (w.right - w.left));
    for (int y = w.top; y < w.bottom; y++)
        for (int x = w.left; x < w.right; x++)
            image[place(n, y, x, channel)] += (knn_real)share;
}

static bool takes_maximum(const knn_node *n) { return n->op == KNN_OP_MAX_POOLING2D || n->op == KNN_OP_GLOBAL_MAX_POOLING2D; }

static void measure_maximum(const knn_step *step, knn_needs *needs)
{
    (void)step;
    needs->input = true;                                /* backward looks for the maximum again */
}

static void forward_image(const knn_node *n, const knn_real *x, knn_real *y)
{
    for (int row = 0; row < n->out.height; row++)
        for (int column = 0; column < n->out.width; column++) {
            window w = window_of(n, row, column);
            for (int c = 0; c < n->out.channels; c++)
                *y++ = takes_maximum(n) ? x[largest(n, x, w, c)] : (knn_real)mean(n, x, w, c);
        }
}

/* Windows may overlap: gradients add up. */
static void backward_image(const knn_node *n, const knn_real *x, const knn_real *dy, knn_real *dx)
{
    memset(dx, 0, knn__extent_length(n->in) * sizeof *dx);
    for (int row = 0; row < n->out.height; row++)
        for (int column = 0; column < n->out.width; column++) {
            window w = window_of(n, row, column);
            for (int c = 0; c < n->out.channels; c++, dy++) {
                if (takes_maximum(n))
                    dx[largest(n, x, w, c)] += *dy;
                else
                    spread(n, dx, w, c, *dy);
            }
        }
}

static void forward(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last; image++)
        forward_image(&step->nodes[0], knn__image(&step->x, image, part.slice), knn__image(&step->y, image, part.slice));
}

static void backward(const knn_step *step, knn_part part)
{
    if (step->dx.data == NULL)
        return;
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = takes_maximum(n) ? knn__image(&step->x, image, part.slice) : NULL;
        backward_image(n, x, knn__image(&step->dy, image, part.slice), knn__image(&step->dx, image, part.slice));
    }
}

const knn_kernel knn__reference_max_pooling2d = {
    .name = "max_pooling2d, reference",
    .ops = {KNN_OP_MAX_POOLING2D, KNN_OP_GLOBAL_MAX_POOLING2D}, .measure = measure_maximum, .forward = forward, .backward = backward,
};

const knn_kernel knn__reference_average_pooling2d = {
    .name = "average_pooling2d, reference",
    .ops = {KNN_OP_AVERAGE_POOLING2D, KNN_OP_GLOBAL_AVERAGE_POOLING2D}, .forward = forward, .backward = backward,
};
