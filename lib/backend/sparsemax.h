/* Sparsemax (Martins and Astudillo 2016) of a row, for host and GPU, as Keras 3.15 has it on all its backends: its threshold sums the partial
 * sums of the sorted support instead of the support. Only where that is a single number both are the same, and the outputs sum to 1. */
#ifndef KNN_BACKEND_SPARSEMAX_H
#define KNN_BACKEND_SPARSEMAX_H

#include "backend/kernel.h"
#include "core/everywhere.h"

#include <math.h>

/* A row is `length` numbers, `step` apart. */
typedef struct knn__row { int length, step; } knn__row;

typedef struct knn__support { double above; int count; } knn__support;         /* the numbers above `above` */

/* It shrinks from all numbers until none of it lies below its own threshold (Michelot 1986), which needs no sorting. */
KNN_EVERYWHERE knn__support knn__support_of(const knn_real *x, knn__row r)
{
    knn__support s = {-INFINITY, r.length + 1};
    int before;
    do {
        double sum = 0, above = s.above;
        before = s.count;
        s.count = 0;
        for (int i = 0; i < r.length; i++)
            if ((double)x[i * r.step] > above) {
                sum += (double)x[i * r.step];
                s.count++;
            }
        s.above = s.count < before ? (sum - 1) / s.count : above;
    } while (s.count < before);
    return s;
}

/* How many partial sums number i of the support is in: those of itself and of all that are sorted behind it. 0: not in the support. */
KNN_EVERYWHERE int knn__partial_sums(const knn_real *x, knn__row r, knn__support s, int i)
{
    int count = 0;
    for (int j = 0; j < r.length && (double)x[i * r.step] > s.above; j++)
        count += (double)x[j * r.step] > s.above && (x[j * r.step] < x[i * r.step] || (x[j * r.step] == x[i * r.step] && j >= i));
    return count;
}

KNN_EVERYWHERE double knn__sparsemax_threshold(const knn_real *x, knn__row r)
{
    knn__support s = knn__support_of(x, r);
    double sum = 0;
    for (int i = 0; i < r.length; i++)
        sum += knn__partial_sums(x, r, s, i) * (double)x[i * r.step];
    return (sum - 1) / s.count;
}

/* The threshold's gradient reaches all of the support, whatever of it is cut off. */
KNN_EVERYWHERE void knn__sparsemax_backward(const knn_real *x, const knn_real *y, const knn_real *dy, knn_real *dx, knn__row r)
{
    knn__support s = knn__support_of(x, r);
    double sum = 0;
    for (int i = 0; i < r.length; i++)
        sum += y[i * r.step] > 0 ? (double)dy[i * r.step] : 0;
    for (int i = 0; i < r.length; i++) {
        double own = y[i * r.step] > 0 ? (double)dy[i * r.step] : 0;
        dx[i * r.step] = (knn_real)(own - sum * knn__partial_sums(x, r, s, i) / s.count);
    }
}

#endif
