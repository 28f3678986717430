/* planted.cu as C sees it: kernels with room for mistakes. */
#ifndef TESTS_CUDA_PLANTED_H
#define TESTS_CUDA_PLANTED_H

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* to[i] = i for i in [0, n). */
cudaError_t planted_fill(cudaStream_t stream, float *to, unsigned n);
cudaError_t planted_fill_neighbour(cudaStream_t stream, float *to, unsigned n);        /* right in ascending order only */
cudaError_t planted_large_block(cudaStream_t stream, float *to, unsigned threads);

/* to[i] = first + i + 1, the last one `first`, in one block. */
cudaError_t planted_rotate(cudaStream_t stream, float *to, unsigned threads, unsigned first);
cudaError_t planted_rotate_without_barrier(cudaStream_t stream, float *to, unsigned threads, unsigned first);
cudaError_t planted_rotate_by_some(cudaStream_t stream, float *to, unsigned threads, unsigned first);          /* the last one does not wait */
cudaError_t planted_rotate_too_far(cudaStream_t stream, float *to, unsigned threads, unsigned first);          /* beyond what is shared */

cudaError_t planted_share_by_two(cudaStream_t stream, float *to, unsigned threads, unsigned first);            /* two threads write one number */
cudaError_t planted_add(cudaStream_t stream, float *to, unsigned threads, unsigned first);                     /* to[i] += first */
cudaError_t planted_rotate_in_place(cudaStream_t stream, float *to, unsigned threads, unsigned first);         /* lacks a second barrier */
cudaError_t planted_rotate_into_another(cudaStream_t stream, float *to, unsigned threads, unsigned first);     /* the next array that is shared */
cudaError_t planted_fill_by_all_blocks(cudaStream_t stream, float *to, unsigned threads, unsigned first);      /* the same numbers */
cudaError_t planted_fill_by_four(cudaStream_t stream, float *to, unsigned threads, unsigned first);            /* `first` numbers too late */
cudaError_t planted_fill_through_struct(cudaStream_t stream, float *to, unsigned threads, unsigned first);
cudaError_t planted_fill_from(cudaStream_t stream, float *to, unsigned threads, unsigned first);               /* to[first + i] = 1 */

/* In the sectors and banks of memory: a row of numbers, a column of 32, four behind one another for each thread; a column of what a block shares. */
cudaError_t planted_write_row(cudaStream_t stream, float *to, unsigned threads, unsigned first);
cudaError_t planted_write_column(cudaStream_t stream, float *to, unsigned threads, unsigned first);
cudaError_t planted_write_fours(cudaStream_t stream, float *to, unsigned threads, unsigned first);
cudaError_t planted_write_tile(cudaStream_t stream, float *to, unsigned threads, unsigned first);
cudaError_t planted_write_padded_tile(cudaStream_t stream, float *to, unsigned threads, unsigned first);

#ifdef __cplusplus
}
#endif

#endif
