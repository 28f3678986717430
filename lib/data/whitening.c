/* ZCA whitening as Keras' ImageDataGenerator does it. With the centred samples as rows of X, n of them, and X' X = U diag(s^2) U':
 * matrix = U diag(sqrt(n) / (s + epsilon)) U', over the largest min(n, length) singular values s. */
#include "data/whitening.h"

#include "core/memory.h"
#include "core/parallel.h"
#include "core/status.h"
#include "data/eigen.h"

#include <math.h>
#include <string.h>

enum { SLICES = 64, ROWS = 8 };

/* ---- Sums ---- */

knn_status knn__products_open(knn__products *p, size_t length)
{
    *p = (knn__products){.length = length};
    if (length > KNN__WHITENING_LIMIT)
        return knn__fail(KNN_ERROR_SHAPE, "zca_whitening: samples of %zu numbers, expected at most %d", length, KNN__WHITENING_LIMIT);
    p->sums = knn__alloc(length, sizeof *p->sums);
    p->products = knn__alloc(length * length, sizeof *p->products);
    return p->sums != NULL && p->products != NULL ? KNN_OK : KNN_ERROR_MEMORY;
}

void knn__products_close(knn__products *p)
{
    knn__free(p->sums);
    knn__free(p->products);
    *p = (knn__products){0};
}

typedef struct addition { knn__products *to; const float *x; int samples; } addition;

/* Rows slice, slice + SLICES, ..: they are of different lengths. */
static void add_rows(int slice, void *context)
{
    const addition *a = context;
    size_t length = a->to->length;
    for (size_t i = (size_t)slice; i < length; i += SLICES)
        for (int s = 0; s < a->samples; s++) {
            const float *x = a->x + (size_t)s * length;
            double *row = a->to->products + i * length, factor = (double)x[i];
            a->to->sums[i] += factor;
            for (size_t j = 0; j <= i; j++)
                row[j] += factor * (double)x[j];
        }
}

void knn__products_add(knn__products *p, const float *x, int samples, int threads)
{
    addition a = {p, x, samples};
    knn__parallel(SLICES, threads, add_rows, &a);
    p->samples += (size_t)samples;
}

/* ---- The matrix ---- */

/* Products of the numbers less their means, both halves of them. */
static void centre(knn__products *p, const double *mean, int channels)
{
    size_t n = p->length;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double a = mean[i % (size_t)channels], b = mean[j % (size_t)channels], *cell = &p->products[i * n + j];
            *cell += (double)p->samples * a * b - a * p->sums[j] - b * p->sums[i];
            p->products[j * n + i] = *cell;
        }
}

/* How many of the values come before values[k], the largest first. */
static size_t rank_of(const double *values, size_t n, size_t k)
{
    size_t rank = 0;
    for (size_t i = 0; i < n; i++)
        rank += values[i] > values[k] || (values[i] == values[k] && i < k);
    return rank;
}

/* Each eigenvector by the square root of its factor, or 0. */
static void scale_vectors(knn__products *p, const double *values, double epsilon)
{
    size_t n = p->length;
    for (size_t k = 0; k < n; k++) {
        double singular = sqrt(values[k] > 0 ? values[k] : 0), *row = p->products + k * n;
        double factor = rank_of(values, n, k) < p->samples ? sqrt(sqrt((double)p->samples) / (singular + epsilon)) : 0;
        for (size_t i = 0; i < n; i++)
            row[i] *= factor;
    }
}

typedef struct square { const double *b; size_t n; double *rows; float *matrix; } square;

/* Rows of b' b, ROWS of them at a time. */
static void square_rows(int slice, void *context)
{
    const square *s = context;
    long first, last;
    double *rows = s->rows + (size_t)slice * ROWS * s->n;
    knn__share((long)s->n, slice, SLICES, &first, &last);
    for (long i = first; i < last; i += ROWS) {
        int count = last - i < ROWS ? (int)(last - i) : ROWS;
        memset(rows, 0, ROWS * s->n * sizeof *rows);
        for (size_t k = 0; k < s->n; k++)
            for (int r = 0; r < count; r++) {
                const double *b = s->b + k * s->n;
                double *row = rows + (size_t)r * s->n, factor = b[i + r];
                for (size_t j = 0; j < s->n; j++)
                    row[j] += factor * b[j];
            }
        for (size_t j = 0; j < (size_t)count * s->n; j++)
            s->matrix[(size_t)i * s->n + j] = (float)rows[j];
    }
}

knn_status knn__whitening_matrix(knn__products *p, const double *mean, int channels, double epsilon, int threads, float *matrix)
{
    size_t n = p->length;
    double *values = knn__alloc(4 * n, sizeof *values), *rows = knn__alloc(SLICES * ROWS * n, sizeof *rows);
    knn_status status = values != NULL && rows != NULL ? KNN_OK : KNN_ERROR_MEMORY;

    if (status == KNN_OK) {
        centre(p, mean, channels);
        if (!knn__eigen(n, p->products, values, values + n, threads))
            status = knn__fail(KNN_ERROR_DATA, "zca_whitening: samples with numbers that are not finite");
    }
    if (status == KNN_OK) {
        scale_vectors(p, values, epsilon);
        knn__parallel(SLICES, threads, square_rows, &(square){p->products, n, rows, matrix});
    }
    knn__free(values);
    knn__free(rows);
    return status;
}

/* ---- A sample ---- */

void knn__whiten(const float *matrix, float *x, size_t length)
{
    float y[KNN__WHITENING_LIMIT];

    memset(y, 0, length * sizeof *y);
    for (size_t i = 0; i < length; i++)
        for (size_t j = 0; j < length; j++)
            y[j] += x[i] * matrix[i * length + j];
    memcpy(x, y, length * sizeof *y);
}
