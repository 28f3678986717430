/* The command line after the verb. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

typedef struct options {
    char **arguments;
    int count;
    bool json, help, version;
    const char *config;                     /* NULL: the file has layers */
    const char *backend;
    int threads;
    const char *classes;                    /* "cat,dog"; NULL: the file's */
    double rescale;                         /* 0: not said */
    int preprocessing, interpolation;       /* number in the list of names, from 1; 0: not said */
    bool logits;
    int top, batch_size;                    /* 0: not said */
    bool weights_only, no_optimizer;
} options;

extern const char *const preprocessing_names[], *const interpolation_names[];
enum { PREPROCESSING_TF = 1, PREPROCESSING_TORCH = 2 };

/* Which options a verb takes beside --json, --help and --version. */
enum { FOR_FILES = 1, FOR_RUNNING = 2, FOR_PREDICTING = 4, FOR_EVALUATING = 8, FOR_CONVERTING = 16 };

/* False: wrong usage, said in a line. */
bool parse_options(const char *verb, int groups, int argc, char **argv, options *to);
void print_options(int groups);             /* the lines of --help */

#endif
