/* TensorBoard's event files: records of dated summaries, each written at once, so that a TensorBoard that runs meanwhile sees it. */
#ifndef KNN_TRAINING_EVENT_FILE_H
#define KNN_TRAINING_EVENT_FILE_H

#include "core/text.h"

#include <knn/status.h>

/* Zeroed: none. */
typedef struct knn__event_file {
    int descriptor;
    char *path;                             /* owned; NULL: not open */
} knn__event_file;

/* A new file in `directory`, which is made where it does not exist. */
knn_status knn__event_file_open(const char *directory, knn__event_file *file);
/* An event of now: `summary` holds Summary.value fields (summary.h). */
knn_status knn__event_file_add(const knn__event_file *file, int64_t step, const knn__text *summary);
void       knn__event_file_close(knn__event_file *file);       /* one that is not open is fine */

#endif
