/* knn convert A B: writes a model in another form, which the end of B's name says. */
#include "model.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

static knn_status save_json(const knn_model *model, const knn_save_options *how) { return knn_save_json(model, how->path); }

/* The first end that fits counts. */
static const struct form {
    const char *end;
    knn_file_kind kind;
    knn_status (*save)(const knn_model *model, const knn_save_options *how);
} forms[] = {
    {".weights.h5", KNN_FILE_WEIGHTS_H5, knn_save_weights_with},
    {".keras", KNN_FILE_KERAS, knn_save_model_with},
    {".json", KNN_FILE_JSON, save_json},
    {".h5", KNN_FILE_H5, knn_save_model_with},
    {".hdf5", KNN_FILE_H5, knn_save_model_with},
};
static const struct form weights = {".h5", KNN_FILE_H5_WEIGHTS, knn_save_weights_with};

static const struct form *form_of(const char *path, bool weights_only)
{
    size_t length = strlen(path);

    for (const struct form *f = forms; f < forms + sizeof forms / sizeof forms[0]; f++) {
        size_t end = strlen(f->end);
        if (length < end || strcmp(path + length - end, f->end) != 0)
            continue;
        if (!weights_only || f->kind == KNN_FILE_WEIGHTS_H5)
            return f;
        return f->kind == KNN_FILE_H5 ? &weights : NULL;
    }
    return NULL;
}

int convert(const options *o, output *to)
{
    const char *path = o->arguments[1];
    const struct form *form = form_of(path, o->weights_only);
    const knn_save_options how = {.size = sizeof how, .path = path, .no_optimizer = o->no_optimizer};
    knn_file_info file = {.size = sizeof file};

    if (form == NULL) {
        fail(to, "%s: expected a name that ends in %s", path, o->weights_only ? ".h5, .hdf5 or .weights.h5" :
             ".keras, .h5, .hdf5, .weights.h5 or .json");
        return EXIT_USAGE;
    }
    if (knn_inspect(o->arguments[0], &file) != KNN_OK)
        return complain(to);
    knn_model *model = open_model(o, &file, form->kind != KNN_FILE_JSON, to);
    if (model == NULL)
        return EXIT_FAILURE;
    knn_status status = form->save(model, &how);
    knn_model_free(model);
    if (status != KNN_OK)
        return complain(to);
    put_text(to, "from", o->arguments[0]);
    put_text(to, "to", path);
    put_text(to, "kind", kind_name(form->kind));
    return EXIT_SUCCESS;
}
