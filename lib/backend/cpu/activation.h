/* Elementwise activations over arrays, for the kernels that fuse them. Softmax, which is not, is in softmax.c. */
#ifndef KNN_BACKEND_CPU_ACTIVATION_H
#define KNN_BACKEND_CPU_ACTIVATION_H

#include "backend/activations.h"
#include "backend/cpu/isa.h"

#define knn__activate KNN_ISA_NAME(knn__activate)
#define knn__activate_backward KNN_ISA_NAME(knn__activate_backward)
#define knn__activate_rows KNN_ISA_NAME(knn__activate_rows)

/* The activation that nodes[1] is, if a kernel of nodes[0] can apply it to its output in place; KNN_LINEAR: there is none. */
static inline knn_activation knn__fused_activation(const knn_node *nodes, int count)
{
    return count > 1 && nodes[1].op == KNN_OP_ACTIVATION && knn__slope_from_output(nodes[1].activation) ? nodes[1].activation : KNN_LINEAR;
}

/* y[0..n) = f(x[0..n)); y may be x. */
void knn__activate(knn_activation f, const float *x, float *y, size_t n);

/* dx[0..n) = dy[0..n) times f's slope; `kept` is y where knn__slope_from_output, else x. dx may be dy. */
void knn__activate_backward(knn_activation f, const float *kept, const float *dy, float *dx, size_t n);

/* y[rows][columns] = f(y + bias) while the rows are in cache; bias NULL: none. */
void knn__activate_rows(knn_activation f, const float *bias, float *y, size_t rows, size_t columns);

#endif
