/* The optimizer's state as Keras keeps it: a list of numbers and arrays, ordered by a rule of each age and optimizer. In Keras 3's own layout
 * optimizer/vars/0, 1, ..; in the legacy one what optimizer_weights lists. */
#ifndef KNN_KERAS_OPTIMIZER_STATE_H
#define KNN_KERAS_OPTIMIZER_STATE_H

#include "keras/state.h"
#include "keras/weights.h"

/* Steps, learning rate and slots of a compiled model, where the file has just those of its optimizer; otherwise nothing: Keras drops
 * what does not fit, too. `stored`, `pairing`: how the file's weights became the model's. Fails without memory only. */
knn_status knn__optimizer_state_read(knn__h5 *file, const knn_model *model, const knn__stored *stored, const knn__pairing *pairing,
                                     bool nested, knn__state *state);

/* For Keras 3, which goes on training with it. Nothing where the optimizer keeps more than such arrays. */
knn_status knn__optimizer_state_write(knn__h5 *file, const knn_model *model);

#endif
