/* Maximum and mean over windows of any size, stride and padding, and over whole pictures; vector loops over the channels. Pooling behind
 * a convolution is mostly done by the convolution's kernel.
 *
 * Padding takes no part: windows are clipped to the picture. For the backward pass of a maximum, forward keeps with each output number
 * which cell of its clipped window was the largest, counted row by row; the first one where several are equal. */
#include "backend/cpu/isa.h"

#include <stdint.h>
#include <string.h>

typedef uint16_t place;
enum { MOST_CELLS = UINT16_MAX };

/* Rows and columns of an image: [top, bottom) x [left, right), never empty. */
typedef struct window { int top, bottom, left, right; } window;

static bool is_global(const knn_node *n) { return n->op == KNN_OP_GLOBAL_AVERAGE_POOLING2D || n->op == KNN_OP_GLOBAL_MAX_POOLING2D; }

static window window_of(const knn_node *n, int row, int column)
{
    if (is_global(n))
        return (window){0, n->in.height, 0, n->in.width};
    int top = row * n->stride_height - n->pad_top, left = column * n->stride_width - n->pad_left;
    int bottom = top + n->kernel_height, right = left + n->kernel_width;
    return (window){top > 0 ? top : 0, bottom < n->in.height ? bottom : n->in.height,
                    left > 0 ? left : 0, right < n->in.width ? right : n->in.width};
}

/* Where (y, x, 0) lies in an image. */
static long cell(const knn_node *n, int y, int x) { return ((long)y * n->in.width + x) * n->in.channels; }

static int covers_maximum(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    const knn_node *n = &nodes[0];
    (void)count;
    long cells = is_global(n) ? (long)n->in.height * n->in.width : (long)n->kernel_height * n->kernel_width;
    if (request->training && cells > MOST_CELLS) {
        *reason = "a window of more than 65535 cells";
        return 0;
    }
    return 1;
}

static void measure_maximum(const knn_step *step, knn_needs *needs)
{
    needs->saved = step->request.training ? step->y.length * sizeof(place) : 0;
    needs->depth_first = true;
}

static void measure_mean(const knn_step *step, knn_needs *needs)
{
    (void)step;
    needs->depth_first = true;
}

/* ---- The largest number ---- */

static inline void begin_maximum(const float *restrict x, int channels, float *restrict y, place *restrict which)
{
    memcpy(y, x, (size_t)channels * sizeof *y);
    if (which != NULL)
        memset(which, 0, (size_t)channels * sizeof *which);
}

static inline void add_to_maximum(const float *restrict x, int channels, place number, float *restrict y, place *restrict which)
{
    for (int c = 0; c < channels && which != NULL; c++)
        which[c] = x[c] > y[c] ? number : which[c];
    for (int c = 0; c < channels; c++)
        y[c] = x[c] > y[c] ? x[c] : y[c];
}

static void maximum_of_window(const knn_node *n, const float *image, window w, float *y, place *which)
{
    place number = 0;
    for (int row = w.top; row < w.bottom; row++)
        for (int column = w.left; column < w.right; column++, number++) {
            if (number == 0)
                begin_maximum(image + cell(n, row, column), n->in.channels, y, which);
            else
                add_to_maximum(image + cell(n, row, column), n->in.channels, number, y, which);
        }
}

static void forward_maximum(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last; image++) {
        const float *x = knn__image(&step->x, image, part.slice);
        float *y = knn__image(&step->y, image, part.slice);
        place *which = step->request.training ? knn__saved(step, image) : NULL;
        for (int row = 0; row < n->out.height; row++)
            for (int column = 0; column < n->out.width; column++, y += n->out.channels) {
                maximum_of_window(n, x, window_of(n, row, column), y, which);
                which = which != NULL ? which + n->out.channels : NULL;
            }
    }
}

static inline void add_chosen(const float *restrict dy, const place *restrict which, place number, int channels, float *restrict dx)
{
    for (int c = 0; c < channels; c++)
        dx[c] += which[c] == number ? dy[c] : 0;
}

static void choose_in_window(const knn_node *n, float *image, window w, const float *dy, const place *which)
{
    place number = 0;
    for (int row = w.top; row < w.bottom; row++)
        for (int column = w.left; column < w.right; column++, number++)
            add_chosen(dy, which, number, n->in.channels, image + cell(n, row, column));
}

/* Windows may overlap: gradients add up. */
static void backward_maximum(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++) {
        const float *dy = knn__image(&step->dy, image, part.slice);
        const place *which = knn__saved(step, image);
        float *dx = knn__image(&step->dx, image, part.slice);
        memset(dx, 0, step->dx.length * sizeof *dx);
        for (int row = 0; row < n->out.height; row++)
            for (int column = 0; column < n->out.width; column++, dy += n->out.channels, which += n->out.channels)
                choose_in_window(n, dx, window_of(n, row, column), dy, which);
    }
}

/* ---- The mean ---- */

static float share_of(window w) { return 1 / ((float)(w.bottom - w.top) * (float)(w.right - w.left)); }

static inline void add_scaled(const float *restrict from, float scale, int channels, float *restrict to)
{
    for (int c = 0; c < channels; c++)
        to[c] += from[c] * scale;
}

static void forward_mean(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last; image++) {
        const float *x = knn__image(&step->x, image, part.slice);
        float *y = knn__image(&step->y, image, part.slice);
        memset(y, 0, step->y.length * sizeof *y);
        for (int row = 0; row < n->out.height; row++)
            for (int column = 0; column < n->out.width; column++, y += n->out.channels) {
                window w = window_of(n, row, column);
                for (int i = w.top; i < w.bottom; i++)
                    for (int j = w.left; j < w.right; j++)
                        add_scaled(x + cell(n, i, j), share_of(w), n->in.channels, y);
            }
    }
}

static void backward_mean(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++) {
        const float *dy = knn__image(&step->dy, image, part.slice);
        float *dx = knn__image(&step->dx, image, part.slice);
        memset(dx, 0, step->dx.length * sizeof *dx);
        for (int row = 0; row < n->out.height; row++)
            for (int column = 0; column < n->out.width; column++, dy += n->out.channels) {
                window w = window_of(n, row, column);
                for (int i = w.top; i < w.bottom; i++)
                    for (int j = w.left; j < w.right; j++)
                        add_scaled(dy, share_of(w), n->in.channels, dx + cell(n, i, j));
            }
    }
}

const knn_kernel KNN_ISA_NAME(knn__max_pooling2d) = {
    .name = "max_pooling2d, " KNN_ISA_TEXT,
    .ops = {KNN_OP_MAX_POOLING2D, KNN_OP_GLOBAL_MAX_POOLING2D}, .covers = covers_maximum,
    .measure = measure_maximum, .forward = forward_maximum, .backward = backward_maximum,
};

const knn_kernel KNN_ISA_NAME(knn__average_pooling2d) = {
    .name = "average_pooling2d, " KNN_ISA_TEXT,
    .ops = {KNN_OP_AVERAGE_POOLING2D, KNN_OP_GLOBAL_AVERAGE_POOLING2D},
    .measure = measure_mean, .forward = forward_mean, .backward = backward_mean,
};
