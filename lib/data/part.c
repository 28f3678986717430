/* A stretch of another data set. Copies nothing. */
#include "data/dataset.h"

static knn_status load(const knn_dataset *dataset, uint64_t seed, int epoch, size_t index, bool augment, float *x, float *y, float *weight)
{
    const knn__dataset_part *part = dataset->state;
    return part->whole->kind->load(part->whole, seed, epoch, part->first + index, augment, x, y, weight);
}

static knn_status load_picture(const knn_dataset *dataset, uint64_t seed, int epoch, size_t index, bool augment, uint8_t *bytes,
                               knn__picture_change *change, float *y, float *weight)
{
    const knn__dataset_part *part = dataset->state;
    return part->whole->kind->load_picture(part->whole, seed, epoch, part->first + index, augment, bytes, change, y, weight);
}

static const char *path_of(const knn_dataset *dataset, size_t index)
{
    const knn__dataset_part *part = dataset->state;
    return knn_dataset_path(part->whole, part->first + index);
}

static const knn__dataset_kind kind = {.name = "part", .load = load, .load_picture = load_picture, .path = path_of};

void knn__dataset_take_part(const knn_dataset *whole, size_t first, size_t samples, knn__dataset_part *part)
{
    *part = (knn__dataset_part){.whole = whole, .first = first, .view = *whole};
    part->view.kind = &kind;
    part->view.state = part;
    part->view.samples = samples;
}
