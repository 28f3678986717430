/* Configs of Keras 0 and 1: they become what Keras 2 writes before anything else looks at them. */
#ifndef KNN_KERAS_EARLIER_H
#define KNN_KERAS_EARLIER_H

#include "keras/json.h"

/* Changes a model's JSON of any age in place; later ages' stay as they are. Fails without memory only. */
knn_status knn__earlier_update(cJSON *json);

#endif
