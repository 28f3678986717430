/* Embedding: each number of the input is a row of the table; what is no row of it gives zeros. The only kernel of this operation, on the CPU,
 * too: it copies rows. */
#include "backend/reference/reference.h"

#include <string.h>

static size_t table_length(const knn_step *step) { return step->nodes[0].weight[KNN_KERNEL].length; }
static size_t width_of(const knn_step *step) { return (size_t)step->nodes[0].out.channels; }

static void measure(const knn_step *step, knn_needs *needs)
{
    needs->input = step->request.training;
    needs->partial = table_length(step) * sizeof(double);
}

/* Where the row of a number begins, which is cut to an integer as Keras casts it; -1: there is none (NaN included). */
static long row_of(const knn_step *step, knn_real number)
{
    size_t width = width_of(step);
    knn_real rows = (knn_real)(table_length(step) / width);
    return number > -1 && number < rows ? (long)number * (long)width : -1;
}

static void forward(const knn_step *step, knn_part part)
{
    const knn_real *table = knn__weight(step, 0, KNN_KERNEL);
    size_t width = width_of(step);
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice);
        knn_real *y = knn__image(&step->y, image, part.slice);
        for (size_t i = 0; i < step->x.length; i++, y += width) {
            long row = row_of(step, x[i]);
            if (row < 0)
                memset(y, 0, width * sizeof *y);
            else
                memcpy(y, table + row, width * sizeof *y);
        }
    }
}

/* The rows' gradients add up; there is none towards class numbers. */
static void backward(const knn_step *step, knn_part part)
{
    double *gradient = knn__partial(step, part.slice);
    size_t width = width_of(step);
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice), *dy = knn__image(&step->dy, image, part.slice);
        for (size_t i = 0; i < step->x.length; i++, dy += width) {
            long row = row_of(step, x[i]);
            for (size_t c = 0; c < width && row >= 0; c++)
                gradient[(size_t)row + c] += dy[c];
        }
        if (step->dx.data != NULL)
            memset(knn__image(&step->dx, image, part.slice), 0, step->dx.length * sizeof(knn_real));
    }
}

static void finish(const knn_step *step, int slice)
{
    knn__reference_add_slices(step, 0, knn__gradient(step, 0, KNN_KERNEL), table_length(step), slice);
}

const knn_kernel knn__reference_embedding = {
    .name = "embedding, reference",
    .ops = {KNN_OP_EMBEDDING}, .measure = measure, .forward = forward, .backward = backward, .finish = finish,
};
