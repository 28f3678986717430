/* Converts numbers around a backend's loss and update. Judges nothing. */
#include "learning.h"

#include "core/memory.h"
#include "place.h"

#ifdef KNN_DOUBLE
#define LOSS oracle_loss
#define UPDATE oracle_update
static const knn_backend *backend_of(const char *name) { (void)name; return &knn__reference_backend; }
#else
#define LOSS library_loss
#define UPDATE library_update
static const knn_backend *backend_of(const char *name) { return knn__find_backend(name); }
#endif

/* An array in the backend's own type, and what the backend uses instead. */
typedef struct array { knn_real *here, *there; size_t bytes; } array;

/* Copies of numbers; NULL for NULL. */
static array send(const place *p, const double *from, size_t length)
{
    array made = {.bytes = length * sizeof(knn_real)};
    made.here = from != NULL ? knn__alloc(length, sizeof(knn_real)) : NULL;
    for (size_t i = 0; made.here != NULL && i < length; i++)
        made.here[i] = (knn_real)from[i];
    made.there = place_make(p, made.here, made.bytes);
    place_write(p, made.there, made.here, made.bytes);
    return made;
}

/* Back into the caller's array, where there is one; frees the copies. */
static void fetch(const place *p, array a, double *to)
{
    place_read(p, a.here, a.there, a.bytes);
    for (size_t i = 0; a.here != NULL && to != NULL && i < a.bytes / sizeof(knn_real); i++)
        to[i] = a.here[i];
    place_free(p, a.there);
    knn__free(a.here);
}

bool LOSS(const char *backend, const knn__loss_call *settings, const loss_numbers *numbers)
{
    const knn_backend *found = backend_of(backend);
    place p;
    if (found == NULL || !place_open(&p, found))
        return false;
    knn__loss_call call = *settings;
    size_t rows = (size_t)call.images * (size_t)call.positions, length = rows * (size_t)call.outputs;
    size_t value_bytes = (size_t)call.images * sizeof(double);
    bool sparse = call.op == KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY;
    array prediction = send(&p, numbers->prediction, length), target = send(&p, numbers->target, sparse ? rows : length);
    array weight = send(&p, numbers->weight, (size_t)call.images), gradient = send(&p, numbers->gradient, length);
    call.device = p.device;
    call.prediction = prediction.there;
    call.target = target.there;
    call.weight = weight.there;
    call.gradient = gradient.there;
    call.value = place_make(&p, numbers->value, value_bytes);
    call.sums = p.devices != NULL ? p.devices->alloc(p.device, ((size_t)call.images + 1) * KNN_LOSS_SUMS * sizeof *call.sums) : NULL;
    knn__loss_now here = {call.divisor, call.zero_one, call.weight != NULL}, *now = place_make(&p, &here, sizeof here);
    call.now = now;
    place_write(&p, now, &here, sizeof here);
    found->loss(&call);
    place_read(&p, numbers->value, call.value, value_bytes);
    place_free(&p, now);
    place_free(&p, call.value);
    place_free(&p, call.sums);
    fetch(&p, prediction, NULL);
    fetch(&p, target, NULL);
    fetch(&p, weight, NULL);
    fetch(&p, gradient, numbers->gradient);
    place_close(&p);
    return true;
}

/* On a device a step is one over a table of arrays: here of a single one. */
static void step_there(const place *p, const knn_backend *backend, const knn__update_call *call, size_t length)
{
    knn__weight_array only = {.length = length, .rows = call->rows, .columns = call->columns};
    knn__weight_array *table = place_make(p, &only, sizeof only);
    double *workspace = p->devices->alloc(p->device, knn__step_workspace(&only, 1) * sizeof *workspace);
    unsigned char now[KNN_STEP_NOW] = {0};
    knn__step_call step = {.update = *call, .length = length, .arrays = table, .arrays_here = &only, .count = 1,
        .workspace = workspace, .batches = 1, .last = true, .now = place_make(p, now, sizeof now)};
    place_write(p, table, &only, sizeof only);
    backend->describe_step(&step, now);
    place_write(p, step.now, now, sizeof now);
    backend->step(&step);
    p->devices->wait(p->device);
    place_free(p, step.now);
    place_free(p, workspace);
    place_free(p, table);
}

bool UPDATE(const char *backend, const knn__update_call *settings, const update_numbers *numbers)
{
    const knn_backend *found = backend_of(backend);
    place p;
    if (found == NULL || !place_open(&p, found))
        return false;
    knn__update_call call = *settings;
    array gradients = send(&p, numbers->gradients, numbers->length), weights = send(&p, numbers->weights, numbers->length);
    array slots[KNN_OWN_SLOTS];
    for (int i = 0; i < KNN_OWN_SLOTS; i++) {
        slots[i] = send(&p, numbers->slot[i], numbers->length);
        call.slot[i] = slots[i].there;
    }
    call.device = p.device;
    call.gradients = gradients.there;
    call.weights = weights.there;
    if (p.devices != NULL)
        step_there(&p, found, &call, numbers->length);
    else
        found->update(&call, 0, numbers->length);
    fetch(&p, gradients, NULL);
    fetch(&p, weights, numbers->weights);
    for (int i = 0; i < KNN_OWN_SLOTS; i++)
        fetch(&p, slots[i], numbers->slot[i]);
    place_close(&p);
    return true;
}
