/* Encoded pictures, all formats: decoded as grey and as colours, then classified as a program does it. */
#include "fuzz.h"

#include "core/memory.h"
#include "data/image.h"

#include <stdlib.h>

enum { SIDE = 4, MOST_PIXELS = 1 << 22 };          /* fewer than are usual, for a fuzzer in a hurry */

static knn_model *classifier(void)
{
    static const char *const classes[] = {"cat", "dog", NULL};
    static knn_model *model;

    if (model != NULL)
        return model;
    model = knn_sequential(.threads = 1);
    knn_add(model, knn_input(SIDE, SIDE, 3));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(2, .activation = KNN_SOFTMAX));
    fuzz_expect(knn_set_preprocessing(model, knn_pictures(.target_height = SIDE, .target_width = SIDE, .max_pixels = MOST_PIXELS), classes) == KNN_OK,
                "no classifier");
    return model;
}

static void classify(const uint8_t *data, size_t size)
{
    const char *name;
    double probability;

    knn_status status = knn_classify_bytes(classifier(), data, size, &name, &probability);
    fuzz_expect(status == KNN_OK || knn_last_error()[0] != '\0', "a failure without a word");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    knn__picture picture;

    classify(data, size);                   /* makes what the first one makes */
    size_t before = knn__live_blocks();
    for (int channels = 1; channels <= 3; channels += 2) {
        const knn__picture_wish wish = {.channels = channels, .apply_orientation = true, .max_pixels = MOST_PIXELS};
        if (knn__decode_picture(data, size, "picture", &wish, &picture) == KNN_OK)
            knn__free(picture.pixels);
    }
    classify(data, size);
    fuzz_expect(knn__live_blocks() == before, "memory is not given back");
    return 0;
}
