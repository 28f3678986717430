/* TerminateOnNaN: ends training behind a batch whose loss is NaN or infinite. The epoch is closed as usual, as in Keras. */
#include "training/callbacks.h"

#include <math.h>

static knn_status batch_end(knn__callback *callback, knn__training *training)
{
    (void)callback;
    training->stop = training->stop || !isfinite(training->batch_loss);
    return KNN_OK;
}

const knn__callback_kind knn__terminate_on_nan_kind = {
    .kind = {.class_name = "TerminateOnNaN", .size = sizeof(knn_terminate_on_nan_callback)},
    .on = {[KNN_BATCH_END] = batch_end}};
