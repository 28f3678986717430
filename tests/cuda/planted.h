/* planted.cu as C sees it: to[i] = i for i in [0, n), with room for mistakes. */
#ifndef TESTS_CUDA_PLANTED_H
#define TESTS_CUDA_PLANTED_H

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

cudaError_t planted_fill(cudaStream_t stream, float *to, unsigned n);
cudaError_t planted_fill_neighbour(cudaStream_t stream, float *to, unsigned n);        /* right in ascending order only */
cudaError_t planted_large_block(cudaStream_t stream, float *to, unsigned threads);

#ifdef __cplusplus
}
#endif

#endif
