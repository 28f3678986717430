/* Larger pictures, nearest or bilinear: each output row is made of one line, a mixture of two input rows, whose cells are then repeated or
 * mixed along it. Vector loops over whole rows, and over the channels of a cell. */
#include "backend/cpu/isa.h"
#include "backend/up_sampling.h"

#include <string.h>

static size_t row_length(knn_extent extent) { return (size_t)extent.width * (size_t)extent.channels; }

static void measure(const knn_step *step, knn_needs *needs)
{
    needs->depth_first = true;
    needs->scratch = row_length(step->nodes[0].in) * sizeof(float);            /* a line */
}

static knn__source row_source(const knn_node *n, int row) { return knn__source_of(n->op, row, n->stride_height, n->in.height); }
static knn__source column_source(const knn_node *n, int column) { return knn__source_of(n->op, column, n->stride_width, n->in.width); }

/* to = (1 - share) * a + share * b */
static inline void mix(const float *restrict a, const float *restrict b, float share, size_t length, float *restrict to)
{
    for (size_t i = 0; i < length; i++)
        to[i] = a[i] + share * (b[i] - a[i]);
}

static inline void add_scaled(const float *restrict from, float scale, size_t length, float *restrict to)
{
    for (size_t i = 0; i < length; i++)
        to[i] += scale * from[i];
}

/* An output row from its line. */
static void spread(const knn_node *n, const float *line, float *y)
{
    size_t channels = (size_t)n->in.channels;
    for (int column = 0; column < n->out.width; column++, y += channels) {
        knn__source s = column_source(n, column);
        if (s.share == 0)
            memcpy(y, line + (size_t)s.low * channels, channels * sizeof *y);
        else
            mix(line + (size_t)s.low * channels, line + (size_t)s.high * channels, (float)s.share, channels, y);
    }
}

/* Its transpose. */
static void gather(const knn_node *n, const float *dy, float *line)
{
    size_t channels = (size_t)n->in.channels;
    memset(line, 0, row_length(n->in) * sizeof *line);
    for (int column = 0; column < n->out.width; column++, dy += channels) {
        knn__source s = column_source(n, column);
        add_scaled(dy, (float)(1 - s.share), channels, line + (size_t)s.low * channels);
        if (s.share != 0)
            add_scaled(dy, (float)s.share, channels, line + (size_t)s.high * channels);
    }
}

static void forward_image(const knn_node *n, const float *x, float *y, float *line)
{
    size_t in = row_length(n->in), out = row_length(n->out);
    for (int row = 0; row < n->out.height; row++, y += out) {
        knn__source s = row_source(n, row), before = row_source(n, row > 0 ? row - 1 : 0);
        if (row > 0 && s.low == before.low && s.share == before.share)
            memcpy(y, y - out, out * sizeof *y);                /* the row above once more */
        else if (s.share == 0)
            spread(n, x + (size_t)s.low * in, y);
        else {
            mix(x + (size_t)s.low * in, x + (size_t)s.high * in, (float)s.share, in, line);
            spread(n, line, y);
        }
    }
}

static void forward(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last; image++)
        forward_image(&step->nodes[0], knn__image(&step->x, image, part.slice), knn__image(&step->y, image, part.slice),
                      knn__scratch(step, part.slice));
}

static void backward_image(const knn_node *n, const float *dy, float *dx, float *line)
{
    size_t in = row_length(n->in), out = row_length(n->out);
    memset(dx, 0, (size_t)n->in.height * in * sizeof *dx);
    for (int row = 0; row < n->out.height; row++, dy += out) {
        knn__source s = row_source(n, row);
        gather(n, dy, line);
        add_scaled(line, (float)(1 - s.share), in, dx + (size_t)s.low * in);
        if (s.share != 0)
            add_scaled(line, (float)s.share, in, dx + (size_t)s.high * in);
    }
}

static void backward(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++)
        backward_image(&step->nodes[0], knn__image(&step->dy, image, part.slice), knn__image(&step->dx, image, part.slice),
                       knn__scratch(step, part.slice));
}

const knn_kernel KNN_ISA_NAME(knn__up_sampling) = {
    .name = "up_sampling, " KNN_ISA_TEXT,
    .ops = {KNN_OP_UP_SAMPLING_NEAREST, KNN_OP_UP_SAMPLING_BILINEAR}, .measure = measure, .forward = forward, .backward = backward,
};
