/* The running maximum of a 2x2 window with its position, in registers: what the fused kernels put behind a convolution. Touches no memory.
 *
 * What is kept for the backward pass is one byte a pooled value: 0..3 = row * 2 + column of the largest in its window, DEAD = no gradient. */
#ifndef KNN_BACKEND_CPU_POOL2X2_H
#define KNN_BACKEND_CPU_POOL2X2_H

#include "backend/cpu/simd.h"

enum { DEAD = 4 };

typedef struct window { vec value; ivec position; } window;

INLINE window window_begin(vec a) { return (window){a, all_integers(0)}; }

INLINE window window_add(window w, vec a, int position, const int training)
{
    if (training)
        w.position = choose_integers(greater(a, w.value), all_integers(position), w.position);
    w.value = maximum(w.value, a);
    return w;
}

/* floor: 0 with ReLU, else -infinity. `lanes`: of the filters from here on, those that exist; the bytes are padded and always written whole. */
INLINE void window_store(window w, vec floor, float *y, uint8_t *position, int lanes, const int training)
{
    if (training)
        store_bytes(position, choose_integers(greater(w.value, floor), w.position, all_integers(DEAD)));
    store_up_to(y, maximum(floor, w.value), lanes);
}

#endif
