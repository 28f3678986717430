/* The CUDA kernels as C sees them: each function launches on a stream and returns what the launch said. Sizes are below 2^31: the kernels
 * index with 32 bits, since 64-bit division is a subroutine on a GPU. Arrays lie in the device's memory; so do numbers that change from run to
 * run, since launches that are recorded keep their arguments. */
#ifndef KNN_BACKEND_CUDA_KERNELS_H
#define KNN_BACKEND_CUDA_KERNELS_H

#include "backend/backend.h"
#include "backend/image_geometry.h"
#include "backend/updates.h"

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Most blocks that a launch has; tests set it to 1, so that loops over a grid go round. */
extern unsigned knn__cuda_grid_cap;

/* Windows over NHWC: of a convolution or a pooling. Those over whole pictures have the picture's size. */
typedef struct knn__cuda_window {
    unsigned in_height, in_width, channels, out_height, out_width;
    unsigned kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width, pad_top, pad_left;
} knn__cuda_window;

/* ---- im2col.cu. columns: [images][out_height][out_width][kernel_height][kernel_width][count]: what each position sees of the channels
 * first .. first + count - 1. The way back writes these channels of dx: each number gathers what the columns hold of it. ---- */

cudaError_t knn__cuda_im2col(cudaStream_t stream, knn__cuda_window w, unsigned images, unsigned first, unsigned count, const float *x,
                             float *columns);
cudaError_t knn__cuda_col2im(cudaStream_t stream, knn__cuda_window w, unsigned images, unsigned first, unsigned count,
                             const float *columns, float *dx);

/* ---- conv2d_*.cu: convolutions of stride 1, without dilation and groups, whose columns are made up while they are loaded; with ReLU and
 * 2x2 max-pooling, of which the convolution's own output is stored nowhere ---- */

typedef struct knn__cuda_conv {
    knn__cuda_window window;                /* of the convolution */
    unsigned images, filters;
    bool relu, pooled;
    bool tensor;                            /* in TF32 by tensor cores, which the GPU must have */
} knn__cuda_conv;

/* For each number of the pooled output, which cell of its window was the largest, counted row by row, or KNN_CUDA_DEAD: ReLU made it 0. */
typedef struct knn__cuda_cells {
    unsigned char *which;                   /* NULL: not wanted */
    size_t stride;                          /* bytes from one image's to the next */
} knn__cuda_cells;
enum { KNN_CUDA_DEAD = 4 };

/* Whether the current GPU has tensor cores for TF32, and runs kernels that were compiled for such a one. */
cudaError_t knn__cuda_has_tensor_cores(bool *has);

/* bias: may be NULL. cells: if pooled. */
cudaError_t knn__cuda_conv_forward(cudaStream_t stream, knn__cuda_conv c, const float *x, const float *w, const float *bias, float *y,
                                   knn__cuda_cells cells);
/* y: what ReLU made; not looked at without ReLU, or if pooled. */
cudaError_t knn__cuda_conv_input(cudaStream_t stream, knn__cuda_conv c, const float *dy, const float *y, knn__cuda_cells cells, const float *w,
                                 float *dx);
/* dw or db may be NULL. partial: so many floats; not fewer for more images. */
size_t knn__cuda_conv_partial(knn__cuda_conv c);
cudaError_t knn__cuda_conv_weights(cudaStream_t stream, knn__cuda_conv c, const float *x, const float *dy, const float *y, knn__cuda_cells cells,
                                   float *partial, float *dw, float *db);

/* ---- rows.cu: of matrices [rows][columns] ---- */

/* y = f(y + bias); bias may be NULL. */
cudaError_t knn__cuda_add_to_rows(cudaStream_t stream, const float *bias, knn_activation f, unsigned rows, unsigned columns, float *y);
/* to[columns] = the sum of the rows, in an order that depends on the sizes only; `partial`: KNN_CUDA_SUM_PARTS * columns floats. */
enum { KNN_CUDA_SUM_PARTS = 256 };
cudaError_t knn__cuda_sum_rows(cudaStream_t stream, const float *from, unsigned rows, unsigned columns, float *partial, float *to);

/* ---- softmax.cu: softmax, log_softmax, sparsemax over rows of `length` numbers, `step` apart: [blocks][length][step]. Of a batch of n
 * numbers; x is read by sparsemax only on the way back ---- */

typedef struct knn__cuda_row { knn_activation function; unsigned length, step; } knn__cuda_row;
cudaError_t knn__cuda_softmax(cudaStream_t stream, knn__cuda_row r, unsigned n, const float *x, float *y);
cudaError_t knn__cuda_softmax_backward(cudaStream_t stream, knn__cuda_row r, unsigned n, const float *x, const float *y, const float *dy,
                                       float *dx);

/* ---- pooling2d.cu. which: for each number of the output, the cell of its clipped window that was the largest, counted row by row; NULL:
 * not wanted. which_stride: bytes from one image's to the next ---- */

cudaError_t knn__cuda_maximum(cudaStream_t stream, knn__cuda_window w, unsigned images, const float *x, float *y, unsigned char *which,
                              size_t which_stride);
cudaError_t knn__cuda_maximum_backward(cudaStream_t stream, knn__cuda_window w, unsigned images, const float *dy,
                                       const unsigned char *which, size_t which_stride, float *dx);
cudaError_t knn__cuda_mean(cudaStream_t stream, knn__cuda_window w, unsigned images, const float *x, float *y);
cudaError_t knn__cuda_mean_backward(cudaStream_t stream, knn__cuda_window w, unsigned images, const float *dy, float *dx);

/* ---- elementwise.cu ---- */

cudaError_t knn__cuda_activate(cudaStream_t stream, knn_activation f, const float *x, unsigned n, float *y);
cudaError_t knn__cuda_activate_backward(cudaStream_t stream, knn_activation f, const float *kept, const float *dy, unsigned n, float *dx);
cudaError_t knn__cuda_rescale(cudaStream_t stream, float scale, float offset, const float *x, unsigned n, float *y);

typedef struct knn__cuda_draws {
    uint64_t seed;
    uint32_t stream;
    const uint32_t *iteration;
    float keep, scale;                      /* what lies below keep is scaled, else 0 */
    unsigned length, draws;                 /* numbers an image; number i has the draw i % draws */
} knn__cuda_draws;
cudaError_t knn__cuda_drop(cudaStream_t stream, knn__cuda_draws d, unsigned images, const float *from, float *to);

/* to = from + deviation n, or, `factors`, from (1 + deviation n), with normal numbers n. */
typedef struct knn__cuda_noise {
    uint64_t seed;
    uint32_t stream;
    const uint32_t *iteration;
    float deviation;
    bool factors;
    unsigned length;                        /* of an image */
} knn__cuda_noise;
cudaError_t knn__cuda_disturb(cudaStream_t stream, knn__cuda_noise d, unsigned images, const float *from, float *to);

/* ---- batch_normalization.cu: of matrices [rows][channels] ---- */

typedef struct knn__cuda_batch {
    unsigned rows, channels, parts;         /* parts of the rows that are summed by themselves: at most KNN_CUDA_SUM_PARTS */
    bool relu;                              /* behind it */
    float epsilon;
    const float *mean, *variance, *gamma, *beta;        /* [channels]; gamma NULL: all 1, beta NULL: all 0 */
} knn__cuda_batch;

/* Writes the batch's mean and variance, and moves the moving ones. partial: [parts][2][channels]. */
cudaError_t knn__cuda_batch_statistics(cudaStream_t stream, knn__cuda_batch n, const float *x, float momentum, float *partial,
                                       float *mean, float *variance, float *moving_mean, float *moving_variance);
cudaError_t knn__cuda_normalize(cudaStream_t stream, knn__cuda_batch n, const float *x, float *y);
/* sums: [dbeta, dgamma][channels], which dgamma and dbeta, where not NULL, get, too. */
cudaError_t knn__cuda_normalization_gradients(cudaStream_t stream, knn__cuda_batch n, const float *x, const float *dy, float *partial,
                                              float *sums, float *dgamma, float *dbeta);
/* sums NULL: mean and variance are not those of x. */
cudaError_t knn__cuda_normalize_backward(cudaStream_t stream, knn__cuda_batch n, const float *x, const float *dy, const float *sums,
                                         float *dx);

/* ---- rectifiers.cu ---- */

typedef struct knn__cuda_rectifier {
    knn_op op;
    unsigned length, width, channels;       /* of an image */
    unsigned alpha_height, alpha_width, alpha_channels; /* PReLU: alpha's sizes: the image's, or 1 */
    const float *alphas;                    /* NULL: `alpha` for all */
    float alpha, max_value, threshold;
} knn__cuda_rectifier;

cudaError_t knn__cuda_rectify(cudaStream_t stream, knn__cuda_rectifier r, unsigned images, const float *x, float *y);
cudaError_t knn__cuda_rectify_backward(cudaStream_t stream, knn__cuda_rectifier r, unsigned images, const float *x, const float *dy, float *dx);
/* products: [images][alphas]: what each image adds to the alphas' gradients. */
cudaError_t knn__cuda_alpha_products(cudaStream_t stream, knn__cuda_rectifier r, unsigned images, const float *x, const float *dy,
                                     float *products);

/* ---- geometry.cu ---- */

/* Number (row, column) of a picture is (row - top, column - left) of the other one, modulo 2^32; zeros where that has none. */
typedef struct knn__cuda_shift { unsigned from_height, from_width, to_height, to_width, channels, top, left; } knn__cuda_shift;
cudaError_t knn__cuda_shift_pictures(cudaStream_t stream, knn__cuda_shift s, unsigned images, const float *from, float *to);

/* Of the result; the source advances by step[k] numbers along its axis k. */
typedef struct knn__cuda_axes { unsigned size[3], step[3]; } knn__cuda_axes;
cudaError_t knn__cuda_permute(cudaStream_t stream, knn__cuda_axes a, unsigned images, const float *from, float *to);

/* Each row comes `rows` times, each column `columns` times; or with numbers between them. */
typedef struct knn__cuda_enlargement { knn_op op; unsigned in_height, in_width, channels, rows, columns; } knn__cuda_enlargement;
cudaError_t knn__cuda_enlarge(cudaStream_t stream, knn__cuda_enlargement e, unsigned images, const float *x, float *y);
cudaError_t knn__cuda_enlarge_backward(cudaStream_t stream, knn__cuda_enlargement e, unsigned images, const float *dy, float *dx);

/* ---- group_normalization.cu: blocks of [rows][groups][columns] ---- */

typedef struct knn__cuda_groups {
    unsigned rows, groups, columns;
    float epsilon;
    const float *gamma, *beta;              /* [groups][columns]; NULL: all 1, all 0 */
} knn__cuda_groups;

/* Of n numbers. statistics: [blocks][groups][mean, 1 / deviation]. */
cudaError_t knn__cuda_group_statistics(cudaStream_t stream, knn__cuda_groups g, unsigned n, const float *x, float *statistics);
cudaError_t knn__cuda_normalize_groups(cudaStream_t stream, knn__cuda_groups g, unsigned n, const float *x, const float *statistics, float *y);
/* products: [n]: dy times the normalized x: gamma's gradient is their sum over blocks and rows. */
cudaError_t knn__cuda_group_products(cudaStream_t stream, knn__cuda_groups g, unsigned n, const float *x, const float *dy,
                                     const float *statistics, float *products);
cudaError_t knn__cuda_group_sums(cudaStream_t stream, knn__cuda_groups g, unsigned n, const float *dy, const float *products, float *sums);
/* sums: [blocks][groups][2]: the means of gamma dy and of gamma dy times the normalized x. */
cudaError_t knn__cuda_normalize_groups_backward(cudaStream_t stream, knn__cuda_groups g, unsigned n, const float *x, const float *dy,
                                                const float *statistics, const float *sums, float *dx);

/* ---- normalization.cu: by statistics that are known ---- */

typedef struct knn__cuda_known {
    unsigned channels;
    const double *given;                    /* [statistics] means, then variances; NULL: the weights */
    unsigned statistics;                    /* 1: the same for all channels */
    const float *mean, *variance;           /* [channels] */
    bool invert;
} knn__cuda_known;
cudaError_t knn__cuda_normalize_known(cudaStream_t stream, knn__cuda_known k, unsigned n, const float *x, float *y);
cudaError_t knn__cuda_normalize_known_backward(cudaStream_t stream, knn__cuda_known k, unsigned n, const float *dy, float *dx);

/* ---- embedding.cu: rows of a table [rows][width]; numbers that are no row of it give zeros ---- */

typedef struct knn__cuda_table { unsigned rows, width; } knn__cuda_table;
cudaError_t knn__cuda_embed(cudaStream_t stream, knn__cuda_table t, unsigned numbers, const float *x, const float *table, float *y);
cudaError_t knn__cuda_embed_backward(cudaStream_t stream, knn__cuda_table t, unsigned numbers, const float *x, const float *dy, float *gradient);

/* ---- images.cu ---- */

typedef struct knn__cuda_picture {
    knn__image_transform transform;
    unsigned out_height, out_width, channels;
    float fill_value;
} knn__cuda_picture;
/* Of one image. The way back writes all of dx. */
cudaError_t knn__cuda_sample(cudaStream_t stream, knn__cuda_picture p, const float *x, float *y);
cudaError_t knn__cuda_spread(cudaStream_t stream, knn__cuda_picture p, const float *dy, float *dx);

/* y = r x + (1 - r) the channel's mean, or x + r, r drawn from [least, most) for each image; cut to [low, high]. */
typedef struct knn__cuda_color {
    uint64_t seed;
    uint32_t stream;
    const uint32_t *iteration;
    float least, most, low, high;
    bool contrast;
    unsigned positions, channels;
} knn__cuda_color;
/* means: [images][channels]. */
cudaError_t knn__cuda_channel_means(cudaStream_t stream, knn__cuda_color c, unsigned images, const float *x, float *means);
cudaError_t knn__cuda_recolor(cudaStream_t stream, knn__cuda_color c, unsigned images, const float *x, const float *means, float *y);
/* dz: dy without what was cut; then dx, from the means of dz, in its place. */
cudaError_t knn__cuda_mask_color(cudaStream_t stream, knn__cuda_color c, unsigned images, const float *x, const float *means, const float *dy,
                                 float *dz);
cudaError_t knn__cuda_blend_color(cudaStream_t stream, knn__cuda_color c, unsigned images, const float *means, float *dx);

/* ---- pictures.cu: what a network is fed with ---- */

cudaError_t knn__cuda_feed(cudaStream_t stream, const knn__pictures_call *call);

/* ---- loss.cu ---- */

cudaError_t knn__cuda_loss(cudaStream_t stream, const knn__loss_call *call);

/* ---- optimizer.cu, optimizer_arrays.cu, constraints.cu. An optimizer's step, as its kernels see it ---- */

/* What changes from step to step. */
typedef struct knn__cuda_now {
    knn__update_constants constants;
    float fresh, most_rate;                 /* Adafactor: share of the new value in its means; the rate at most */
    float share_1, share_2;                 /* Lamb: 1 - beta^t */
    float kept;                             /* share of the average that stays */
    bool overwrite;
} knn__cuda_now;

typedef struct knn__cuda_step {
    knn__update_op op;
    const knn__cuda_now *now;
    float epsilon_2, clip_threshold;        /* Adafactor */
    float *weights, *gradients, *sum, *average;
    float *slot[KNN_OWN_SLOTS];             /* NULL: not in use */
    size_t length;
    const knn__weight_array *arrays;        /* [count] */
    unsigned count;
    bool by_arrays;                         /* Lamb and Adafactor */
    bool penalized, by_norm, last;
    float batches, clipnorm, clipvalue, global_clipnorm;
    float *factors;                         /* [count]: of an array's gradients (by_norm), later of its change */
    double *totals, *partial;               /* [count][2]; [count][KNN_STEP_PARTS][2] */
    double *penalty;
} knn__cuda_step;

cudaError_t knn__cuda_update(cudaStream_t stream, knn__cuda_step s);
/* The average of the weights, behind an update by arrays; all others make it themselves. */
cudaError_t knn__cuda_average(cudaStream_t stream, knn__cuda_step s);
cudaError_t knn__cuda_penalties(cudaStream_t stream, knn__cuda_step s);
/* What the gradients of each array are multiplied by, so that norms are within their bounds. */
cudaError_t knn__cuda_clip_factors(cudaStream_t stream, knn__cuda_step s);
/* Lamb's or Adafactor's step, of weights that have decayed and gradients that are clipped: knn__cuda_update left them so. */
cudaError_t knn__cuda_update_arrays(cudaStream_t stream, knn__cuda_step s);
/* The first `vectors` vectors of the constrained arrays. */
cudaError_t knn__cuda_constrain(cudaStream_t stream, knn__cuda_step s, size_t vectors);

/* ---- orthogonality.cu: of n vectors ---- */

typedef struct knn__cuda_cosines {
    unsigned n;
    float *products;                        /* [n][n]: of all pairs */
    double *norms, *sums;                   /* [n]: sums of |cosine| with the others */
    double factor;                          /* of the sum over all pairs */
} knn__cuda_cosines;
/* From the products, norms and sums; number a of row b of the products becomes what vector b is multiplied by in the gradient of vector a. */
cudaError_t knn__cuda_cosine_slopes(cudaStream_t stream, knn__cuda_cosines c);
/* *penalty += factor * the sum over all pairs. */
cudaError_t knn__cuda_add_cosines(cudaStream_t stream, knn__cuda_cosines c, double *penalty);

#ifdef __cplusplus
}
#endif

#endif
