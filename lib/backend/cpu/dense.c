/* Dense layers, with an elementwise activation behind them, by matrix products. Layers of few units are dense_narrow.c's.
 *
 * A sample is [positions][inputs], mostly of one position. dz, the gradient before the activation, is kept with each image (saved), so
 * that dW is one product over the whole batch: finish splits it by rows of W, which no number of slices changes. */
#include "backend/cpu/activation.h"
#include "backend/cpu/blas.h"
#include "core/parallel.h"

#include <string.h>

enum { PIECES = 4 };                        /* of a single image */

typedef struct sizes { size_t positions, inputs, units; } sizes;

static sizes sizes_of(const knn_step *step)
{
    const knn_node *n = &step->nodes[0];
    return (sizes){(size_t)n->in.height * (size_t)n->in.width, (size_t)n->in.channels, (size_t)n->out.channels};
}

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    size_t rows = (size_t)request->capacity * (size_t)nodes[0].in.height * (size_t)nodes[0].in.width;
    if (!knn__gemm_takes(rows, (size_t)nodes[0].out.channels, (size_t)nodes[0].in.channels)) {
        *reason = "too large for OpenBLAS";
        return 0;
    }
    return knn__fused_activation(nodes, count) != KNN_LINEAR ? 2 : 1;
}

static knn_activation activation_of(const knn_step *step) { return knn__fused_activation(step->nodes, step->count); }

static void measure(const knn_step *step, knn_needs *needs)
{
    needs->input = true;
    needs->output = activation_of(step) != KNN_LINEAR;
    needs->saved = step->y.length * sizeof(float);
    needs->divisible = true;
}

/* Units that one product makes: of a single image, which threads may share, a quarter. Not fewer for more threads: OpenBLAS rounds products
 * of other sizes differently. */
static size_t units_a_product(const knn_step *step)
{
    size_t units = sizes_of(step).units;
    return step->request.capacity == 1 ? (units + PIECES - 1) / PIECES : units;
}

static void make_units(const knn_step *step, knn_part part, size_t from, size_t count)
{
    sizes s = sizes_of(step);
    size_t rows = (size_t)(part.last - part.first) * s.positions;
    const float *bias = knn__weight(step, 0, KNN_BIAS);
    knn__matrix x = {knn__image(&step->x, part.first, part.slice), s.inputs, false};
    knn__matrix w = {knn__weight(step, 0, KNN_KERNEL) + from, s.units, false};
    float *y = knn__image(&step->y, part.first, part.slice) + from;
    knn__gemm(rows, count, s.inputs, x, w, false, y, s.units);
    if (count == s.units)
        knn__activate_rows(activation_of(step), bias, y, rows, count);
    else
        for (size_t row = 0; row < rows; row++)
            knn__activate_rows(activation_of(step), bias == NULL ? NULL : bias + from, y + row * s.units, 1, count);
}

static void forward(const knn_step *step, knn_part part)
{
    size_t units = sizes_of(step).units, most = units_a_product(step);
    long first, last;
    knn__share((long)((units + most - 1) / most), part.piece, part.pieces, &first, &last);
    for (size_t from = (size_t)first * most; from < (size_t)last * most && from < units; from += most)
        make_units(step, part, from, units - from < most ? units - from : most);
}

/* The saved blocks are aligned, so dz has gaps between images: those of one position are the rows of one matrix nevertheless, others
 * are a matrix for each image. */
static int images_a_product(const knn_step *step, int images) { return sizes_of(step).positions == 1 ? images : 1; }

static knn__matrix gradient_of(const knn_step *step, int image)
{
    sizes s = sizes_of(step);
    return (knn__matrix){knn__saved(step, image), s.positions == 1 ? step->saved_stride / sizeof(float) : s.units, false};
}

static void backward(const knn_step *step, knn_part part)
{
    sizes s = sizes_of(step);
    knn_activation activation = activation_of(step);
    for (int image = part.first; image < part.last; image++) {
        const float *dy = knn__image(&step->dy, image, part.slice);
        if (activation == KNN_LINEAR)
            memcpy(knn__saved(step, image), dy, step->y.length * sizeof *dy);
        else
            knn__activate_backward(activation, knn__image(&step->y, image, part.slice), dy, knn__saved(step, image), step->y.length);
    }
    if (step->dx.data == NULL)
        return;
    int images = images_a_product(step, part.last - part.first);
    knn__matrix transposed_w = {knn__weight(step, 0, KNN_KERNEL), s.units, true};
    for (int image = part.first; image < part.last; image += images)
        knn__gemm((size_t)images * s.positions, s.inputs, s.units, gradient_of(step, image), transposed_w, false,
                  knn__image(&step->dx, image, part.slice), s.inputs);
}

static void finish_kernel(const knn_step *step, float *dw, int slice)
{
    sizes s = sizes_of(step);
    int images = images_a_product(step, step->run->images);
    long first, last;                       /* rows of W: inputs */
    knn__share((long)s.inputs, slice, step->request.slices, &first, &last);
    for (int image = 0; image < step->run->images && first < last; image += images) {
        knn__matrix transposed_x = {knn__image(&step->x, image, 0) + first, s.inputs, true};
        knn__gemm((size_t)(last - first), s.units, (size_t)images * s.positions, transposed_x, gradient_of(step, image), image > 0,
                  dw + (size_t)first * s.units, s.units);
    }
}

static void finish_bias(const knn_step *step, float *db, int slice)
{
    sizes s = sizes_of(step);
    long first, last;
    knn__share((long)s.units, slice, step->request.slices, &first, &last);
    memset(db + first, 0, (size_t)(last - first) * sizeof *db);
    for (int image = 0; image < step->run->images; image++) {
        const float *dz = knn__saved(step, image);
        for (size_t p = 0; p < s.positions; p++, dz += s.units)
            for (long u = first; u < last; u++)
                db[u] += dz[u];
    }
}

static void finish(const knn_step *step, int slice)
{
    float *dw = knn__gradient(step, 0, KNN_KERNEL), *db = knn__gradient(step, 0, KNN_BIAS);
    if (dw != NULL)
        finish_kernel(step, dw, slice);
    if (db != NULL)
        finish_bias(step, db, slice);
}

const knn_kernel KNN_ISA_NAME(knn__dense) = {
    .name = "dense, gemm, " KNN_ISA_TEXT,
    .ops = {KNN_OP_DENSE}, .covers = covers, .measure = measure, .forward = forward, .backward = backward, .finish = finish,
};
