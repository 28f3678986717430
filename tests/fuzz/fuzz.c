/* Shared by the fuzz targets: see fuzz.h. Knows no file format. */
#include "fuzz.h"

#include "model/model.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fuzz_expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz: %s (%s)\n", what, knn_last_error());
    abort();
}

char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    fuzz_expect(text != NULL, "no memory for the input");
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/* ---- Models ---- */

/* Whether a sample runs through it in some milliseconds. */
static bool is_small(const knn_model *model)
{
    double work = (double)knn_input_length(model);
    size_t bytes;

    for (size_t i = 0; i < model->layer_count; i++) {
        const knn__model_layer *layer = &model->layers[i];
        double length = 1;
        for (int w = 0; w < layer->weight_count; w++)
            length += (double)model->weights_table[layer->first_weight + w].length;
        work += ((double)knn__shape_length(&layer->out) + (double)knn__shape_length(&layer->in)) * length;
    }
    return work < 1e7 && knn_memory(model, 1, false, &bytes) == KNN_OK && bytes < (size_t)64 << 20;
}

static void predict(const knn_model *model)
{
    size_t inputs = knn_input_length(model), outputs = knn_output_length(model);
    float *x = calloc(inputs + 1, sizeof *x), *y = calloc(outputs + 1, sizeof *y);

    fuzz_expect(x != NULL && y != NULL, "no memory for a sample");
    fuzz_expect(knn_predict(model, x, 1, y, outputs) == KNN_OK || knn_last_error()[0] != '\0', "predict failed without a word");
    free(x);
    free(y);
}

static void print_table(const knn_model *model)
{
    FILE *nowhere = fopen("/dev/null", "w");

    fuzz_expect(nowhere != NULL && knn_summary(model, nowhere) == KNN_OK, "no summary of a model that was loaded");
    fclose(nowhere);
}

void fuzz_use_model(knn_model *model)
{
    char *json;

    if (model == NULL) {
        fuzz_expect(knn_last_error()[0] != '\0', "a failure without a word");
        return;
    }
    print_table(model);
    fuzz_expect(knn_model_to_json(model, &json) == KNN_OK, "no JSON of a model that was loaded");
    knn_model *again = knn_model_from_json(json);
    fuzz_expect(again != NULL && knn_layer_count(again) == knn_layer_count(model), "the library does not read its own JSON");
    knn_json_free(json);
    knn_model_free(again);
    if (is_small(model))
        predict(model);
    knn_model_free(model);
}

/* ---- Folders ---- */

static char folder[64];

void fuzz_empty_folder(const char *path)
{
    DIR *stream = opendir(path);
    const struct dirent *entry;
    struct stat info;

    fuzz_expect(stream != NULL, "a folder of its own cannot be read");
    while ((entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        size_t size = strlen(path) + strlen(entry->d_name) + 2;
        char *below = malloc(size);
        fuzz_expect(below != NULL, "no memory for a path");
        snprintf(below, size, "%s/%s", path, entry->d_name);
        bool is_folder = lstat(below, &info) == 0 && S_ISDIR(info.st_mode);
        if (is_folder)
            fuzz_empty_folder(below);
        fuzz_expect((is_folder ? rmdir(below) : unlink(below)) == 0, "a file of its own cannot be removed");
        free(below);
    }
    closedir(stream);
}

static void remove_folder(void)
{
    fuzz_empty_folder(folder);
    rmdir(folder);
}

void fuzz_enter_folder(void)
{
    const char *above = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

    if (folder[0] != '\0')
        return;
    snprintf(folder, sizeof folder, "%s/knn-fuzz-XXXXXX", above);
    fuzz_expect(mkdtemp(folder) != NULL && chdir(folder) == 0, "no folder of its own");
    atexit(remove_folder);
}
