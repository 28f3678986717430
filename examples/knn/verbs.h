/* The verbs, one a file. Each returns the exit status. */
#ifndef VERBS_H
#define VERBS_H

#include "options.h"
#include "output.h"

enum { EXIT_USAGE = 2 };

typedef int verb_function(const options *o, output *to);

verb_function summary, info, convert, predict, evaluate, check;

#endif
