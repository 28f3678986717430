/* A data set that a user's functions answer. Checks what they return; shapes, batches and order are not theirs. */
#include <knn/extend.h>

#include "core/memory.h"
#include "core/options.h"
#include "core/status.h"
#include "data/dataset.h"

typedef struct custom {
    knn_dataset_class functions;
    void *user;
} custom;

static knn_status load(const knn_dataset *dataset, uint64_t seed, int epoch, size_t index, bool augment, float *x,
                       float *y, float *weight)
{
    const custom *c = dataset->state;
    knn__clear_error();
    knn_status status = c->functions.load(c->user, seed, epoch, index, augment, x, y, weight);
    if (status == KNN_OK)
        return KNN_OK;
    if (status > KNN_OK)
        return knn__fail(KNN_ERROR_CALLBACK,
                         "custom data set, sample %zu: load returned %d, expected KNN_OK or an error", index,
                         (int)status);
    if (knn_last_error()[0] == '\0')
        return knn__fail(status, "custom data set, sample %zu: load failed with %s", index, knn_status_name(status));
    return knn__context(status, "custom data set, sample %zu", index);
}

static void release(knn_dataset *dataset)
{
    custom *c = dataset->state;
    if (c->functions.release != NULL)
        c->functions.release(c->user);
    knn__free(c);
}

static const knn__dataset_kind kind = {.name = "custom", .load = load, .release = release};

static knn_status check(const knn_dataset_class *functions)
{
    const knn_shape *input = &functions->input;
    if (functions->samples == NULL || functions->load == NULL)
        return knn__fail(KNN_ERROR_ARGUMENT, "custom data set: samples and load are required");
    if (input->rank < 1 || input->rank > 3)
        return knn__fail(KNN_ERROR_SHAPE, "custom data set: input of rank %d, expected 1 to 3", input->rank);
    for (int i = 0; i < input->rank; i++)
        if (input->size[i] < 1)
            return knn__fail(KNN_ERROR_SHAPE, "custom data set: input side %d is %d, expected at least 1", i,
                             input->size[i]);
    if (functions->outputs < 0)
        return knn__fail(KNN_ERROR_SHAPE, "custom data set: %d outputs, expected 0 or more", functions->outputs);
    return KNN_OK;
}

knn_dataset *knn_custom_dataset(const knn_dataset_class *dataset_class, void *user)
{
    knn__clear_error();
    knn_dataset_class functions;
    size_t size = dataset_class != NULL ? dataset_class->size : 0;
    if (knn__copy_options(&functions, sizeof functions, dataset_class, size, "custom data set") != KNN_OK ||
        check(&functions) != KNN_OK)
        return NULL;
    size_t samples = functions.samples(user);
    if (samples == 0) {
        knn__fail(KNN_ERROR_DATA, "custom data set: no samples");
        return NULL;
    }
    knn_dataset *dataset = knn__alloc(1, sizeof *dataset);
    custom *state = dataset != NULL ? knn__alloc(1, sizeof *state) : NULL;
    if (state == NULL) {
        knn__free(dataset);
        return NULL;
    }
    *state = (custom){functions, user};
    *dataset = (knn_dataset){
        .kind = &kind, .state = state, .input = functions.input, .outputs = functions.outputs, .samples = samples};
    return dataset;
}
