/* ZCA whitening: the products of numbers of samples, the matrix that they give, and whitening a sample by it. Knows no data set. */
#ifndef KNN_DATA_WHITENING_H
#define KNN_DATA_WHITENING_H

#include <knn/status.h>

#include <stddef.h>

enum { KNN__WHITENING_LIMIT = 4096 };       /* numbers of a sample */

/* Sums over samples; zero-initialised is closed. */
typedef struct knn__products {
    size_t length, samples;
    double *sums, *products;                /* [length]; [length][length], on and below the diagonal */
} knn__products;

knn_status knn__products_open(knn__products *p, size_t length);
void       knn__products_close(knn__products *p);
void       knn__products_add(knn__products *p, const float *x, int samples, int threads);       /* x[samples][length] */

/* Keras' matrix[length][length] of the samples less mean[i % channels]; uses the products up. */
knn_status knn__whitening_matrix(knn__products *p, const double *mean, int channels, double epsilon, int threads, float *matrix);

/* x = x' matrix */
void knn__whiten(const float *matrix, float *x, size_t length);

#endif
