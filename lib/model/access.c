/* Who may use a model when: several readers, or one writing thread, which may read and write again (from callbacks). A thread that breaks the
 * rule gets KNN_ERROR_STATE; nobody waits. */
#include "core/status.h"
#include "model/model.h"

static knn_status check_handle(const knn_model *model, const char *function)
{
    if (model == NULL)
        return knn__fail_null(function, "model");
    if (model->broken != KNN_OK)
        return knn__fail(model->broken, "%s", model->broken_text);
    return KNN_OK;
}

knn_status knn__model_read(const knn_model *model, const char *function)
{
    knn_status status = check_handle(model, function);
    if (status != KNN_OK)
        return status;
    knn_model *shared = (knn_model *)(uintptr_t)model;          /* only the lock and what it guards */
    pthread_mutex_lock(&shared->lock);
    if (shared->writers > 0 && pthread_equal(shared->writer, pthread_self()))
        shared->writers++;
    else if (shared->writers > 0)
        status = knn__fail(KNN_ERROR_STATE, "%s: another thread is changing or training this model", function);
    else
        shared->readers++;
    pthread_mutex_unlock(&shared->lock);
    if (status == KNN_OK && (status = knn__arrays_return(shared)) != KNN_OK)
        knn__model_read_end(model);
    return status;
}

void knn__model_read_end(const knn_model *model)
{
    knn_model *shared = (knn_model *)(uintptr_t)model;
    pthread_mutex_lock(&shared->lock);
    if (shared->writers > 0)
        shared->writers--;
    else
        shared->readers--;
    pthread_mutex_unlock(&shared->lock);
}

knn_status knn__model_write(knn_model *model, const char *function)
{
    knn_status status = check_handle(model, function);
    if (status != KNN_OK)
        return status;
    pthread_mutex_lock(&model->lock);
    if (model->readers > 0 || (model->writers > 0 && !pthread_equal(model->writer, pthread_self())))
        status = knn__fail(KNN_ERROR_STATE, "%s: another thread is using this model", function);
    else {
        model->writers++;
        model->writer = pthread_self();
    }
    pthread_mutex_unlock(&model->lock);
    if (status == KNN_OK && (status = knn__arrays_return(model)) != KNN_OK)
        knn__model_write_end(model);
    return status;
}

void knn__model_write_end(knn_model *model)
{
    pthread_mutex_lock(&model->lock);
    model->writers--;
    pthread_mutex_unlock(&model->lock);
}

knn_status knn__model_write_alone(knn_model *model, const char *function)
{
    knn_status status = knn__model_write(model, function);
    if (status == KNN_OK && model->writers > 1) {
        knn__model_write_end(model);
        status = knn__fail(KNN_ERROR_STATE, "%s: called from a callback of a running fit", function);
    }
    return status;
}

knn_status knn__model_break(knn_model *model, knn_status status)
{
    model->broken = status;
    knn__save_error(model->broken_text, sizeof model->broken_text);
    return status;
}
