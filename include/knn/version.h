/* knn/version.h: the version of these headers, and of the library that runs. */
#ifndef KNN_VERSION_H
#define KNN_VERSION_H

#include <knn/base.h>

#define KNN_VERSION_MAJOR 0
#define KNN_VERSION_MINOR 1
#define KNN_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* The running library's version, "0.1.0". */
KNN_API const char *knn_version(void);

/* What the running library is made of, one line: version, instruction set in use, BLAS, decoders, HDF5, CUDA. E.g.
 * "0.1.0 avx2, OpenBLAS 0.3.21 Haswell pthread, openmp, libjpeg-turbo 2.1.5, stb_image, HDF5 1.10.8, no CUDA".
 * Numbers are the same bits on the same machine, build and seed; between lines that differ here only tolerances hold. */
KNN_API const char *knn_build_info(void);

#ifdef __cplusplus
}
#endif
#endif
