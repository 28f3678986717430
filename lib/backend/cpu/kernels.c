/* The kernels of one instruction set, fastest first: the plan takes the first one that covers the next nodes. */
#include "backend/cpu/isa.h"

const knn_kernel *const KNN_ISA_NAME(knn__kernels)[] = {
    &KNN_ISA_NAME(knn__conv_depthwise),
    &KNN_ISA_NAME(knn__conv_pool_winograd),
    &KNN_ISA_NAME(knn__conv_pool_direct),
    &KNN_ISA_NAME(knn__conv_winograd),
    &KNN_ISA_NAME(knn__conv_direct),
    &KNN_ISA_NAME(knn__conv2d_folded_im2col),
    &KNN_ISA_NAME(knn__conv2d_im2col),
    &KNN_ISA_NAME(knn__conv2d_transpose),
    &KNN_ISA_NAME(knn__dense_narrow),
    &KNN_ISA_NAME(knn__dense),
    &KNN_ISA_NAME(knn__max_pooling2d),
    &KNN_ISA_NAME(knn__average_pooling2d),
    &KNN_ISA_NAME(knn__batch_normalization),
    &KNN_ISA_NAME(knn__activation),
    &KNN_ISA_NAME(knn__softmax),
    &KNN_ISA_NAME(knn__dropout),
    &KNN_ISA_NAME(knn__rescaling),
    &KNN_ISA_NAME(knn__rectifiers),
    &KNN_ISA_NAME(knn__prelu),
    &KNN_ISA_NAME(knn__gaussian),
    &KNN_ISA_NAME(knn__group_normalization),
    &KNN_ISA_NAME(knn__normalization),
    &KNN_ISA_NAME(knn__zero_padding2d),
    &KNN_ISA_NAME(knn__up_sampling),
    NULL
};
