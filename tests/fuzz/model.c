/* Whole model files, HDF5 images or .keras archives, through the check of the image, libhdf5 and libzip. */
#include "fuzz.h"

#include "core/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t before = knn__live_blocks();

    fuzz_use_model(knn_load_model(.data = data, .data_size = size, .threads = 1));
    fuzz_expect(knn__live_blocks() == before, "memory is not given back");
    return 0;
}
