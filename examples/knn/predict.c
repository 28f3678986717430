/* knn predict FILE PICTURE..: what pictures show. One that cannot be read is reported, and the others still get their answer. */
#include "model.h"
#include "verbs.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct predictor {
    const options *options;
    const knn_model *model;
    output *to;
    float *y;                               /* outputs */
    double *p;                              /* classes */
} predictor;

static void put_probabilities(const predictor *with)
{
    size_t count = class_count(with->model), most = with->options->top != 0 ? (size_t)with->options->top : 5;
    char number[NUMBER_TEXT];

    class_probabilities(with->model, with->options->logits, with->y, with->p);
    begin(with->to, "classes", '[');
    for (size_t i = 0; i < most && i < count; i++) {
        size_t best = likeliest(with->p, count);
        const char *label = class_label(with->model, best, number);
        begin(with->to, NULL, '{');
        put_text(with->to, "class", label);
        put_real(with->to, "probability", with->p[best]);
        end(with->to, '}');
        say(with->to, "%s %s %.4f", i == 0 ? ":" : ",", label, with->p[best]);
        with->p[best] = -HUGE_VAL;          /* said */
    }
    end(with->to, ']');
    say(with->to, "\n");
}

static int predict_picture(const predictor *with, const char *path)
{
    int status = EXIT_SUCCESS;

    begin(with->to, NULL, '{');
    put_text(with->to, "file", path);
    if (knn_predict_file(with->model, path, with->y, knn_output_length(with->model)) != KNN_OK)
        status = complain(with->to);
    else {
        say(with->to, "%s", path);
        put_probabilities(with);
    }
    end(with->to, '}');
    return status;
}

static int predict_folder(const predictor *with, const char *path)
{
    knn_dataset *pictures = knn_flow_from_directory(path, .class_mode = KNN_NO_CLASSES);
    int status = EXIT_SUCCESS;

    if (pictures == NULL) {
        begin(with->to, NULL, '{');
        put_text(with->to, "file", path);
        status = complain(with->to);
        end(with->to, '}');
    }
    for (size_t i = 0; i < knn_dataset_samples(pictures); i++)
        status |= predict_picture(with, knn_dataset_path(pictures, i));
    knn_dataset_free(pictures);
    return status;
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int predict_all(const predictor *with)
{
    int status = EXIT_SUCCESS;

    with->to->own_text = true;
    begin(with->to, "predictions", '[');
    for (int i = 1; i < with->options->count; i++) {
        const char *path = with->options->arguments[i];
        status |= is_folder(path) ? predict_folder(with, path) : predict_picture(with, path);
    }
    end(with->to, ']');
    return status;
}

int predict(const options *o, output *to)
{
    knn_model *model = open_classifier(o, to);

    if (model == NULL)
        return EXIT_FAILURE;
    predictor with = {o, model, to, malloc(knn_output_length(model) * sizeof *with.y), malloc(class_count(model) * sizeof *with.p)};
    int status = with.y != NULL && with.p != NULL ? predict_all(&with) : fail(to, "no memory for %zu outputs", knn_output_length(model));
    free(with.y);
    free(with.p);
    knn_model_free(model);
    return status;
}
