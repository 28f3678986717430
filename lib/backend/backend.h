/* A backend: a list of kernels, fastest first, and what the steps between them need: loss, optimizer, a memory of its own. */
#ifndef KNN_BACKEND_BACKEND_H
#define KNN_BACKEND_BACKEND_H

#include "backend/constraints.h"
#include "backend/kernel.h"
#include "backend/pictures.h"

#include <knn/status.h>

#include <math.h>

typedef enum knn__loss_op {
    KNN_LOSS_BINARY_CROSSENTROPY, KNN_LOSS_CATEGORICAL_CROSSENTROPY, KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY,
    KNN_LOSS_MEAN_SQUARED_ERROR, KNN_LOSS_MEAN_ABSOLUTE_ERROR, KNN_LOSS_MEAN_ABSOLUTE_PERCENTAGE_ERROR,
    KNN_LOSS_MEAN_SQUARED_LOGARITHMIC_ERROR, KNN_LOSS_HUBER, KNN_LOSS_LOG_COSH, KNN_LOSS_POISSON, KNN_LOSS_HINGE, KNN_LOSS_SQUARED_HINGE,
    KNN_LOSS_CATEGORICAL_HINGE, KNN_LOSS_KL_DIVERGENCE, KNN_LOSS_COSINE_SIMILARITY, KNN_LOSS_BINARY_FOCAL_CROSSENTROPY,
    KNN_LOSS_CATEGORICAL_FOCAL_CROSSENTROPY,
    KNN_LOSS_DICE, KNN_LOSS_TVERSKY             /* one value for the whole batch, stored as each image's */
} knn__loss_op;

/* What changes from batch to batch. */
typedef struct knn__loss_now { double divisor; bool zero_one, weighted; } knn__loss_now;

/* Loss of a batch and its gradient. A sample has `positions` rows of `outputs` numbers (1 row for a vector); one loss value a row, the sample's is
 * their mean. */
typedef struct knn__loss_call {
    knn__loss_op op;
    bool from_logits;                       /* `prediction` holds logits: of sigmoid (binary) or softmax */
    bool zero_one;                          /* hinges: all labels of the batch are 0 or 1, and mean -1 or 1 */
    bool balanced;                          /* binary focal: alpha weighs the classes */
    double label_smoothing;
    double alpha, beta, gamma, delta;       /* focal and Tversky; Huber */
    int images, positions, outputs;
    const knn_real *prediction;             /* [images][positions][outputs] */
    const knn_real *target;                 /* the same; sparse: [images][positions] class numbers */
    const knn_real *weight;                 /* [images]; NULL: all 1 */
    double divisor;                         /* 0: images */
    double *value;                          /* [images], unweighted */
    knn_real *gradient;                     /* of sum(weight * value) / divisor; NULL: not wanted */
    knn_device *device;                     /* in whose memory all these arrays lie; NULL: the host's */
    double *sums;                           /* [images + 1][KNN_LOSS_SUMS]: room for what a device adds up by itself first */
    const knn__loss_now *now;               /* in the device's memory, and in the place of what is said here; weighted: there are weights */
} knn__loss_call;

enum { KNN_LOSS_SUMS = 4 };

/* A batch of pictures made the input of a network; arrays lie in the device's memory. */
typedef struct knn__pictures_call {
    knn__picture_form form;
    int images;
    knn__pictures pictures;
    bool wants_ranges;                      /* some change does: they are found, and written there */
    knn_real *x;                            /* [images][height][width][channels] */
    knn_device *device;
} knn__pictures_call;

typedef enum knn__update_op {
    KNN_UPDATE_SGD, KNN_UPDATE_RMSPROP, KNN_UPDATE_ADAM, KNN_UPDATE_ADAGRAD, KNN_UPDATE_ADADELTA, KNN_UPDATE_ADAMAX, KNN_UPDATE_NADAM,
    KNN_UPDATE_FTRL, KNN_UPDATE_LION,
    KNN_UPDATE_LAMB, KNN_UPDATE_ADAFACTOR       /* these two need a whole weight array at once */
} knn__update_op;

enum { KNN_OWN_SLOTS = 3 };                     /* most arrays of state of a formula */
/* One optimizer step over a stretch of the arenas (AdamW is Adam with decay), for Lamb and Adafactor exactly one weight array.
 * Slots in Keras' order, as many as are in use: SGD momentum; RMSprop velocity, momentum, average gradient; Adam momentum, velocity,
 * velocity hat; Nadam, Lamb momentum, velocity; Adamax momentum, norm; Lion momentum; Adagrad accumulator; Adadelta accumulated gradient,
 * accumulated change; Ftrl accumulator, linear; Adafactor velocity (of a matrix: its rows' means), columns' means. */
typedef struct knn__update_call {
    knn__update_op op;
    double rate;                            /* of this step */
    double momentum, rho, beta_1, beta_2, epsilon;
    bool nesterov, centered, epsilon_outside, amsgrad;
    double power, l1, l2, shrinkage, beta;  /* Ftrl; the power of the accumulator: 0.5 */
    double momentum_product;                /* Nadam: of the momenta of steps 1 to `step` */
    double epsilon_2, beta_2_decay, clip_threshold;     /* Adafactor, whose epsilon_1 is `epsilon` */
    int rows, columns;                      /* Adafactor: the last two sizes of the weight array; rows 0: a vector */
    double decay;                           /* w -= w * decay before the update (weight_decay * rate) */
    uint64_t step;                          /* from 1 */
    knn_real *weights;
    const knn_real *gradients;
    knn_real *slot[KNN_OWN_SLOTS];
    knn_device *device;                     /* in whose memory the arrays lie; NULL: the host's */
} knn__update_call;

/* A weight array of the arenas, for what goes by arrays on a device. */
typedef struct knn__weight_array {
    size_t offset, length;
    int rows, columns;                      /* its last two sizes; rows 0: a vector */
    double l1, l2, cosines;                 /* its penalty: l1 * sum |w| + l2 * sum w^2 + cosines * sum |cosine| of all pairs of */
    bool of_columns;                        /* rows or, so, columns. Only of a matrix */
    knn__constraint constraint;
    size_t first_vector;                    /* vectors of constraints in the arrays before it */
} knn__weight_array;

enum { KNN_STEP_PARTS = 256, KNN_STEP_WORKSPACE = 2 * KNN_STEP_PARTS + 4, KNN_STEP_NOW = 128 };

/* The vectors of an array whose cosines are penalized. */
static inline size_t knn__penalized_vectors(const knn__weight_array *a)
{
    return a->cosines > 0 ? (size_t)(a->of_columns ? a->columns : a->rows) : 0;
}

/* Doubles that a step needs for its sums: KNN_STEP_WORKSPACE of each array; then, of the largest number n of penalized vectors,
 * 2 n and room for n^2 floats. */
static inline size_t knn__step_workspace(const knn__weight_array *arrays, int count)
{
    size_t most = 0;
    for (int i = 0; i < count; i++)
        most = knn__penalized_vectors(&arrays[i]) > most ? knn__penalized_vectors(&arrays[i]) : most;
    return (size_t)count * KNN_STEP_WORKSPACE + 2 * most + (most * most + 1) / 2;
}

/* A whole optimizer step on a device: what learning/optimizer_step.c does around a host's updates, too. Arrays lie in the device's memory. */
typedef struct knn__step_call {
    knn__update_call update;                /* of elements [0, length) */
    size_t length;
    const knn__weight_array *arrays;        /* [count], in arena order */
    const knn__weight_array *arrays_here;   /* the same, in the host's memory */
    int count;
    double *workspace;                      /* as many as knn__step_workspace says */
    void *now;                              /* KNN_STEP_NOW bytes: what knn_backend.describe_step has written */
    double clipnorm, clipvalue, global_clipnorm;        /* 0: none */
    knn_real *sum;                          /* of the gradients of batches before the last one; NULL: each batch is an update */
    double batches;                         /* that make one update */
    bool last;                              /* of these; else the gradients are only added to `sum` */
    knn_real *average;                      /* of the weights; NULL: none */
    double kept;                            /* share of the average that stays */
    bool overwrite;                         /* the weights become the average */
    double *penalty;                        /* gets that of the weights before the step; NULL: no array has one */
} knn__step_call;

/* 1 - beta^t, for means that began at 0. In the precision of the numbers, as Keras has it: of 1 - 0.999f only four digits are right, and
 * its trainings follow the wrong ones. */
static inline double knn__fresh_share(double beta, uint64_t t)
{
    return (knn_real)1 - (knn_real)pow((double)(knn_real)beta, (double)t);
}

/* Work that was recorded once, to be queued as a whole: the backend's own. */
typedef struct knn_recording knn_recording;

enum { KNN_MARKS = 2 };                                     /* places in a device's queue that somebody can wait for */
enum { KNN_STAGES = 2 };                        /* batches on their way to a device: one is filled while the other is sent */

/* What a backend with a memory of its own has: devices, numbered from 0. Opened once for each line of work that waits for no other: a
 * training, a prediction. Used by one thread at a time. All work is queued, in order: kernels, copies, loss and update; none of it fails at
 * once. Arrays of the host that are read stay as they are, and those that are written are good, from the next wait on. */
typedef struct knn__device_class {
    knn_status (*available)(int number);                    /* whether it can be had; else KNN_ERROR_DEVICE, and why not */
    knn_status (*open)(int number, bool tensor, knn_device **device);   /* tensor: as in knn__plan_options */
    void (*close)(knn_device *device);                      /* waits; NULL is fine */
    void *(*alloc)(knn_device *device, size_t bytes);       /* not zeroed; NULL with the text of KNN_ERROR_DEVICE_MEMORY */
    void (*free)(knn_device *device, void *block);          /* NULL is fine */
    size_t (*room)(knn_device *device);                     /* bytes that are free now */
    /* Told of an array within a block of alloc's (NULL: of one that will be there): bytes to leave free behind it, a multiple of 64. Not 0
     * where somebody looks for accesses beyond arrays. */
    size_t (*placed)(void *array, size_t bytes);
    void (*write)(knn_device *device, void *to, const void *from, size_t bytes);           /* from the host */
    void (*read)(knn_device *device, void *to, const void *from, size_t bytes);            /* to the host */
    void (*zero)(knn_device *device, void *block, size_t bytes);
    knn_status (*wait)(knn_device *device);                 /* until all is done: the first failure since the last wait or mark */
    /* Memory of the host: only copies from and to it let the host go on meanwhile. NULL with the text of KNN_ERROR_DEVICE_MEMORY. */
    void *(*pin)(knn_device *device, size_t bytes);
    void (*unpin)(knn_device *device, void *block);         /* waits until nothing is sent from it; NULL is fine */
    /* Queues a copy from pinned memory beside the other work. It waits until what was sent before by this number, below KNN_STAGES, has been
     * received; work that is queued from now on waits for it. */
    void (*send)(knn_device *device, int number, void *to, const void *from, size_t bytes);
    void (*received)(knn_device *device, int number);       /* only work that has been queued by now reads what was sent by it */
    void (*sent)(knn_device *device, int number);           /* waits until the host may write where that was sent from */
    /* Marks this place in the queue with a number below KNN_MARKS; on a failure, the first one since the last wait or mark, nothing is under
     * way any more. Waits until all before the mark is done. */
    knn_status (*mark)(knn_device *device, int number);
    knn_status (*reach)(knn_device *device, int number);
    /* Between these two kernels are recorded and not run; nothing else may be queued. false, NULL: that is not possible now, or has failed. */
    bool (*record)(knn_device *device);
    knn_recording *(*recorded)(knn_device *device);
    void (*replay)(knn_device *device, knn_recording *recording);
    void (*forget)(knn_device *device, knn_recording *recording);       /* waits; NULL is fine */
} knn__device_class;

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
    void (*update)(const knn__update_call *call, size_t first, size_t last);    /* elements of the arenas; serial. NULL: `step` */
    const knn__device_class *devices;       /* NULL: it works in the host's memory, on the host's threads */
    /* Of a backend with devices: what changes from one step to the next, into KNN_STEP_NOW bytes of the host; and the step, which finds that in
     * call->now and is the same each time but for call->last. */
    void (*describe_step)(const knn__step_call *call, void *now);
    void (*step)(const knn__step_call *call);
    void (*pictures)(const knn__pictures_call *call);   /* .. that take pictures; NULL: numbers only */
    size_t most_numbers;                    /* below which those of a layer in a batch must be; 0: any number of them */
} knn_backend;

extern const knn_backend knn__reference_backend;
extern const knn_backend knn__cpu_backend;
extern const knn_backend knn__cuda_backend;                 /* in a build with CUDA (KNN_HAVE_CUDA) */

/* "cpu"; "cuda:1": its device 1; "auto" or NULL: the fastest that can be had. NULL with an error that lists what can be had. */
const knn_backend *knn__find_backend(const char *name);
/* The number in such a name; 0 where there is none. */
int knn__device_number(const char *name);

#endif
