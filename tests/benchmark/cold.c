/* The time that a program takes to answer for one picture, from its start to its end: `catdog -f PICTURE` beside a model. Knows of the
 * program only its name of the model and its option. */
#include "benchmark.h"

#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODEL "CatDogClassifier_model.h5"

extern char **environ;

struct question {
    char program[PATH_MAX], picture[PATH_MAX];
};

static void ask(void *context)
{
    struct question *question = context;
    char option[] = "-f", *arguments[] = {question->program, option, question->picture, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child = -1;
    int status;

    expect(posix_spawn_file_actions_init(&actions) == 0 &&
           posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
           posix_spawn(&child, question->program, &actions, NULL, arguments, environ) == 0, "starting the program");
    posix_spawn_file_actions_destroy(&actions);
    expect(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0, "the program failed");
}

/* In the current directory; as training leaves it. */
static void save_model(const struct settings *settings)
{
    static const char *const classes[] = {"cat", "dog", NULL};
    struct settings catdog = *settings;
    double loss;

    catdog.net = nets;
    knn_model *model = make_model(&catdog, "cpu", NULL);
    struct batch batch = make_batch(nets, 1);
    expect(knn_train_on_batch(model, batch.x, batch.y, 1, &loss, 1) == KNN_OK &&
           knn_set_preprocessing(model, knn_pictures(.target_height = nets->height, .target_width = nets->width,
               .generator = knn_image_data_generator(.rescale = 1 / 255.0)), classes) == KNN_OK &&
           knn_save_model(model, MODEL) == KNN_OK, "saving a model");
    knn_model_free(model);
    free(batch.x);
    free(batch.y);
}

void measure_cold(const struct settings *settings)
{
    char directory[] = "/tmp/knn-benchmark-XXXXXX";
    struct question question;
    knn_dataset *data = knn_flow_from_directory(settings->data, .class_mode = KNN_NO_CLASSES);

    expect(settings->program != NULL && realpath(settings->program, question.program) != NULL, "--program");
    expect(data != NULL && realpath(knn_dataset_path(data, 0), question.picture) != NULL, "looking for a picture");
    expect(mkdtemp(directory) != NULL && chdir(directory) == 0, "making a directory");
    save_model(settings);
    knn_dataset_free(data);
    struct timing timing = measure(settings->seconds, 1, ask, &question);
    timing.elsewhere = true;
    timing.cpu = 0;                         /* of waiting */
    print_line(settings, &timing, "cold", "net=catdog");
    expect(unlink(MODEL) == 0 && rmdir(directory) == 0, "cleaning up");
}
