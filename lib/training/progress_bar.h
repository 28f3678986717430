/* Keras' progress bar as text: what to write, given the time. Does not write it and has no clock. */
#ifndef KNN_TRAINING_PROGRESS_BAR_H
#define KNN_TRAINING_PROGRESS_BAR_H

#include "core/text.h"

/* An epoch's bar. Times in seconds, on any clock that does not go back. */
typedef struct knn__bar {
    size_t target;                          /* batches of the epoch */
    bool redraws;                           /* overwrite the line, as on a terminal; else only the finished line is made */
    double start;
    double last, first_step;                /* of the last line; behind the first batch. Negative: not yet */
    size_t width;                           /* characters of the last line */
} knn__bar;

void knn__bar_begin(knn__bar *bar, size_t target, bool redraws, double now);

/* Appends the line behind batch `current` (from 1), or behind the epoch (final; current is the target then) to `text`.
 * Nothing is appended where Keras would skip the redraw, less than 0.05 s behind the last one. */
void knn__bar_update(knn__bar *bar, size_t current, bool final, double now, const char *const *names, const double *values,
                     int count, knn__text *text);

#endif
