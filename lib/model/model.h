/* The sequential model inside: layers, weights, what compile made, plans, and what travels with it. */
#ifndef KNN_MODEL_MODEL_H
#define KNN_MODEL_MODEL_H

#include "data/dataset.h"
#include "layers/layer.h"
#include "learning/learning.h"
#include "plan/plan.h"

#include <knn/model.h>

#include <pthread.h>

typedef struct knn__model_layer {
    const knn__layer_kind *kind;
    knn_layer *description;                 /* owned, defaults filled in */
    char *name;                             /* within a model inside the model "sequential_1/dense": see knn__unit_end */
    bool automatic;                         /* the name is Keras' automatic one */
    knn_shape in, out;
    int first_weight, weight_count;
} knn__model_layer;

/* A weight array; trainable ones lie first in the arena, in order, then the others. */
typedef struct knn__model_weight {
    char *name;                             /* "conv2d/kernel" */
    const char *short_name;                 /* "kernel" */
    int layer;
    knn__weight_spec spec;
    size_t offset, length;                  /* in floats */
    float *kept;                            /* its values while there is no arena, instead of drawn ones; NULL: none */
} knn__model_weight;

/* Numbers of a callback by name, so that a resumed training goes on with them. Kept as text-free pairs, in any order. */
typedef struct knn__callback_state {
    char *name;                             /* "EarlyStopping 2": class and place in the list */
    size_t count;
    char **keys;
    double *values;
    float *weights;                         /* NULL, or all weights (best weights of EarlyStopping): model->weights_length floats */
} knn__callback_state;

/* What a saved model knows of its training, beside weights and slots. */
typedef struct knn__training_state {
    int epoch;                              /* finished epochs: where to go on */
    uint64_t iteration;                     /* finished steps */
    char *fingerprint;                      /* of config, compile, batch size, samples, classes; NULL: none */
    knn__callback_state *callbacks;
    size_t callback_count;
} knn__training_state;

/* Keys in log order, a row a finished epoch. */
struct knn_history {
    char **keys;
    size_t key_count;
    double **values;                        /* [key][epoch] */
    int *epoch_numbers;                     /* of each row, from 0 */
    size_t epochs, capacity;
};
typedef struct knn_history knn__history;

/* The arrays that kernels work on. With a backend that has devices: copies of the model's own, in the device's memory; else these. */
typedef struct knn__arrays { float *weights, *gradients, *slots[KNN_MAX_SLOTS]; } knn__arrays;
typedef struct knn__device_arrays {
    knn_device *device;                     /* NULL: not opened, or not needed */
    knn__arrays there;
    knn__weight_array *table;               /* of a training: the trainable arrays, and room for their sums: see knn__step_call */
    knn__weight_array *own_table;           /* the same in the host's memory */
    double *workspace;
    bool stale;                             /* some are new, and not yet copied */
    uint64_t version;                       /* of the model's weights that they were copied from, or ahead of */
    bool ahead;                             /* training steps have changed them: the model's own are old */
} knn__device_arrays;

typedef struct knn__compiled {
    bool done;
    knn__optimizer optimizer;
    knn__loss loss;
    knn__metric metrics[KNN_MAX_METRICS];
    int metric_count;
} knn__compiled;

struct knn_model {
    knn_status broken;                      /* a failed knn_add or knn_compile sticks */
    char broken_text[512];
    char *name;
    const knn_backend *backend;
    int device;                             /* its number, of a backend that has devices */
    bool backend_is_ours;                   /* "auto": it gives way to the CPU where it lacks something */
    int threads;
    uint64_t seed;
    bool tensor;                            /* knn_model_options.float32 */
    const char *force_kernel;               /* knn_request.force of its plans; set by the benchmark only; NULL: free choice */
    int training_slices;                    /* knn__plan_options.slices of its training plan; set by the benchmark only */

    knn__model_layer *layers;               /* without InputLayer */
    size_t layer_count, layer_capacity;
    knn_shape input;                        /* rank 0: not known yet */
    char *input_name;                       /* of the InputLayer in files; NULL: automatic */

    knn__model_weight *weights_table;       /* by layer, Keras' order */
    size_t weight_count, weight_capacity;
    float *weights, *gradients;             /* arenas; NULL before the first use */
    float *slots[KNN_MAX_SLOTS];
    size_t weights_length, trainable_length;            /* floats; the arenas of gradients and slots have trainable_length */
    uint64_t weights_version;               /* changes whenever weights change: plans pack anew */
    knn__device_arrays on_device;

    knn__compiled compiled;
    knn__training_state training;
    knn__history *history;

    bool has_preprocessing;
    knn__preprocessing preprocessing;
    char **class_names;
    size_t class_count;

    pthread_mutex_t lock;                   /* of the pool, of weights that are made on first use, and of the users below */
    struct knn__pooled_plan *pool;          /* plans for inference: a running predict borrows one */
    knn__plan *training_plan;               /* NULL before the first step */
    uint64_t training_plan_version;         /* of the weights that it has packed */
    double *sample_losses;                  /* [capacity of the training plan] */
    knn__stretch *stretches;                /* trainable weight arrays in arena order */
    int stretch_count;
    int readers;                            /* const calls that run now, outside the writing thread */
    int writers;                            /* depth of non-const calls of the one writing thread */
    pthread_t writer;
};

/* ---- access.c ---- */

/* Every public function of a model begins with one of these and ends with its twin. They check NULL, a sticking failure, and the thread
 * rule; knn__model_write also lets a callback write while fit holds the model (same thread). */
knn_status knn__model_read(const knn_model *model, const char *function);
void       knn__model_read_end(const knn_model *model);
knn_status knn__model_write(knn_model *model, const char *function);
void       knn__model_write_end(knn_model *model);
/* The same for what must not happen in a callback of a running fit: it would pull the plan from under it. */
knn_status knn__model_write_alone(knn_model *model, const char *function);

/* A failure that sticks: keeps status and text; returns the status. */
knn_status knn__model_break(knn_model *model, knn_status status);

/* ---- weights.c, model.c, edit.c ---- */

/* A model inside the model is no thing of its own: the layers are one list, and it is a stretch of them whose names begin with its name
 * and a slash. Seen from the model whose layers' names begin with the first `depth` characters of that of layer i (0: the whole one):
 * where the layer, or model, that begins with layer i ends; and what it is called (the first characters of a text; no slash). */
size_t      knn__unit_end(const knn_model *model, size_t i, size_t depth);
const char *knn__unit_name(const knn_model *model, size_t i, size_t depth, int *length, bool *is_model);
/* Whether a name is `path`, or one of a layer inside a model of that name. */
bool        knn__is_within(const char *name, const char *path);
/* A name that nothing inside the model `inside` (NULL: the whole one) has yet: PREFIX, or PREFIX_1, ..; begins with number 0: PREFIX. In
 * memory of its own, with the path; NULL: none. */
char       *knn__free_name(const knn_model *model, const char *inside, const char *prefix, int number);

/* Adds a layer: its description, and its name or NULL, are the model's afterwards; the caller's on failure. It goes into the model inside
 * of the name `inside`; NULL: none. */
knn_status knn__model_append(knn_model *model, const char *inside, knn__model_layer *layer);
/* knn_add of a layer to such a model inside; leaves sticking to the caller. */
knn_status knn__model_add(knn_model *model, const char *inside, const knn_layer *layer);
/* Before a change of layers: weights leave the arena until they are needed again, plans and compilation go. On failure nothing has
 * changed. */
knn_status knn__model_take_apart(knn_model *model);
/* What comes into being with the first use: plans and a device's arrays; arenas, too. */
void       knn__model_free_plans(knn_model *model);
void       knn__model_free_arenas(knn_model *model);

/* Makes the arenas and draws the initial weights if that has not happened; fails without layers or input shape. */
knn_status knn__model_build(knn_model *model);
/* The same without drawing: for a new model whose weights all come from a file. They are zero until then. */
knn_status knn__model_allocate(knn_model *model);
void       knn__weights_changed(knn_model *model);

knn_shape  knn__model_output(const knn_model *model);        /* shape of a prediction */
size_t     knn__target_length(const knn_model *model);       /* floats a label, by the loss */

/* Nodes of the whole model; malloc'd by knn__alloc. */
knn_status knn__model_nodes(const knn_model *model, knn_node **nodes, int *count);

knn_status knn__set_class_names(knn_model *model, const char *const *names, size_t count);       /* copies */
knn_status knn__set_preprocessing(knn_model *model, const knn__preprocessing *preprocessing);         /* a copy; NULL: none */

/* Positions and outputs of a prediction: rows that the loss averages over, and numbers in a row. */
void       knn__output_rows(const knn_model *model, int *positions, int *outputs);

/* ---- compile.c ---- */

void       knn__release_compiled(knn_model *model);
knn_status knn__expect_compiled(const knn_model *model, const char *function);

/* ---- device.c: the arrays in the memory of a device. All of it is nothing for a backend of the host ---- */

/* What kernels work on; the arrays of a device are there after knn__arrays_ready. */
knn__arrays knn__arrays_in_use(const knn_model *model);
/* Makes the device's arrays, and copies what the host has changed; with those of the training, where there are such. */
knn_status  knn__arrays_ready(knn_model *model);
/* After a step on the device: its arrays are the newer ones. */
void        knn__arrays_ahead(knn_model *model);
/* Copies them back where they are newer: before the host reads or changes the model's own. */
knn_status  knn__arrays_return(knn_model *model);
void        knn__arrays_free(knn_model *model, bool only_training);
/* A backend that nobody has asked for gives way to the CPU, where it does not have a new layer, or what the model is compiled with. */
void        knn__backend_meets(knn_model *model, const knn__model_layer *layer);
void        knn__backend_meets_compiled(knn_model *model);

/* ---- step.c: one batch; the model is built and compiled, plans are made by the first call ---- */

/* Reserves plan, gradients, slots for batches of up to `batch` samples; idempotent. */
knn_status knn__training_ready(knn_model *model, int batch);
/* A training step that has begun. */
typedef struct knn__train_step {
    const float *target, *weight;
    int images;
    int number;                             /* of the plan's results */
    double penalty;
    uint64_t iteration;                     /* steps that were finished before it */
} knn__train_step;
/* Begins one on [images] samples: host arrays, which must stay as they are until it ends; x NULL: what is staged in the training plan; weight
 * per sample or NULL. On a device it is only queued, and a second one may begin before the first one ends; nothing may look at the model
 * meanwhile. */
knn_status knn__train_begin(knn_model *model, const float *x, const float *target, const float *weight, int images, knn__train_step *step);
/* Waits for it. *loss: the batch's reported loss (weighted mean + penalty); metrics are added to compiled.metrics. */
knn_status knn__train_end(knn_model *model, const knn__train_step *step, double *loss);
/* When all epochs are done: the weights become their average, where the optimizer keeps one. */
void knn__train_finish(knn_model *model);

/* ---- samples.c ---- */

/* Whether a sample of a shape can be its input: of that shape, a picture to be turned, or, where not both are pictures, as many numbers. */
bool       knn__sample_fits(const knn_model *model, const knn_shape *sample);
/* Whether its input is the picture's planes, (channels, height, width), and the sample the picture, (height, width, channels). */
bool       knn__wants_planes(const knn_model *model, const knn_shape *sample);
/* Turns n samples in place where it wants that. */
knn_status knn__give_planes(const knn_model *model, const knn_shape *sample, int n, float *x);
/* Stages a batch in the plan, by the model's seed and threads, as the model takes it; y and weights as in knn__dataset_batch. */
knn_status knn__load_batch(const knn_model *model, knn__plan *plan, const knn_dataset *dataset, int epoch, const size_t *indices, int n,
                           bool augment, float *y, float *weights);

/* ---- predict.c ---- */

/* A plan for inference, borrowed from the model's pool; packed for the weights as they are. */
typedef struct knn__pooled_plan {
    knn__plan *plan;
    uint64_t version;
    bool busy;
    int threads;                            /* for this run: predictions that run at the same time share the model's threads */
    struct knn__pooled_plan *next;
} knn__pooled_plan;
knn_status knn__borrow_plan(const knn_model *model, int capacity, knn__pooled_plan **borrowed);
void       knn__return_plan(const knn_model *model, knn__pooled_plan *borrowed);

/* ---- evaluate.c: the loop of evaluate and of fit's validation ---- */

typedef struct knn__evaluation { double values[1 + KNN_MAX_METRICS]; int count; } knn__evaluation;
knn_status knn__evaluate(const knn_model *model, const knn_dataset *dataset, int batch_size, knn__evaluation *result);

/* The losses of a batch's samples (unweighted) as a plan takes them, and the gradient of their weighted mean where it is not NULL. */
knn__loss_call knn__losses_of(const knn_model *model, const knn__plan *plan, const float *target, const float *weight, int images,
                              double *values, float *gradient);
/* Makes them, behind the plan's run that took the call; y: its output. `scratch`: an output's length of floats, for users' losses without a
 * gradient. */
void           knn__losses(const knn_model *model, knn__plan *plan, const knn__loss_call *call, const float *y, float *scratch);

/* Whether a data set fits the model: input length, label length, number of classes; error names both. `what`: "training data". */
knn_status knn__check_dataset(const knn_model *model, const knn_dataset *dataset, bool labels, const char *what);

/* ---- state.c ---- */

void knn__training_state_clear(knn__training_state *state);
void knn__training_state_forget_callbacks(knn__training_state *state);

#endif
