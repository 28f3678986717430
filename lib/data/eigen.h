/* Eigenvalues and eigenvectors of a symmetric matrix in double. Knows nothing of what it is for. */
#ifndef KNN_DATA_EIGEN_H
#define KNN_DATA_EIGEN_H

#include <stdbool.h>
#include <stddef.h>

/* a[n][n] is symmetric; afterwards its row k is the eigenvector of length 1 of values[k], in no order. scratch: 3 n numbers. False: no
 * convergence, or numbers that are not finite. */
bool knn__eigen(size_t n, double *a, double *values, double *scratch, int threads);

#endif
