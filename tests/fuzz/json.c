/* Layers as JSON texts. */
#include "fuzz.h"

#include "core/memory.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t before = knn__live_blocks();
    char *text = fuzz_text(data, size);

    fuzz_use_model(knn_model_from_json(text, .threads = 1));
    free(text);
    fuzz_expect(knn__live_blocks() == before, "memory is not given back");
    return 0;
}
