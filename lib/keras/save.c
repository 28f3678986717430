/* Saves models and weights: the whole file is made in memory and written atomically. Reads none: see load.c. */
#include "keras/archive.h"
#include "keras/config.h"
#include "keras/optimizer_state.h"
#include "keras/state.h"
#include "keras/training_config.h"
#include "keras/weights.h"

#include "core/memory.h"
#include "core/options.h"
#include "core/status.h"

typedef void write_json(const knn_model *model, knn__text *text);

static knn_status write_attribute(knn__h5 *file, const char *name, const knn_model *model, write_json *write)
{
    knn__text text = {0};

    write(model, &text);
    knn_status status = text.failed ? KNN_ERROR_MEMORY : knn__h5_write_text(file, "", name, text.data, false);
    knn__text_free(&text);
    return status;
}

static knn_status write_state(knn__h5 *file, const knn_model *model, knn__save_what what)
{
    knn__text text = {0};

    knn__state_write(model, what, &text);
    knn_status status = text.failed ? KNN_ERROR_MEMORY : knn__h5_write_text(file, "", KNN__STATE, text.data, true);
    knn__text_free(&text);
    return status;
}

/* What Keras 2 and 3 both load: no optimizer_weights, which would keep Keras 3 from training further. */
static knn_status write_model(knn__h5 *file, const knn_model *model, knn__save_what what)
{
    knn_status status = knn__h5_write_group(file, "model_weights");

    if (status == KNN_OK)
        status = knn__write_weights(file, "model_weights", model);
    if (status == KNN_OK)
        status = knn__write_version(file);
    if (status == KNN_OK)
        status = write_attribute(file, "model_config", model, knn__config_write);
    if (status == KNN_OK && knn__has_training_config(model))
        status = write_attribute(file, "training_config", model, knn__training_config_write);
    if (status == KNN_OK && what == KNN__SAVE_MODEL && model->compiled.done)
        status = knn__state_write_arrays(file, model);
    return status;
}

/* ---- Keras 3's own layout ---- */

/* Keras 3 goes on with the optimizer's state, so it is there for Keras, too. */
static knn_status write_nested(knn__h5 *file, const knn_model *model, knn__save_what what)
{
    knn_status status = knn__write_weights_nested(file, model);

    if (status == KNN_OK && what == KNN__SAVE_MODEL && model->compiled.done)
        status = knn__optimizer_state_write(file, model);
    if (status == KNN_OK && what == KNN__SAVE_MODEL && model->compiled.done)
        status = knn__state_write_arrays(file, model);
    return status;
}

/* An archive of the model around the image of its weights. */
static knn_status archive(const knn_model *model, const void *image, size_t image_size, void **bytes, size_t *size)
{
    static const char metadata[] = "{\"keras_version\": \"3.0.0\"}";
    knn__text config = {0};

    knn__archive_config_write(model, &config);
    const knn__archive_member members[] = {{"metadata.json", metadata, sizeof metadata - 1},
                                           {"config.json", config.data, config.length},
                                           {"model.weights.h5", image, image_size}};
    knn_status status = config.failed ? KNN_ERROR_MEMORY : knn__archive_make(members, 3, bytes, size);
    knn__text_free(&config);
    return status;
}

/* ---- The file ---- */

typedef enum layout { LEGACY, NESTED, ARCHIVE } layout;

/* By the name, as Keras does it. */
static layout layout_of(const char *path, knn__save_what what)
{
    if (what != KNN__SAVE_WEIGHTS)
        return knn__text_ends_with(path, ".keras", false) ? ARCHIVE : LEGACY;
    return knn__text_ends_with(path, ".weights.h5", false) ? NESTED : LEGACY;
}

static knn_status write_all(knn__h5 *file, const knn_model *model, layout how, knn__save_what what)
{
    knn_status status = how != LEGACY               ? write_nested(file, model, what)
                        : what == KNN__SAVE_WEIGHTS ? knn__write_weights(file, "", model)
                                                    : write_model(file, model, what);

    if (status == KNN_OK)
        status = write_state(file, model, what);
    return status == KNN_OK ? knn__state_write_whitening(file, model) : status;
}

static knn_status write_file(knn__h5 *file, const knn_model *model, const char *path, knn__save_what what)
{
    layout how = layout_of(path, what);
    void *image = NULL, *bytes = NULL;
    size_t image_size, size;
    knn_status status = write_all(file, model, how, what);

    if (status == KNN_OK)
        status = knn__h5_image(file, &image, &image_size);
    if (status == KNN_OK && how == ARCHIVE)
        status = archive(model, image, image_size, &bytes, &size);
    if (status == KNN_OK)
        status = how == ARCHIVE ? knn__write_file(path, bytes, size) : knn__write_file(path, image, image_size);
    knn__free(bytes);
    knn__free(image);
    return status;
}

knn_status knn__save(const knn_model *model, const char *path, knn__save_what what)
{
    knn__h5 *file = NULL;
    /* Draws the first weights, under the model's own lock. */
    knn_status status = knn__model_build((knn_model *)(uintptr_t)model);

    if (status == KNN_OK)
        status = knn__arrays_return((knn_model *)(uintptr_t)model);
    if (status == KNN_OK)
        status = knn__h5_create(&file);
    if (status == KNN_OK)
        status = write_file(file, model, path, what);
    knn__h5_close(file);
    return status;
}

static knn_status save(const knn_model *model, const knn_save_options *given, const char *function,
                       knn__save_what what)
{
    knn_save_options options;
    knn_status status = knn__model_read(model, function);

    if (status != KNN_OK)
        return status;
    status = knn__copy_options(&options, sizeof options, given, given != NULL ? given->size : 0, function);
    if (status == KNN_OK && (options.path == NULL || options.path[0] == '\0'))
        status = knn__fail(KNN_ERROR_ARGUMENT, "%s: a path is required", function);
    if (status == KNN_OK && what == KNN__SAVE_WEIGHTS && knn__text_ends_with(options.path, ".keras", false))
        status = knn__fail(KNN_ERROR_ARGUMENT, "%s: %s: .keras files hold whole models; weights go to .weights.h5 or .h5", function,
                           options.path);
    if (status == KNN_OK && options.no_optimizer && what == KNN__SAVE_MODEL)
        what = KNN__SAVE_MODEL_WITHOUT_OPTIMIZER;
    if (status == KNN_OK)
        status = knn__save(model, options.path, what);
    knn__model_read_end(model);
    return status;
}

knn_status knn_save_model_with(const knn_model *model, const knn_save_options *options)
{
    return save(model, options, "knn_save_model", KNN__SAVE_MODEL);
}

knn_status knn_save_weights_with(const knn_model *model, const knn_save_options *options)
{
    return save(model, options, "knn_save_weights", KNN__SAVE_WEIGHTS);
}
