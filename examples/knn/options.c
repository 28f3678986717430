/* Options: one table for parsing and for --help. */
#include "options.h"

#include "output.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const preprocessing_names[] = {"tf", "torch", NULL};
const char *const interpolation_names[] = {"nearest", "bilinear", "area", NULL};         /* as knn_interpolation */

typedef enum kind { FLAG, TEXT, COUNT, FRACTION, NAME } kind;

typedef struct option_row {
    const char *name, *value;               /* value NULL: takes none */
    kind kind;
    size_t offset;
    int groups;                             /* 0: every verb */
    const char *help;
    const char *const *names;
} option_row;

#define FIELD(member) offsetof(options, member)

static const option_row rows[] = {
    {"config", "FILE", TEXT, FIELD(config), FOR_FILES, "the layers of a weights file, as JSON: what Keras' to_json() gave", NULL},
    {"classes", "A,B,..", TEXT, FIELD(classes), FOR_RUNNING, "names of the classes, in the order of the outputs", NULL},
    {"rescale", "R", FRACTION, FIELD(rescale), FOR_RUNNING, "multiply pixels of 0..255 by R: 1/255, 0.5, 1", NULL},
    {"preprocessing", "NAME", NAME, FIELD(preprocessing), FOR_RUNNING,
     "as keras.applications: tf (-1..1) or torch (ImageNet's mean and deviation)", preprocessing_names},
    {"interpolation", "NAME", NAME, FIELD(interpolation), FOR_RUNNING, "how pictures are resized: nearest, bilinear or area",
     interpolation_names},
    {"logits", NULL, FLAG, FIELD(logits), FOR_RUNNING, "the outputs are logits: a sigmoid, or softmax, is still due", NULL},
    {"top", "K", COUNT, FIELD(top), FOR_PREDICTING, "the K likeliest classes of each picture (5)", NULL},
    {"batch-size", "N", COUNT, FIELD(batch_size), FOR_EVALUATING, "pictures at once (32)", NULL},
    {"backend", "NAME", TEXT, FIELD(backend), FOR_RUNNING, "what computes: auto, cpu, reference, .. (auto)", NULL},
    {"threads", "N", COUNT, FIELD(threads), FOR_RUNNING, "threads (all cores)", NULL},
    {"weights-only", NULL, FLAG, FIELD(weights_only), FOR_CONVERTING, "write an .h5 of weights without layers", NULL},
    {"no-optimizer", NULL, FLAG, FIELD(no_optimizer), FOR_CONVERTING, "leave the optimizer's state out", NULL},
    {"json", NULL, FLAG, FIELD(json), 0, "write one JSON object instead of text", NULL},
    {"help", NULL, FLAG, FIELD(help), 0, "say this", NULL},
    {"version", NULL, FLAG, FIELD(version), 0, "say the version", NULL},
};
enum { ROWS = sizeof rows / sizeof rows[0], FIRST_LONG = 256 };

static bool is_for(const option_row *row, int groups)
{
    return row->groups == 0 || (row->groups & groups) != 0;
}

void print_options(int groups)
{
    for (const option_row *row = rows; row < rows + ROWS; row++)
        if (is_for(row, groups))
            printf("  --%-13s %-6s  %s\n", row->name, row->value != NULL ? row->value : "", row->help);
}

/* ---- Values: false where the text is none ---- */

static bool read_count(const char *text, int *value)
{
    char *rest;
    errno = 0;
    long number = strtol(text, &rest, 10);
    *value = (int)number;
    return *text >= '0' && *text <= '9' && *rest == '\0' && errno == 0 && number >= 1 && number <= INT_MAX;
}

static bool read_fraction(const char *text, double *value)
{
    char *rest;
    double over = strtod(text, &rest), under = 1;
    bool sound = rest != text;
    if (*rest == '/') {
        text = rest + 1;
        under = strtod(text, &rest);
        sound = sound && rest != text;
    }
    *value = over / under;
    return sound && *rest == '\0' && isfinite(*value) && *value != 0;
}

static bool read_name(const char *text, const char *const *names, int *value)
{
    for (*value = 1; names[*value - 1] != NULL; ++*value)
        if (strcmp(text, names[*value - 1]) == 0)
            return true;
    return false;
}

static bool read_value(const option_row *row, char *text, options *to)
{
    void *field = (char *)to + row->offset;
    switch (row->kind) {
    case FLAG: *(bool *)field = true; return true;
    case TEXT: *(const char **)field = text; return *text != '\0';
    case COUNT: return read_count(text, field);
    case FRACTION: return read_fraction(text, field);
    case NAME: return read_name(text, row->names, field);
    }
    return false;
}

/* ---- The line ---- */

/* getopt's form of the rows that the verb takes; an option's value is its row and FIRST_LONG. */
static void fill(int groups, struct option *longs)
{
    for (int i = 0; i < ROWS; i++)
        if (is_for(&rows[i], groups))
            *longs++ = (struct option){rows[i].name, rows[i].value != NULL ? required_argument : no_argument, NULL, FIRST_LONG + i};
    *longs = (struct option){0};
}

bool parse_options(const char *verb, int groups, int argc, char **argv, options *to)
{
    struct option longs[ROWS + 1];
    int option;

    fill(groups, longs);
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
        const option_row *row = option >= FIRST_LONG ? &rows[option - FIRST_LONG] : NULL;
        if (option == 'h')
            to->help = true;
        else if (row == NULL) {
            const char name[] = {'-', (char)optopt, '\0'};
            warn("%s: %s %s; see knn %s --help", verb, option == ':' ? "there is no value for" : "there is no option",
                 optopt > 0 && optopt < FIRST_LONG ? name : argv[optind - 1], verb);
            return false;
        } else if (!read_value(row, optarg, to)) {
            warn("%s: --%s cannot be \"%s\"; see knn %s --help", verb, row->name, optarg, verb);
            return false;
        }
    }
    to->arguments = argv + optind;
    to->count = argc - optind;
    return true;
}
