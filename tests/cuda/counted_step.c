/* Counts a training step's accesses to memory: of kernels in PTX and of cuBLAS; copies are left out. */
#include "counted_step.h"

#include <stdlib.h>

static size_t at_most(size_t n, size_t most) { return n < most ? n : most; }

/* The weights are on the GPU before it is counted. */
const char *count_step(const struct net *net, int pictures, counted_step *made)
{
    const struct settings settings = {.net = net, .threads = 1};
    knn_model *model = make_model(&settings, "cuda", NULL);
    struct batch batch = make_batch(net, pictures);
    emulator_count_traffic();
    expect(knn_train_on_batch(model, batch.x, batch.y, (size_t)pictures, NULL, 0) == KNN_OK, "a training step");
    made->launch_count = at_most(emulator_get_traffic(made->launches, MOST_LAUNCHES), MOST_LAUNCHES);
    made->line_count = at_most(emulator_get_requests(made->lines, MOST_LINES), MOST_LINES);
    knn_model_free(model);
    free(batch.x);
    free(batch.y);
    return emulator_complaint();
}

double of_batch(size_t one, size_t two) { return (double)one + (BATCH - 1) * ((double)two - (double)one); }
