/* Augmentation: what is drawn for a picture, and doing it. Draws from (seed, epoch, index) alone, keeps no state. */
#ifndef KNN_DATA_AUGMENTATION_H
#define KNN_DATA_AUGMENTATION_H

#include "data/affine.h"

/* What is done to one picture, in this order: geometry, channel shift, flips, brightness. Zero-initialised it does
 * nothing but for the zooms, which must be 1. */
typedef struct knn__transformation {
    double rotation;                        /* degrees */
    double shift_rows, shift_columns;       /* pixels */
    double shear;                           /* degrees */
    double zoom_rows, zoom_columns;         /* below 1 enlarges */
    double channel_shift;                   /* added to every value */
    bool horizontal_flip, vertical_flip;
    bool brighten;
    double brightness;                      /* factor */
    knn_fill_mode fill_mode;
    double cval;
} knn__transformation;

/* Whether a completed generator (knn__complete_generator) ever changes a picture. */
bool knn__augments(const knn_generator_options *generator);

/* Whether pictures of this size can be: places in them are counted in int. */
bool knn__can_augment(int height, int width, int channels);

/* What sample `index` of height x width pixels undergoes in `epoch`. */
void knn__draw_transformation(const knn_generator_options *generator, int height, int width, uint64_t seed, int epoch,
                              size_t index, knn__transformation *transformation);

/* The same as it is done to a picture of this size. */
knn__picture_change knn__change_of(const knn__transformation *transformation, int height, int width);

/* x[height][width][channels], in the units of the image. */
knn_status knn__change_picture(const knn__pixels *image, const knn__picture_change *change, float *x);
knn_status knn__transform(const knn__pixels *image, const knn__transformation *transformation, float *x);

#endif
