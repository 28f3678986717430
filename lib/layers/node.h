/* A node: a layer as kernels see it: an operation, its geometry, where its weights lie. Computes nothing. */
#ifndef KNN_LAYERS_NODE_H
#define KNN_LAYERS_NODE_H

#include <knn/extend.h>

typedef enum knn_op {
    KNN_OP_NONE,
    KNN_OP_CONV2D, KNN_OP_MAX_POOLING2D, KNN_OP_AVERAGE_POOLING2D, KNN_OP_GLOBAL_AVERAGE_POOLING2D, KNN_OP_GLOBAL_MAX_POOLING2D,
    KNN_OP_DENSE, KNN_OP_ACTIVATION, KNN_OP_DROPOUT, KNN_OP_BATCH_NORMALIZATION, KNN_OP_ZERO_PADDING2D, KNN_OP_RESCALING,
    KNN_OP_RECTIFIER, KNN_OP_SCALED_ELU, KNN_OP_PRELU,          /* activations with parameters or weights */
    KNN_OP_SOFTMAX,                         /* not over the channels, as the activation is */
    KNN_OP_GROUP_NORMALIZATION,             /* layer normalization is one, too */
    KNN_OP_NORMALIZATION,                   /* by statistics that are known */
    KNN_OP_GAUSSIAN_NOISE, KNN_OP_GAUSSIAN_DROPOUT, KNN_OP_EMBEDDING,
    KNN_OP_IMAGE_MAP, KNN_OP_RANDOM_CONTRAST, KNN_OP_RANDOM_BRIGHTNESS,
    KNN_OP_FLATTEN,                         /* the same numbers in another shape: no kernel runs it */
    KNN_OP_CONV2D_TRANSPOSE, KNN_OP_CROPPING2D, KNN_OP_PERMUTE, KNN_OP_UP_SAMPLING_NEAREST, KNN_OP_UP_SAMPLING_BILINEAR,
    KNN_OP_CUSTOM
} knn_op;

/* Height, width, channels; shapes of lower rank have leading ones. */
typedef struct knn_extent { int height, width, channels; } knn_extent;

/* One weight array in the arenas (weights, gradients, slots all have the same layout, Keras'). */
typedef struct knn_node_weight {
    size_t offset, length;                  /* in floats; length 0: the node has no such weight */
    bool trainable;
} knn_node_weight;

enum { KNN_NODE_WEIGHTS = 4 };
/* Positions in node.weight: convolution and dense: kernel, bias; normalizations: gamma, beta; batch normalization: also moving mean and
 * moving variance; normalization by known statistics: mean, variance, and their count; PReLU: alpha; embedding: its table as the kernel. */
enum { KNN_KERNEL = 0, KNN_BIAS = 1, KNN_ALPHA = 0, KNN_GAMMA = 0, KNN_BETA = 1, KNN_MOVING_MEAN = 2, KNN_MOVING_VARIANCE = 3,
       KNN_KNOWN_MEAN = 0, KNN_KNOWN_VARIANCE = 1, KNN_KNOWN_COUNT = 2 };

/* Which place of the input a pixel of the output shows: a window stretched to the output, or what is drawn anew for each picture. */
typedef enum knn_map { KNN_MAP_WINDOW, KNN_MAP_FLIP, KNN_MAP_TRANSLATION, KNN_MAP_ROTATION, KNN_MAP_ZOOM } knn_map;
typedef struct knn_image_map {
    knn_map map;
    int top, left, height, width;           /* window: what it has beyond the input shows the fill value */
    bool flip_rows, flip_columns;
    double rows[2], columns[2];             /* bounds of what is drawn: shares of height and width, zooms; rows: shares of a full turn */
    bool joint;                             /* the zoom of columns is that of rows */
    knn_outside fill_mode;
    knn_sampling interpolation;
    double fill_value;
} knn_image_map;

typedef struct knn_node {
    knn_op op;
    const char *name;                       /* the layer's, for messages */
    int layer;                              /* its index in the model: the stream of its random numbers */
    knn_extent in, out;
    /* Windows (convolution, pooling): rows, then columns. Upsampling: the strides are how often each row and column comes. */
    int kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width;
    int pad_top, pad_bottom, pad_left, pad_right;           /* also of zero padding, and what cropping takes away */
    int groups;
    int axes[3];                            /* permute: output axis k is the input's axis axes[k]; 0: height */
    knn_activation activation;
    int length, step;                       /* softmax and its like: over `length` numbers, `step` floats apart */
    int rows, columns;                      /* group normalization: blocks of [rows][groups][columns], one behind the other */
    knn_extent shared;                      /* PReLU: alpha's sizes: the input's, or 1 */
    double alpha, max_value, threshold;     /* rectifier: slope below, infinity: no maximum; scaled ELU: alpha */
    double rate;                            /* dropout; Gaussian noise and dropout: standard deviation */
    bool whole_channels;                    /* dropout */
    double scale, offset;                   /* rescaling */
    knn_image_map map;
    double factor[2], value_range[2];       /* random contrast and brightness: bounds of what is drawn; y is cut to the range */
    bool training_only;                     /* outside training it is the identity, and is left out */
    double momentum, epsilon;               /* normalizations */
    const double *mean, *variance;          /* normalization: [statistics], the description's; statistics 0: weights are */
    int statistics;                         /* 1: the same for all channels */
    bool invert;
    bool frozen;                            /* batch normalization by its moving statistics, in training, too */
    knn_node_weight weight[KNN_NODE_WEIGHTS];
    const knn_layer *description;           /* custom layers */
    knn_shape in_shape, out_shape;
} knn_node;

/* Whether a node is softmax, log_softmax or sparsemax: the activations that are not elementwise. */
static inline bool knn__is_over_rows(const knn_node *n)
{
    return n->op == KNN_OP_SOFTMAX || (n->op == KNN_OP_ACTIVATION && (n->activation == KNN_SOFTMAX || n->activation == KNN_LOG_SOFTMAX ||
                                                                      n->activation == KNN_SPARSEMAX));
}

static inline size_t knn__extent_length(knn_extent e) { return (size_t)e.height * (size_t)e.width * (size_t)e.channels; }

#endif
