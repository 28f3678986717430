/* A backend: a list of kernels, fastest first, and what the steps between them need: memory, loss, optimizer. */
#ifndef KNN_BACKEND_BACKEND_H
#define KNN_BACKEND_BACKEND_H

#include "backend/kernel.h"

#include <knn/status.h>

typedef enum knn__loss_op {
    KNN_LOSS_BINARY_CROSSENTROPY, KNN_LOSS_CATEGORICAL_CROSSENTROPY, KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY,
    KNN_LOSS_MEAN_SQUARED_ERROR, KNN_LOSS_MEAN_ABSOLUTE_ERROR
} knn__loss_op;

/* Loss of a batch and its gradient. A sample has `positions` rows of `outputs` numbers (1 row for a vector); one loss value a row, the sample's is
 * their mean. */
typedef struct knn__loss_call {
    knn__loss_op op;
    bool from_logits;                       /* `prediction` holds logits: of sigmoid (binary) or softmax */
    double label_smoothing;
    int images, positions, outputs;
    const knn_real *prediction;             /* [images][positions][outputs] */
    const knn_real *target;                 /* the same; sparse: [images][positions] class numbers */
    const knn_real *weight;                 /* [images]; NULL: all 1 */
    double *value;                          /* [images], unweighted */
    knn_real *gradient;                     /* of sum(weight * value) / images; NULL: not wanted */
} knn__loss_call;

typedef enum knn__update_op { KNN_UPDATE_SGD, KNN_UPDATE_RMSPROP, KNN_UPDATE_ADAM } knn__update_op;

enum { KNN_MAX_SLOTS = 3 };
/* One optimizer step over a stretch of the arenas (AdamW is Adam with decay). Slots in Keras' order: SGD momentum; RMSprop velocity, momentum,
 * average gradient (as many as are in use); Adam momentum, velocity, velocity hat. */
typedef struct knn__update_call {
    knn__update_op op;
    double rate;                            /* of this step */
    double momentum, rho, beta_1, beta_2, epsilon;
    bool nesterov, centered, epsilon_outside, amsgrad;
    double decay;                           /* w -= w * decay before the update (weight_decay * rate) */
    uint64_t step;                          /* from 1 */
    knn_real *weights;
    const knn_real *gradients;
    knn_real *slot[KNN_MAX_SLOTS];
} knn__update_call;

typedef struct knn_backend {
    const char *name;
    /* Lists 0, 1, .. of kernels, fastest first, each ended by NULL; NULL: no more lists. The CPU has one for each instruction set
     * that this machine runs (avx512, avx2, baseline), and the reference kernels as the last one. */
    const knn_kernel *const *(*kernels)(int list);
    const char *(*instruction_set)(void);   /* of list 0: "avx2"; "" */
    /* Around every stretch of work of one thread; nests. The CPU's keeps OpenBLAS to one thread meanwhile. NULL: nothing to do. */
    void (*enter)(void);
    void (*leave)(void);
    void (*loss)(const knn__loss_call *call);
    void (*update)(const knn__update_call *call, size_t first, size_t last);    /* elements of the arenas; serial */
} knn_backend;

extern const knn_backend knn__reference_backend;
extern const knn_backend knn__cpu_backend;

/* "auto" or NULL: the fastest there is. NULL with an error that lists what can be had. */
const knn_backend *knn__find_backend(const char *name);

#endif
