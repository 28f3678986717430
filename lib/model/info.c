/* What a model is made of, for programs that show it: layers, shapes, compilation, steps. The same as a table: summary.c. */
#include "core/status.h"
#include "model/model.h"

#include <string.h>

static void give_shape(const knn_shape *shape, int *rank, int size[3])
{
    if (rank != NULL)
        *rank = shape->rank;
    if (size != NULL)
        memcpy(size, shape->size, sizeof shape->size);
}

knn_status knn_layer_info(const knn_model *model, size_t index, const char **class_name, int *rank, int shape[3], size_t *weights)
{
    knn_status status = knn__model_read(model, "knn_layer_info");

    if (status != KNN_OK)
        return status;
    if (index >= model->layer_count)
        status = knn__fail(KNN_ERROR_ARGUMENT, "knn_layer_info: layer %zu of %zu", index, model->layer_count);
    else {
        const knn__model_layer *layer = &model->layers[index];
        if (class_name != NULL)
            *class_name = layer->description->class_name;
        give_shape(&layer->out, rank, shape);
        if (weights != NULL)
            *weights = (size_t)layer->weight_count;
    }
    knn__model_read_end(model);
    return status;
}

int knn_input_shape(const knn_model *model, int shape[3])
{
    int rank = 0;
    if (model != NULL)
        give_shape(&model->input, &rank, shape);
    return rank;
}

/* ---- Compilation ---- */

static const knn__compiled *compiled(const knn_model *model)
{
    return model != NULL && model->compiled.done ? &model->compiled : NULL;
}

const char *knn_optimizer_name(const knn_model *model)
{
    return compiled(model) != NULL ? model->compiled.optimizer.description->class_name : NULL;
}

const char *knn_loss_name(const knn_model *model)
{
    return compiled(model) != NULL ? model->compiled.loss.description->class_name : NULL;
}

const char *knn_value_name(const knn_model *model, size_t index)
{
    const knn__compiled *with = compiled(model);
    if (with == NULL || index > (size_t)with->metric_count)
        return NULL;
    return index == 0 ? "loss" : with->metrics[index - 1].key;
}

uint64_t knn_iterations(const knn_model *model)
{
    return model != NULL ? model->training.iteration : 0;
}
