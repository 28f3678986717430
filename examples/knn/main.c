/* knn: looks into Keras' files, converts them, runs them on pictures, and looks over data sets of pictures.
 *
 *     knn VERB [OPTION].. ARGUMENT..          knn --help says more, knn VERB --help all of it
 *
 * Nothing here but knn.h and the C library. */
#include "verbs.h"

#include <knn/knn.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef struct verb {
    const char *name, *arguments, *does;
    int least, most;                        /* arguments */
    int groups;                             /* of options */
    verb_function *run;
    const char *more;                       /* the rest of its --help */
} verb;

#define PREPARED \
    "How pictures are prepared and what the classes are called is in files of libknn. For others the size is that of the\n" \
    "model's input, pixels are rescaled by 1/255 (not where the model has a Rescaling or Normalization of its own),\n" \
    "pictures are resized by the nearest pixel, as Keras' load_img does, and classes are numbers; options change that.\n\n"

static const verb verbs[] = {
    {"summary", "FILE", "print the table of Keras' model.summary()", 1, 1, FOR_FILES, summary,
     "JSON: {\"parameters\", \"trainable_parameters\", \"layers\": [{\"name\", \"class\", \"output_shape\", \"parameters\"}]}\n"},
    {"info", "FILE", "say all that a file tells: who wrote it, layers, weights, preprocessing, training", 1, 1, FOR_FILES, info,
     "JSON: {\"file\", \"kind\", \"keras_version\", \"backend\", \"libknn_version\", \"input_shape\", and \"parameters\", ..,\n"
     "\"layers\" as summary has them, \"weights\": [{\"name\", \"shape\", \"trainable\"}], \"preprocessing\": {..}, \"classes\": [..],\n"
     "\"compiled\": {\"optimizer\", \"learning_rate\", \"loss\"}, \"metrics\": [..], \"training\": {\"steps\", \"epochs\", values of the\n"
     "last epoch}}; what the file does not tell is null or missing.\n"},
    {"convert", "A B", "write the model of file A to file B", 2, 2, FOR_FILES | FOR_CONVERTING, convert,
     "The end of B's name says what is written: .keras, .h5 and .hdf5 whole models, .weights.h5 weights, .json layers.\n"
     "B is written at once or not at all.\n\nJSON: {\"from\", \"to\", \"kind\"}\n"},
    {"predict", "FILE PICTURE..", "say what pictures show; of a folder, all pictures below it", 2, INT_MAX,
     FOR_FILES | FOR_RUNNING | FOR_PREDICTING, predict,
     PREPARED "JSON: {\"predictions\": [{\"file\", \"classes\": [{\"class\", \"probability\"}]} or {\"file\", \"error\"}]}\n"},
    {"evaluate", "FILE DIR", "loss, metrics and confusion matrix over DIR/CLASS/*.jpg", 2, 2,
     FOR_FILES | FOR_RUNNING | FOR_EVALUATING, evaluate,
     "Folders are classes: by name where the classes have names, else in the order of their names. A model that is not\n"
     "compiled is measured by cross-entropy and accuracy.\n\n" PREPARED
     "JSON: {\"samples\", \"compiled\", \"values\": {\"loss\", ..}, \"confusion\": [[predicted, ..] of each class],\n"
     "\"classes\": [{\"class\", \"samples\", \"precision\", \"recall\"}]}\n"},
    {"check", "DIR", "look for bad pictures, count classes and sizes", 1, 1, 0, check,
     "Decodes every picture below DIR: DIR/CLASS/*.jpg or DIR/train/CLASS/*.jpg (training, val, valid, validation, test,\n"
     "testing). Bad pictures, and classes without a good one, are failures; files with the same bytes are only named.\n\n"
     "JSON: {\"directory\", \"pictures\", \"width\": {\"min\", \"median\", \"max\"}, \"height\": {..}, \"channels\": [{\"channels\", \"pictures\"}],\n"
     "\"classes\": [{\"split\", \"class\", \"pictures\", \"bad\"}], \"bad\": [{\"file\", \"reason\"}], \"duplicates\": [{\"file\", \"same_as\"}],\n"
     "\"problems\": [..]}\n"},
};
enum { VERBS = sizeof verbs / sizeof verbs[0] };

static const char statuses[] = "Exit status: 0 fine; 1 a failure, such as a file that is refused or a bad picture; 2 wrong usage.\n";

static void print_usage(FILE *stream)
{
    fprintf(stream, "usage: knn VERB [OPTION].. ARGUMENT..\n\nKeras' files, without Keras:\n\n");
    for (const verb *v = verbs; v < verbs + VERBS; v++)
        fprintf(stream, "  knn %-8s %-14s  %s\n", v->name, v->arguments, v->does);
    fprintf(stream, "\nEach takes --help, --json and --version. %s", statuses);
}

static void print_help(const verb *v)
{
    printf("usage: knn %s [OPTION].. %s\n\n%c%s.\n\n", v->name, v->arguments, v->does[0] - 'a' + 'A', v->does + 1);
    print_options(v->groups);
    printf("\n%s\n%s", v->more, statuses);
}

static int print_version(void)
{
    printf("knn %s\n", knn_build_info());
    return EXIT_SUCCESS;
}

static int run(const verb *v, const options *o)
{
    output to = {.json = o->json};

    begin(&to, NULL, '{');
    int status = v->run(o, &to);
    end(&to, '}');
    if (to.json)
        putchar('\n');
    return status;
}

static int run_verb(const verb *v, int argc, char **argv)
{
    options o = {0};

    if (!parse_options(v->name, v->groups, argc, argv, &o))
        return EXIT_USAGE;
    if (o.version)
        return print_version();
    if (o.help) {
        print_help(v);
        return EXIT_SUCCESS;
    }
    if (o.count >= v->least && o.count <= v->most)
        return run(v, &o);
    warn("%s: expected %s; see knn %s --help", v->name, v->arguments, v->name);
    return EXIT_USAGE;
}

static const verb *find_verb(const char *name)
{
    for (const verb *v = verbs; v < verbs + VERBS; v++)
        if (strcmp(name, v->name) == 0)
            return v;
    return NULL;
}

/* "knn help predict" is asked for as often as "knn predict --help". */
static int help(const char *name)
{
    const verb *v = name != NULL ? find_verb(name) : NULL;

    if (v != NULL)
        print_help(v);
    else
        print_usage(stdout);
    return EXIT_SUCCESS;
}

static int choose(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    const verb *v = find_verb(name);

    if (v != NULL)
        return run_verb(v, argc - 1, argv + 1);
    if (strcmp(name, "--version") == 0)
        return print_version();
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return help(argc > 2 ? argv[2] : NULL);
    if (*name != '\0')
        warn("there is no verb \"%s\"; see knn --help", name);
    else
        print_usage(stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    return finish(choose(argc, argv));
}
