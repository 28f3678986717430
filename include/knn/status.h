/* knn/status.h: what a call returns, and why it failed. */
#ifndef KNN_STATUS_H
#define KNN_STATUS_H

#include <knn/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers are fixed for good. Errors are negative. */
typedef enum knn_status {
    KNN_OK = 0,
    KNN_STOP = 1,                       /* from a callback: end training; knn_fit then returns KNN_OK */
    KNN_ERROR_ARGUMENT = -101,          /* a value outside its range, a missing argument, a NULL handle */
    KNN_ERROR_SHAPE = -102,             /* sizes that do not go together */
    KNN_ERROR_STATE = -103,             /* the right call at the wrong time: not compiled, no layers, in use elsewhere */
    KNN_ERROR_UNSUPPORTED = -104,       /* legal in Keras, not in this build or on this backend */
    KNN_ERROR_MEMORY = -201,
    KNN_ERROR_DEVICE_MEMORY = -202,
    KNN_ERROR_IO = -301,                /* the system refused: text has its reason */
    KNN_ERROR_FORMAT = -302,            /* a file that is not what it should be */
    KNN_ERROR_VERSION = -303,           /* a library of another version than at compile time */
    KNN_ERROR_DATA = -401,              /* pictures or labels that cannot be used */
    KNN_ERROR_DEVICE = -501,
    KNN_ERROR_CALLBACK = -601,          /* a user's callback returned an unknown status */
    KNN_ERROR_INTERNAL = -901           /* a bug in libknn */
} knn_status;

/* "KNN_ERROR_SHAPE"; "unknown status" for other numbers. A constant text. */
KNN_API const char *knn_status_name(knn_status status);

/* What went wrong last in this thread: one line, never NULL, empty when nothing did. It names what, where, expected and got;
 * several problems are joined by "; ". Valid until the next libknn call of this thread. */
KNN_API const char *knn_last_error(void);

#ifdef __cplusplus
}
#endif
#endif
