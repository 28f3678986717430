/* The version, and what this build and this machine consist of. Decides nothing by it. */
#include <knn/version.h>

#include "backend/backend.h"
#include "backend/cpu/blas.h"
#include "core/parallel.h"
#include "data/image.h"
#include "keras/hdf5.h"

#define QUOTE_(text) #text
#define QUOTE(text) QUOTE_(text)
#define VERSION QUOTE(KNN_VERSION_MAJOR) "." QUOTE(KNN_VERSION_MINOR) "." QUOTE(KNN_VERSION_PATCH)

#ifdef KNN_HAVE_CUDA
#define CUDA "CUDA " KNN_HAVE_CUDA " (checked by emulation, never run on a GPU)"
#else
#define CUDA "no CUDA"
#endif

const char *knn_version(void)
{
    return VERSION;
}

const char *knn_build_info(void)
{
    static _Thread_local char text[320];
    char blas[96], decoders[64], hdf5[32];

    knn__blas_describe(blas, sizeof blas);
    knn__describe_decoders(decoders, sizeof decoders);
    knn__h5_describe(hdf5, sizeof hdf5);
    snprintf(text, sizeof text, VERSION " %s, %s, %s, %s, %s, " CUDA, knn__cpu_backend.instruction_set(), blas, knn__parallel_kind(),
             decoders, hdf5);
    return text;
}
