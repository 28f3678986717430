/* The kernel files of this folder are compiled once for each instruction set (CMake sets KNN_ISA and the flags): names get its suffix.
 * Files that are compiled once (backend.c, blas.c) include this only for the declarations at the end. */
#ifndef KNN_BACKEND_CPU_ISA_H
#define KNN_BACKEND_CPU_ISA_H

#include "backend/backend.h"

#define KNN__PASTE_(a, b) a##_##b
#define KNN__PASTE(a, b) KNN__PASTE_(a, b)
#define KNN__QUOTE_(a) #a
#define KNN__QUOTE(a) KNN__QUOTE_(a)

#ifdef KNN_ISA
#define KNN_ISA_NAME(name) KNN__PASTE(name, KNN_ISA)            /* knn__kernels -> knn__kernels_avx2 */
#define KNN_ISA_TEXT KNN__QUOTE(KNN_ISA)                        /* "avx2" */

/* Each kernel file defines knn_kernel objects named KNN_ISA_NAME(knn__..), declared below and listed in kernels.c. */
extern const knn_kernel KNN_ISA_NAME(knn__conv2d_im2col), KNN_ISA_NAME(knn__conv2d_folded_im2col), KNN_ISA_NAME(knn__dense),
    KNN_ISA_NAME(knn__dense_narrow), KNN_ISA_NAME(knn__max_pooling2d), KNN_ISA_NAME(knn__average_pooling2d),
    KNN_ISA_NAME(knn__activation), KNN_ISA_NAME(knn__softmax), KNN_ISA_NAME(knn__dropout), KNN_ISA_NAME(knn__rescaling),
    KNN_ISA_NAME(knn__zero_padding2d), KNN_ISA_NAME(knn__batch_normalization), KNN_ISA_NAME(knn__conv_pool_winograd),
    KNN_ISA_NAME(knn__conv_pool_direct), KNN_ISA_NAME(knn__conv_winograd), KNN_ISA_NAME(knn__conv_direct),
    KNN_ISA_NAME(knn__conv_depthwise), KNN_ISA_NAME(knn__conv2d_transpose), KNN_ISA_NAME(knn__up_sampling);
extern const knn_kernel KNN_ISA_NAME(knn__rectifiers), KNN_ISA_NAME(knn__prelu), KNN_ISA_NAME(knn__gaussian),
    KNN_ISA_NAME(knn__group_normalization), KNN_ISA_NAME(knn__normalization);
#endif

/* What kernels.c and optimizer.c make for each instruction set. */
#define KNN__DECLARE_ISA(isa) \
    extern const knn_kernel *const knn__kernels_##isa[]; \
    void knn__update_##isa(const knn__update_call *call, size_t first, size_t last);
KNN__DECLARE_ISA(baseline)
KNN__DECLARE_ISA(avx2)
KNN__DECLARE_ISA(avx512)

#endif
