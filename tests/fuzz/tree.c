/* What lies in a model file, without libhdf5: groups, attributes and arrays as hdf5_tree.c reads them from lines of text. Lines in front,
 * "config.json=.." and "metadata.json=..", make it a .keras archive. A model that loads then takes its weights once more, by name. */
#include "fuzz.h"

#include "core/memory.h"
#include "keras/archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIGNATURE "\x89HDF\r\n\x1a\n"

/* The rest of the line that begins with `key`, which is cut off `text`; NULL: the text begins otherwise. */
static char *take_line(char **text, const char *key)
{
    size_t length = strlen(key);

    if (strncmp(*text, key, length) != 0)
        return NULL;
    char *value = *text + length, *end = value + strcspn(value, "\n");
    *text = end + (*end != '\0');
    *end = '\0';
    return value;
}

/* The signature and the lines; a knn__alloc block. */
static void *make_image(const char *lines, size_t *size)
{
    size_t length = strlen(lines);
    char *image = knn__alloc(sizeof SIGNATURE + length, 1);

    fuzz_expect(image != NULL, "no memory for the image");
    memcpy(image, SIGNATURE, sizeof SIGNATURE - 1);
    memcpy(image + sizeof SIGNATURE - 1, lines, length);
    *size = sizeof SIGNATURE - 1 + length;
    return image;
}

static void *make_file(char *text, size_t *size)
{
    const char *config = take_line(&text, "config.json="), *metadata = take_line(&text, "metadata.json=");
    void *image = make_image(text, size), *archive = NULL;

    if (config == NULL)
        return image;
    const knn__archive_member members[] = {{"config.json", config, strlen(config)},
                                           {"metadata.json", metadata != NULL ? metadata : "{}", metadata != NULL ? strlen(metadata) : 2},
                                           {"model.weights.h5", image, *size}};
    fuzz_expect(knn__archive_make(members, 3, &archive, size) == KNN_OK, "no archive");
    knn__free(image);
    return archive;
}

static void load_weights(knn_model *model, const void *file, size_t size)
{
    char path[64];
    int descriptor = memfd_create("model", MFD_CLOEXEC);

    fuzz_expect(descriptor >= 0 && write(descriptor, file, size) == (ssize_t)size, "no file in memory");
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    fuzz_expect(knn_load_weights(model, path) == KNN_OK || knn_last_error()[0] != '\0', "a failure without a word");
    fuzz_expect(knn_load_weights(model, path, .by_name = true, .skip_mismatch = true) == KNN_OK || knn_last_error()[0] != '\0',
                "a failure without a word");
    close(descriptor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t before = knn__live_blocks(), file_size;
    char *text = fuzz_text(data, size);
    void *file = make_file(text, &file_size);
    knn_model *model = knn_load_model(.data = file, .data_size = file_size, .threads = 1);

    if (model != NULL)
        load_weights(model, file, file_size);
    fuzz_use_model(model);
    knn__free(file);
    free(text);
    fuzz_expect(knn__live_blocks() == before, "memory is not given back");
    return 0;
}
