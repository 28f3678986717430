/* Whole model files, HDF5 images or .keras archives, through the check of the image, libhdf5 and libzip. */
#include "fuzz.h"

#include "core/memory.h"

/* libhdf5 1.10 loses some of its own memory where it finds a damage: docs/known-issues.md. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t before = knn__live_blocks();

    fuzz_use_model(knn_load_model(.data = data, .data_size = size, .threads = 1));
    fuzz_expect(knn__live_blocks() == before, "memory is not given back");
    return 0;
}
