/* knn/data.h: data sets: pictures in directories, arrays, users' own (knn/extend.h).
 *
 * A data set has no position and no batch size: it answers (seed, epoch, index) -> sample, the same one each time, from several
 * threads at once. Order, batches and shuffling belong to knn_fit; predict and evaluate never shuffle. */
#ifndef KNN_DATA_H
#define KNN_DATA_H

#include <knn/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct knn_dataset knn_dataset;

/* Labels: one-hot; 0 or 1 (exactly two classes); the number of the class; none. */
typedef enum knn_class_mode { KNN_CATEGORICAL = 0, KNN_BINARY = 1, KNN_SPARSE = 2, KNN_NO_CLASSES = 3 } knn_class_mode;
/* What lies outside a picture that is moved: its edge, cval, mirrored (abc|cba), repeated as SciPy's "wrap" does (period n - 1). */
typedef enum knn_fill_mode { KNN_FILL_NEAREST = 0, KNN_FILL_CONSTANT = 1, KNN_FILL_REFLECT = 2, KNN_FILL_WRAP = 3 } knn_fill_mode;
/* Which part of a data set with a .validation_split. */
typedef enum knn_subset { KNN_ALL = 0, KNN_TRAINING = 1, KNN_VALIDATION = 2 } knn_subset;

/* Keras' ImageDataGenerator. Draws are uniform; geometry is one bilinear resampling around the picture's centre, in the order rotation,
 * shift, shear, zoom; then channel shift, flips, brightness; then x = (x * rescale - mean) / (std + 1e-6), as far as asked for: by the
 * picture's own mean and std (samplewise), then by those of its channels over a whole data set (featurewise); at last ZCA whitening takes
 * correlations between the numbers of a picture away.
 * Everything before `rescale` is augmentation and happens in training only. */
typedef struct knn_generator_options {
    size_t size;
    double rescale;                         /* 0: 1 */
    double rotation_range;                  /* degrees: [-r, r] */
    double width_shift_range, height_shift_range;       /* below 1: of the width or height; else pixels */
    double shear_range;                     /* degrees, counter-clockwise */
    double zoom_range;                      /* [1 - z, 1 + z], independently for rows and columns; below 1 enlarges */
    double zoom_lower, zoom_upper;          /* instead: [lower, upper] */
    double channel_shift_range;             /* added to a channel, [-r, r], clipped to the picture's own range */
    double brightness_lower, brightness_upper;          /* both 0: off; factor on the 0..255 picture */
    bool horizontal_flip, vertical_flip;
    bool samplewise_center, samplewise_std_normalization;
    knn_fill_mode fill_mode;
    double cval;                            /* KNN_FILL_CONSTANT's value, in 0..255 */
    bool featurewise_center, featurewise_std_normalization;     /* want statistics, which knn_generator_fit finds: */
    int channels;                           /* of the statistics; 0: there are none */
    double mean[4], std[4];                 /* of each channel, behind rescale */
    bool zca_whitening;                     /* x = (x - mean) whitening, without std; wants statistics and a matrix, knn_generator_fit's, too: */
    double zca_epsilon;                     /* 0: 1e-6 */
    float *whitening;                       /* [length][length], length: numbers of a picture, at most 4,096. Memory of yours, in which */
    size_t whitening_length;                /* knn_generator_fit puts the matrix, for as long as flows use it; models copy it. length, else 0 */
} knn_generator_options;
#define knn_image_data_generator(...) KNN_OPTIONS(knn_generator_options, __VA_ARGS__)

/* Keras' fit of a generator. By position: data. */
typedef struct knn_generator_fit_options {
    size_t size;
    const knn_dataset *data;                /* required: pictures as they are, opened without a generator */
    bool augment;                           /* statistics of changed pictures, as the generator changes them */
    int rounds;                             /* with augment: how often each picture is changed; 0: 1 */
    uint64_t seed;                          /* with augment: of the changes */
} knn_generator_fit_options;
/* Fills in channels, mean and std, and the matrix for zca_whitening (minutes for pictures near its limit), for flows that are opened with the generator afterwards:
 *
 *     knn_generator_options generator = *knn_image_data_generator(.rescale = 1 / 255.0, .featurewise_center = true);
 *     if (knn_generator_fit(&generator, pictures) == KNN_OK)
 *         training = knn_flow_from_directory("train", 64, 64, .generator = &generator);
 *
 * Reads every sample once. Errors: ARGUMENT (a data set with a generator of its own), SHAPE (not of 1 to 4 channels,
 * or too large for zca_whitening), DATA, MEMORY. */
#define knn_generator_fit(generator, ...) knn_generator_fit_with(generator, KNN_OPTIONS(knn_generator_fit_options, __VA_ARGS__))
KNN_API knn_status knn_generator_fit_with(knn_generator_options *generator, const knn_generator_fit_options *options);

/* Keras' flow_from_directory: one folder a class, pictures anywhere below it. By position: directory, target height, target width. */
typedef struct knn_directory_options {
    size_t size;
    const char *directory;                  /* required */
    int target_height, target_width;        /* 0: 256; width 0: as the height */
    const knn_generator_options *generator; /* NULL: pictures as they are, 0..255 */
    knn_class_mode class_mode;              /* KNN_NO_CLASSES: every picture below the directory, listed, not opened */
    knn_interpolation interpolation;        /* as Pillow does it: nearest (default), bilinear and box with antialiasing */
    bool grayscale;                         /* one channel instead of three */
    bool apply_orientation;                 /* turn by the Exif orientation (Keras does not) */
    bool follow_links;                      /* into linked directories */
    bool skip_bad_files;                    /* leave out what cannot be read; else opening fails with their names */
    const char *const *classes;             /* NULL-terminated folder names in label order; NULL: the folders, sorted by bytes */
    double validation_split;                /* of every class, from the head of its sorted list, as Keras does */
    knn_subset subset;                      /* KNN_VALIDATION is never augmented */
    size_t cache_bytes;                     /* decoded 8-bit pictures kept; 0: 160 MiB, 1: none */
    size_t max_pixels;                      /* 0: 64 million; a larger picture is refused before it is decoded */
} knn_directory_options;

#define knn_pictures(...) KNN_OPTIONS(knn_directory_options, __VA_ARGS__)        /* how pictures are prepared, without opening any */

/* Opens a data set. Pictures are .png .jpg .jpeg .bmp .ppm (any case), found in sorted order; their headers are read now, pixels when they
 * are needed. NULL on failure: no such directory, no class folders, a class without pictures, other than two classes with
 * KNN_BINARY, unreadable pictures (up to ten are named), .tif files (unsupported, named). The options are copied. */
#define knn_flow_from_directory(...) knn_flow_from_directory_with(KNN_OPTIONS(knn_directory_options, __VA_ARGS__))
KNN_API knn_dataset *knn_flow_from_directory_with(const knn_directory_options *options);

/* Keras' flow(x, y): arrays in memory, which must outlive the data set. By position: x, y, samples. */
typedef struct knn_flow_options {
    size_t size;
    const float *x;                         /* [samples][height][width][channels], required */
    const float *y;                         /* [samples][outputs]; NULL: none (predict) */
    size_t samples;                         /* required, >= 1 */
    int height, width, channels;            /* of a sample; trailing zeros lower the rank, as in knn_input */
    int outputs;                            /* floats a label; 0: 1 */
    const double *sample_weight;            /* [samples]; NULL: all 1 */
    const knn_generator_options *generator; /* NULL: as they are; augmentation wants rank 3 */
    double validation_split;                /* with .subset: the last part is KNN_VALIDATION */
    knn_subset subset;
} knn_flow_options;
#define knn_flow(...) knn_flow_with(KNN_OPTIONS(knn_flow_options, __VA_ARGS__))
KNN_API knn_dataset *knn_flow_with(const knn_flow_options *options);

KNN_API void        knn_dataset_free(knn_dataset *dataset);                     /* NULL is fine */

/* NULL handles give 0 or NULL below. Texts belong to the data set. */
KNN_API size_t      knn_dataset_samples(const knn_dataset *dataset);
KNN_API size_t      knn_dataset_skipped(const knn_dataset *dataset);            /* bad files left out */
KNN_API const char *knn_dataset_skipped_path(const knn_dataset *dataset, size_t index);
KNN_API const char *knn_dataset_path(const knn_dataset *dataset, size_t index); /* of sample `index`; NULL: not from a file */
KNN_API int         knn_dataset_label(const knn_dataset *dataset, size_t index);        /* of sample `index`, by its folder; -1: none */
KNN_API size_t      knn_dataset_class_count(const knn_dataset *dataset);
KNN_API const char *knn_dataset_class_name(const knn_dataset *dataset, size_t index);
KNN_API size_t      knn_dataset_input_length(const knn_dataset *dataset);       /* floats of one x */
KNN_API size_t      knn_dataset_output_length(const knn_dataset *dataset);      /* floats of one y; 0 without labels */

/* One sample as training in `epoch` (from 0) sees it, or, with augment false, as validation does. x has knn_dataset_input_length floats,
 * y (or NULL) knn_dataset_output_length. */
KNN_API knn_status  knn_dataset_sample(const knn_dataset *dataset, uint64_t seed, int epoch, size_t index, bool augment, float *x, float *y);

/* A picture's size and channels (1: grey, 2: and alpha, 3: colours, 4: and alpha, or CMYK) by its header; each may be NULL. A good header is no
 * promise: knn_dataset_sample decodes. Errors: DATA (no picture that can be read), IO, MEMORY. */
KNN_API knn_status  knn_picture_info(const char *path, int *width, int *height, int *channels);

#ifdef __cplusplus
}
#endif
#endif
