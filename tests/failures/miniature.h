/* A whole catdog in miniature: pictures on disk, two data sets, a net, training with callbacks, a model file, loading, predictions.
 * For the tests that let things fail on the way. */
#ifndef KNN_TESTS_MINIATURE_H
#define KNN_TESTS_MINIATURE_H

#include <knn/knn.h>

/* A new folder with pictures train|validation / cat|dog / N.jpg, and room for files. Writes its path; fails the test if it cannot. */
void miniature_make(char *folder, size_t size);
void miniature_remove(const char *folder);

/* The whole job in the folder. Ends at the first failure, having freed everything; returns its status. Prints nothing. */
knn_status miniature_run(const char *folder);

/* Every way to go wrong that we know, one after the other. Returns the number of calls that did NOT fail as they should. */
int miniature_mistakes(const char *folder);

#endif
