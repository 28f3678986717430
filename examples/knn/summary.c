/* knn summary FILE: the table of Keras' model.summary(). */
#include "model.h"
#include "verbs.h"

#include <stdlib.h>

int summary(const options *o, output *to)
{
    knn_file_info file = {.size = sizeof file};

    if (knn_inspect(o->arguments[0], &file) != KNN_OK)
        return complain(to);
    knn_model *model = open_model(o, &file, false, to);
    if (model == NULL)
        return EXIT_FAILURE;
    to->own_text = true;
    put_layers(model, to);
    int status = to->json || knn_summary(model, stdout) == KNN_OK ? EXIT_SUCCESS : complain(to);
    knn_model_free(model);
    return status;
}
