/* knn/base.h: what every other header needs: export mark, the macros behind knn_dense(...) and friends. */
#ifndef KNN_BASE_H
#define KNN_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#if defined(__GNUC__) || defined(__clang__)
#define KNN_API __attribute__((visibility("default")))
#else
#define KNN_API
#endif

/* In a field, 0 means Keras' default. These ask for a real zero where the default is another number:
 * KNN_ZERO in real fields, e.g. knn_rmsprop(.rho = KNN_ZERO); KNN_NONE in integer fields, e.g. .patience = KNN_NONE. */
#define KNN_ZERO 1e-300
#define KNN_NONE (-1)

#define KNN_MAX_METRICS 8
#define KNN_MAX_CALLBACKS 16

/* How a picture gets another size: of data sets (knn/data.h) and of layers (knn_up_sampling2d). */
typedef enum knn_interpolation { KNN_RESIZE_NEAREST = 0, KNN_RESIZE_BILINEAR = 1, KNN_RESIZE_AREA = 2 } knn_interpolation;

/* Descriptions are compound literals: nothing is allocated, nothing leaks, the library copies what it keeps.
 * One lives until the end of the enclosing block: use it in the call. */
#ifdef __cplusplus
template <class T> inline const T *knn_temporary(const T &value) { return &value; }
#define KNN_DESCRIBE(type, base, label, ...) \
    (&knn_temporary(type{.base = {label, sizeof(type), nullptr}, __VA_ARGS__})->base)
#define KNN_OPTIONS(type, ...) knn_temporary(type{.size = sizeof(type), __VA_ARGS__})
#else
#define KNN_DESCRIBE(type, base, label, ...) (&(const type){.base = {label, sizeof(type), NULL}, __VA_ARGS__}.base)
#define KNN_OPTIONS(type, ...) (&(const type){.size = sizeof(type), __VA_ARGS__})
#endif

#endif
