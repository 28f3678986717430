/* Elementwise activations over arrays. ReLU and its like, which most nets use, are vector loops; the others call the C library. The formulas
 * are backend/activations.h's. Does not know where the arrays come from. */
#include "backend/cpu/activation.h"

void knn__activate(knn_activation f, const float *x, float *y, size_t n)
{
    if (f == KNN_RELU)
        for (size_t i = 0; i < n; i++)
            y[i] = knn__relu(x[i]);
    else if (f == KNN_RELU6)
        for (size_t i = 0; i < n; i++)
            y[i] = knn__activation_value(KNN_RELU6, x[i]);
    else if (f == KNN_LEAKY_RELU)
        for (size_t i = 0; i < n; i++)
            y[i] = knn__activation_value(KNN_LEAKY_RELU, x[i]);
    else
        for (size_t i = 0; i < n; i++)
            y[i] = knn__activation_value(f, x[i]);
}

void knn__activate_backward(knn_activation f, const float *kept, const float *dy, float *dx, size_t n)
{
    if (f == KNN_RELU)
        for (size_t i = 0; i < n; i++)
            dx[i] = kept[i] > 0 ? dy[i] : 0;
    else if (f == KNN_RELU6)
        for (size_t i = 0; i < n; i++)
            dx[i] = dy[i] * knn__activation_slope(KNN_RELU6, kept[i]);
    else if (f == KNN_LEAKY_RELU)
        for (size_t i = 0; i < n; i++)
            dx[i] = dy[i] * knn__activation_slope(KNN_LEAKY_RELU, kept[i]);
    else
        for (size_t i = 0; i < n; i++)
            dx[i] = dy[i] * knn__activation_slope(f, kept[i]);
}

void knn__activate_rows(knn_activation f, const float *bias, float *y, size_t rows, size_t columns)
{
    for (size_t row = 0; row < rows; row++, y += columns) {
        if (bias != NULL && f == KNN_RELU) {
            for (size_t i = 0; i < columns; i++)
                y[i] = knn__relu(y[i] + bias[i]);
            continue;
        }
        if (bias != NULL)
            for (size_t i = 0; i < columns; i++)
                y[i] += bias[i];
        if (f != KNN_LINEAR)
            knn__activate(f, y, y, columns);
    }
}
