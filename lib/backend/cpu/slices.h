/* Sums for gradients: over rows, and, for `finish`, over the slices of a batch: each has added up its images in its partial block; here the
 * blocks are added. */
#ifndef KNN_BACKEND_CPU_SLICES_H
#define KNN_BACKEND_CPU_SLICES_H

#include "backend/kernel.h"
#include "core/parallel.h"

/* gradient[0..length) = the sum, in the order of the slices, of what lies in their partial blocks from the first-th float on: this
 * slice's share of it. A NULL gradient (no such weight, or a frozen one) is fine. */
static inline void knn__sum_slices(const knn_step *step, size_t first, float *gradient, size_t length, int slice)
{
    if (gradient == NULL)
        return;
    long begin, end;
    knn__share((long)length, slice, step->request.slices, &begin, &end);
    for (int s = 0; s < step->request.slices; s++) {
        const float *partial = (const float *)knn__partial(step, s) + first;
        for (long i = begin; i < end; i++)
            gradient[i] = s == 0 ? partial[i] : gradient[i] + partial[i];
    }
}

/* sums[columns] += each of the rows: a bias' gradient. */
static inline void knn__sum_rows(const float *restrict rows, size_t count, size_t columns, float *restrict sums)
{
    for (size_t row = 0; row < count; row++, rows += columns)
        for (size_t i = 0; i < columns; i++)
            sums[i] += rows[i];
}

#endif
