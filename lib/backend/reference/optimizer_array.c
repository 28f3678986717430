/* One step of the optimizers that look at a whole weight array: Lamb and Adafactor, with Keras 3's formulas.
 * Those that go element by element are in optimizer.c. */
#include "backend/reference/reference.h"

#include <math.h>

/* The weights after their decay; returns the sum of their squares. */
static double decay(const knn__update_call *call, size_t first, size_t last)
{
    double sum = 0;
    for (size_t i = first; i < last; i++) {
        call->weights[i] = (knn_real)(call->weights[i] - call->weights[i] * call->decay);
        sum += (double)call->weights[i] * call->weights[i];
    }
    return sum;
}

/* ---- Lamb ---- */

static void lamb(const knn__update_call *call, size_t first, size_t last)
{
    double weights = decay(call, first, last), steps = 0;
    double fresh_1 = knn__fresh_share(call->beta_1, call->step), fresh_2 = knn__fresh_share(call->beta_2, call->step);
    knn_real *momentum = call->slot[0], *velocity = call->slot[1];
    for (size_t i = first; i < last; i++) {
        double g = call->gradients[i];
        momentum[i] += (knn_real)((g - momentum[i]) * (1 - call->beta_1));
        velocity[i] += (knn_real)((g * g - velocity[i]) * (1 - call->beta_2));
        double step = momentum[i] / fresh_1 / (sqrt(velocity[i] / fresh_2) + call->epsilon);
        steps += step * step;
    }
    double rate = call->rate * (weights > 0 && steps > 0 ? sqrt(weights / steps) : 1);
    for (size_t i = first; i < last; i++) {
        double step = momentum[i] / fresh_1 / (sqrt(velocity[i] / fresh_2) + call->epsilon);
        call->weights[i] = (knn_real)(call->weights[i] - rate * step);
    }
}

/* ---- Adafactor ---- */

/* A weight array as matrices of rows x columns, one behind another; a vector is one of 1 x columns. */
typedef struct factors {
    const knn__update_call *call;
    const knn_real *gradients;
    knn_real *weights, *velocity, *columns_mean;
    size_t matrices, rows, columns;
    double kept;                            /* share of a mean that stays */
} factors;

static void keep(const factors *f, knn_real *mean, double value) { *mean = (knn_real)(f->kept * *mean + (1 - f->kept) * value); }

static double squared(const factors *f, size_t i) { return (double)f->gradients[i] * f->gradients[i] + f->call->epsilon; }

/* velocity: one mean a row, over its columns; columns_mean: one a column, over the rows. Of a vector the velocity is one an element. */
static void keep_means(const factors *f, size_t matrix)
{
    size_t rows = f->rows, columns = f->columns, begin = matrix * rows * columns;
    for (size_t row = 0; row < rows; row++) {
        double sum = 0;
        for (size_t column = 0; column < columns; column++)
            sum += squared(f, begin + row * columns + column);
        keep(f, &f->velocity[matrix * rows + row], sum / (double)columns);
    }
    for (size_t column = 0; column < columns; column++) {
        double sum = 0;
        for (size_t row = 0; row < rows; row++)
            sum += squared(f, begin + row * columns + column);
        keep(f, &f->columns_mean[matrix * columns + column], sum / (double)rows);
    }
}

static double mean_of_rows(const factors *f, size_t matrix)
{
    double sum = 0;
    for (size_t row = 0; row < f->rows; row++)
        sum += f->velocity[matrix * f->rows + row];
    return sum / (double)f->rows;
}

/* scale 0: the sum of the squared steps g / sqrt(v); else takes scale times the steps from the weights. */
static double walk(const factors *f, double scale)
{
    bool vector = f->call->rows == 0;
    double squares = 0;
    for (size_t matrix = 0; matrix < f->matrices; matrix++) {
        double mean = vector ? 1 : mean_of_rows(f, matrix);
        for (size_t i = 0; i < f->rows * f->columns; i++) {
            size_t at = matrix * f->rows * f->columns + i;
            double v = vector ? (double)f->velocity[i]
                              : f->velocity[matrix * f->rows + i / f->columns] / mean *
                                    f->columns_mean[matrix * f->columns + i % f->columns];
            double step = f->gradients[at] / sqrt(v);
            squares += step * step;
            f->weights[at] = (knn_real)(f->weights[at] - scale * step);
        }
    }
    return squares;
}

static void adafactor(const knn__update_call *call, size_t first, size_t last)
{
    double t = (double)call->step, count = (double)(last - first), weights = decay(call, first, last);
    size_t rows = call->rows > 0 ? (size_t)call->rows : 1, columns = call->rows > 0 ? (size_t)call->columns : last - first;
    const factors f = {.call = call, .gradients = call->gradients + first, .weights = call->weights + first,
        .velocity = call->slot[0] + first, .columns_mean = call->slot[1] + first, .matrices = (last - first) / (rows * columns),
        .rows = rows, .columns = columns, .kept = 1 - pow(t, call->beta_2_decay)};
    for (size_t matrix = 0; call->rows > 0 && matrix < f.matrices; matrix++)
        keep_means(&f, matrix);
    for (size_t i = 0; call->rows == 0 && i < columns; i++)
        keep(&f, &f.velocity[i], squared(&f, i));

    double scale = fmax(call->epsilon_2, sqrt(weights / count)) * fmin(call->rate, 1 / sqrt(t));
    walk(&f, scale / fmax(1, sqrt(walk(&f, 0) / count) / call->clip_threshold));
}

void knn__reference_update_array(const knn__update_call *call, size_t first, size_t last)
{
    (call->op == KNN_UPDATE_LAMB ? lamb : adafactor)(call, first, last);
}
