/* im2col and col2im for any stride, dilation, padding and group. Multiplies nothing.
 *
 * For one row i of the kernel, an output position sees `taps` runs of numbers that are consecutive in the image: a single run of
 * kernel_width * channels where neither dilation nor groups tear it apart (the usual case), kernel_width runs of a group's channels
 * otherwise. All positions whose runs lie inside the image are done in one tight loop; those at the edges, tap by tap. */
#include "backend/cpu/columns.h"

#include <string.h>

/* One kernel row over one output row, as both directions walk it. */
typedef struct walk {
    const knn_node *node;
    int group, channels;                    /* of a group */
    int taps, run;                          /* runs a position, floats a run */
    int step;                               /* floats from one run to the next in the image */
    int inner_first, inner_last;            /* positions whose runs all lie inside the image */
    size_t stride;                          /* floats from one position to the next in the columns */
} walk;

static int limit(int value, int least, int most) { return value < least ? least : value > most ? most : value; }

static walk make_walk(const knn_node *node, int group, int width)
{
    walk w = {.node = node, .group = group, .channels = node->in.channels / node->groups};
    bool whole = node->groups == 1 && (node->dilation_width == 1 || node->kernel_width == 1);
    w.taps = whole ? 1 : node->kernel_width;
    w.run = whole ? node->kernel_width * w.channels : w.channels;
    w.step = node->dilation_width * node->in.channels;
    w.stride = (size_t)node->kernel_height * (size_t)node->kernel_width * (size_t)w.channels;
    int reach = (node->kernel_width - 1) * node->dilation_width;            /* first position: 0 <= c * stride - pad_left */
    int room = node->in.width - 1 - reach + node->pad_left;                 /* last: c * stride - pad_left + reach < width */
    w.inner_first = limit((node->pad_left + node->stride_width - 1) / node->stride_width, 0, width);
    w.inner_last = limit(room < 0 ? 0 : room / node->stride_width + 1, w.inner_first, width);
    return w;
}

/* Inlined copies for the short runs of a net's first layer, where a call would cost more than the copy: two overlapping blocks. */
static inline void copy(float *to, const float *from, int n)
{
    if (n >= 16) {
        memcpy(to, from, (size_t)n * sizeof *to);
    } else if (n >= 8) {
        memcpy(to, from, 8 * sizeof *to);
        memcpy(to + n - 8, from + n - 8, 8 * sizeof *to);
    } else {
        for (int i = 0; i < n; i++)
            to[i] = from[i];
    }
}

static inline void add(float *to, const float *from, int n)
{
    for (int i = 0; i < n; i++)
        to[i] += from[i];
}

/* Where the first tap of position `column` lies in an image row, in floats; negative in the padding. */
static inline long start(const walk *w, int column)
{
    return ((long)column * w->node->stride_width - w->node->pad_left) * w->node->in.channels + (long)w->group * w->channels;
}

/* The input row that kernel row i sees from output row `row`; -1: padding. */
static int input_row(const knn_node *node, int row, int i)
{
    int y = row * node->stride_height - node->pad_top + i * node->dilation_height;
    return y >= 0 && y < node->in.height ? y : -1;
}

static bool inside(const walk *w, int column, int tap)
{
    int x = column * w->node->stride_width - w->node->pad_left + tap * w->node->dilation_width;
    return x >= 0 && x < w->node->in.width;
}

static void gather_edge(const walk *w, const float *row, int first, int last, float *columns)
{
    for (int column = first; column < last; column++)
        for (int tap = 0; tap < w->node->kernel_width; tap++) {
            float *to = columns + (size_t)column * w->stride + tap * w->channels;
            if (inside(w, column, tap))
                copy(to, row + start(w, column) + (long)tap * w->step, w->channels);
            else
                memset(to, 0, (size_t)w->channels * sizeof *to);
        }
}

static void scatter_edge(const walk *w, float *row, int first, int last, const float *columns)
{
    for (int column = first; column < last; column++)
        for (int tap = 0; tap < w->node->kernel_width; tap++)
            if (inside(w, column, tap))
                add(row + start(w, column) + (long)tap * w->step, columns + (size_t)column * w->stride + tap * w->channels, w->channels);
}

static void gather_padding(const walk *w, int width, float *columns)
{
    for (int column = 0; column < width; column++)
        memset(columns + (size_t)column * w->stride, 0, (size_t)(w->node->kernel_width * w->channels) * sizeof *columns);
}

void knn__columns_from_image(const knn_node *node, const float *image, int group, int row, int width, float *columns)
{
    walk w = make_walk(node, group, width);
    for (int i = 0; i < node->kernel_height; i++, columns += node->kernel_width * w.channels) {
        int y = input_row(node, row, i);
        if (y < 0) {
            gather_padding(&w, width, columns);
            continue;
        }
        const float *from = image + (long)y * node->in.width * node->in.channels;
        gather_edge(&w, from, 0, w.inner_first, columns);
        for (int column = w.inner_first; column < w.inner_last; column++)
            for (int tap = 0; tap < w.taps; tap++)
                copy(columns + (size_t)column * w.stride + tap * w.run, from + start(&w, column) + (long)tap * w.step, w.run);
        gather_edge(&w, from, w.inner_last, width, columns);
    }
}

void knn__columns_to_image(const knn_node *node, float *image, int group, int row, int width, const float *columns)
{
    walk w = make_walk(node, group, width);
    for (int i = 0; i < node->kernel_height; i++, columns += node->kernel_width * w.channels) {
        int y = input_row(node, row, i);
        if (y < 0)
            continue;
        float *to = image + (long)y * node->in.width * node->in.channels;
        scatter_edge(&w, to, 0, w.inner_first, columns);
        for (int column = w.inner_first; column < w.inner_last; column++)
            for (int tap = 0; tap < w.taps; tap++)
                add(to + start(&w, column) + (long)tap * w.step, columns + (size_t)column * w.stride + tap * w.run, w.run);
        scatter_edge(&w, to, w.inner_last, width, columns);
    }
}
