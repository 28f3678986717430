/* The optimizer's state as Keras keeps it in its own layout: optimizer/vars/0, 1, .., numbered by a rule of each optimizer. */
#ifndef KNN_KERAS_OPTIMIZER_STATE_H
#define KNN_KERAS_OPTIMIZER_STATE_H

#include "keras/state.h"

/* Steps, learning rate and slots of a compiled model, where the file has just those of its optimizer; otherwise nothing: Keras drops
 * what does not fit, too. Fails without memory only. */
knn_status knn__optimizer_state_read(knn__h5 *file, const knn_model *model, knn__state *state);

/* For Keras 3, which goes on training with it. Nothing where the optimizer keeps more than such arrays. */
knn_status knn__optimizer_state_write(knn__h5 *file, const knn_model *model);

#endif
