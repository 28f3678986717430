/* Converts numbers around a backend's loss and update. Judges nothing. */
#include "learning.h"

#include "core/memory.h"

#ifdef KNN_DOUBLE
#define LOSS oracle_loss
#define UPDATE oracle_update
static const knn_backend *backend_of(const char *name) { (void)name; return &knn__reference_backend; }
#else
#define LOSS library_loss
#define UPDATE library_update
static const knn_backend *backend_of(const char *name) { return knn__find_backend(name); }
#endif

/* A copy in the backend's own type; NULL for NULL. */
static knn_real *narrowed(const double *from, size_t length)
{
    knn_real *to = from != NULL ? knn__alloc(length, sizeof *to) : NULL;
    for (size_t i = 0; to != NULL && i < length; i++)
        to[i] = (knn_real)from[i];
    return to;
}

/* Back into the caller's array; frees the copy. */
static void widen(knn_real *from, double *to, size_t length)
{
    for (size_t i = 0; from != NULL && i < length; i++)
        to[i] = from[i];
    knn__free(from);
}

bool LOSS(const char *backend, const knn__loss_call *settings, const loss_numbers *numbers)
{
    const knn_backend *found = backend_of(backend);
    if (found == NULL)
        return false;
    knn__loss_call call = *settings;
    size_t rows = (size_t)call.images * (size_t)call.positions, length = rows * (size_t)call.outputs;
    bool sparse = call.op == KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY;
    knn_real *prediction = narrowed(numbers->prediction, length), *target = narrowed(numbers->target, sparse ? rows : length);
    knn_real *weight = narrowed(numbers->weight, (size_t)call.images), *gradient = narrowed(numbers->gradient, length);
    call.prediction = prediction;
    call.target = target;
    call.weight = weight;
    call.gradient = gradient;
    call.value = numbers->value;
    found->loss(&call);
    knn__free(prediction);
    knn__free(target);
    knn__free(weight);
    widen(gradient, numbers->gradient, length);
    return true;
}

bool UPDATE(const char *backend, const knn__update_call *settings, const update_numbers *numbers)
{
    const knn_backend *found = backend_of(backend);
    if (found == NULL)
        return false;
    knn__update_call call = *settings;
    knn_real *gradients = narrowed(numbers->gradients, numbers->length);
    call.gradients = gradients;
    call.weights = narrowed(numbers->weights, numbers->length);
    for (int i = 0; i < KNN_OWN_SLOTS; i++)
        call.slot[i] = narrowed(numbers->slot[i], numbers->length);
    found->update(&call, 0, numbers->length);
    knn__free(gradients);
    widen(call.weights, numbers->weights, numbers->length);
    for (int i = 0; i < KNN_OWN_SLOTS; i++)
        widen(call.slot[i], numbers->slot[i], numbers->length);
    return true;
}
