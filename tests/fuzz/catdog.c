/* catdog's arguments, one a line, with a model in the current folder. catdog.c is compiled with its main renamed. */
#include "fuzz.h"

#include "core/memory.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int catdog_main(int argc, char **argv);

enum { MOST_ARGUMENTS = 16, SIDE = 4 };

/* A model and a picture for it. What catdog says is not looked at. */
static void prepare(void)
{
    static const char *const classes[] = {"cat", "dog", NULL};
    static bool done;
    FILE *picture;

    if (done)
        return;
    done = true;
    fuzz_enter_folder();
    knn_model *model = knn_sequential(.threads = 1);
    knn_add(model, knn_input(SIDE, SIDE, 3));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID));
    fuzz_expect(knn_set_preprocessing(model, knn_pictures(.target_height = SIDE, .target_width = SIDE), classes) == KNN_OK &&
                knn_save_model(model, "CatDogClassifier_model.h5") == KNN_OK, "no model for catdog");
    knn_model_free(model);
    picture = fopen("cat.ppm", "wb");
    fuzz_expect(picture != NULL && fputs("P5 2 2 255 abcd", picture) >= 0 && fclose(picture) == 0, "no picture for catdog");
    fuzz_expect(freopen("/dev/null", "w", stdout) != NULL, "catdog cannot be silenced");
}

/* Its complaints, which a fuzzer's own output shares the stream with, go nowhere meanwhile. */
static int run_quietly(int argc, char **argv)
{
    FILE *kept = stderr, *nowhere = fopen("/dev/null", "w");

    fuzz_expect(nowhere != NULL, "catdog cannot be silenced");
    stderr = nowhere;
    optind = 0;                             /* getopt begins anew */
    int status = catdog_main(argc, argv);
    stderr = kept;
    fclose(nowhere);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char name[] = "catdog";
    char *argv[MOST_ARGUMENTS + 2] = {name}, *text = fuzz_text(data, size);
    int argc = 1;

    prepare();
    size_t before = knn__live_blocks();
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '/' ? '_' : *c;          /* nothing outside of this folder is looked at, or trained on */
    for (char *line = strtok(text, "\n"); line != NULL && argc <= MOST_ARGUMENTS; line = strtok(NULL, "\n"))
        if (strstr(line, "..") == NULL)
            argv[argc++] = line;
    int status = run_quietly(argc, argv);
    fuzz_expect(status == EXIT_SUCCESS || status == EXIT_FAILURE || status == 2, "an exit status that nobody knows");
    fuzz_expect(knn__live_blocks() == before, "memory is not given back");
    free(text);
    return 0;
}
