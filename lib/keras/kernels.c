/* Brings convolution kernels of Keras 0 and 1, and of Keras on Theano, to the order of today. Does not decide which ones: see weights.c. */
#include "keras/kernels.h"

#include "core/memory.h"

#include <string.h>

/* rows, columns, in, out */
typedef struct kernel_size { int of[4]; } kernel_size;

static kernel_size size_of(const knn__weight_spec *spec)
{
    const int *s = spec->shape;
    return spec->rank == 4 ? (kernel_size){{s[0], s[1], s[2], s[3]}} : (kernel_size){{s[0], 1, s[1], s[2]}};
}

bool knn__is_kernel(const knn__weight_spec *spec)
{
    return spec->rank >= 3 && strcmp(spec->name, "kernel") == 0;
}

bool knn__kernel_fits(const knn__weight_spec *spec, const knn__h5_shape *shape, bool filters_first)
{
    const kernel_size size = size_of(spec), first = {{size.of[3], size.of[2], size.of[0], size.of[1]}};
    return shape->rank == 4 && memcmp(shape->size, filters_first ? first.of : size.of, sizeof size.of) == 0;
}

knn_status knn__kernel_reorder(const knn__weight_spec *spec, float *kernel)
{
    const kernel_size size = size_of(spec);
    size_t cells = (size_t)size.of[0] * (size_t)size.of[1], in = (size_t)size.of[2], out = (size_t)size.of[3], next = 0;
    float *old = knn__alloc(cells * in * out, sizeof *old);

    if (old == NULL)
        return KNN_ERROR_MEMORY;
    memcpy(old, kernel, cells * in * out * sizeof *old);
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++)
            for (size_t cell = 0; cell < cells; cell++)
                kernel[(cell * in + i) * out + o] = old[next++];
    knn__free(old);
    return KNN_OK;
}

void knn__kernel_flip(const knn__weight_spec *spec, float *kernel)
{
    const kernel_size size = size_of(spec);
    size_t cells = (size_t)size.of[0] * (size_t)size.of[1], length = (size_t)size.of[2] * (size_t)size.of[3];

    for (size_t cell = 0; cell < cells / 2; cell++)         /* the cells in reverse order, each kept as it is */
        for (size_t i = 0; i < length; i++) {
            float *a = &kernel[cell * length + i], *b = &kernel[(cells - 1 - cell) * length + i], kept = *a;
            *a = *b;
            *b = kept;
        }
}
