/* Convolution as a matrix product: the general path, for every stride, dilation, padding and number of groups. Does not lay out the
 * columns (im2col.cu) nor multiply (blas.c).
 *
 *   columns [positions][length]   what each position of some images sees; length = kernel_height * kernel_width * channels of a group
 *   y       [positions][filters]  columns * W + bias
 *
 * The batch is done in chunks of images whose columns stay in a second-level cache. */
#include "backend/cuda/blas.h"
#include "backend/cuda/cuda.h"
#include "backend/cuda/window.h"

enum { CHUNK_BYTES = 16 << 20 };

typedef struct convolution {
    const knn_step *step;
    const knn_node *node;
    knn__cuda_window window;
    bool direct;                            /* 1x1: the image itself is the columns */
    size_t positions, length, filters;      /* of an image; of a group */
    size_t channels;                        /* of the output, all groups */
    int chunk;                              /* images */
    float *columns, *partial;               /* scratch */
} convolution;

static int images_a_chunk(const convolution *c, int capacity)
{
    size_t bytes = c->positions * c->length * sizeof(float), fitting = bytes > 0 ? CHUNK_BYTES / bytes : 1;
    return fitting < 1 ? 1 : fitting < (size_t)capacity ? (int)fitting : capacity;
}

static size_t columns_bytes(const convolution *c) { return c->direct ? 0 : (size_t)c->chunk * c->positions * c->length * sizeof(float); }

static convolution describe(const knn_node *n, const knn_request *request)
{
    convolution c = {.node = n, .window = knn__cuda_window_of(n)};
    c.positions = (size_t)n->out.height * (size_t)n->out.width;
    c.length = (size_t)n->kernel_height * (size_t)n->kernel_width * (size_t)(n->in.channels / n->groups);
    c.channels = (size_t)n->out.channels;
    c.filters = c.channels / (size_t)n->groups;
    c.direct = n->groups == 1 && n->kernel_height == 1 && n->kernel_width == 1 && n->stride_height == 1 && n->stride_width == 1 &&
               n->pad_top + n->pad_bottom + n->pad_left + n->pad_right == 0;
    c.chunk = c.direct ? request->capacity : images_a_chunk(&c, request->capacity);
    return c;
}

static convolution at_work(const knn_step *step)
{
    convolution c = describe(&step->nodes[0], &step->request);
    c.step = step;
    c.columns = knn__scratch(step, 0);
    c.partial = c.columns + columns_bytes(&c) / sizeof(float);
    return c;
}

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)count;
    convolution c = describe(&nodes[0], request);
    *reason = "more than 2^31 numbers in the columns of an image";
    return knn__cuda_fits((size_t)c.chunk, c.positions * c.length) ? 1 : 0;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    convolution c = describe(&step->nodes[0], &step->request);
    needs->tensor = step->device->tensor;
    needs->input = true;
    needs->scratch = columns_bytes(&c) + KNN_CUDA_SUM_PARTS * c.channels * sizeof(float);
}

/* ---- A chunk ---- */

static int chunk_end(const convolution *c, int first, knn_part part) { return part.last - first < c->chunk ? part.last : first + c->chunk; }

static unsigned group_channels(const convolution *c) { return (unsigned)(c->node->in.channels / c->node->groups); }

/* The columns of the images [first, last): their own numbers, or laid out. */
static knn__cuda_matrix gather(const convolution *c, int first, int last, int group, bool transposed)
{
    const float *x = knn__image(&c->step->x, first, 0);
    if (c->direct)
        return (knn__cuda_matrix){x, c->length, transposed};
    unsigned count = group_channels(c);
    knn__cuda_did(c->step->device, knn__cuda_im2col(c->step->device->stream, c->window, (unsigned)(last - first), (unsigned)group * count,
                                                    count, x, c->columns), "im2col");
    return (knn__cuda_matrix){c->columns, c->length, transposed};
}

static knn__cuda_matrix kernel_of(const convolution *c, int group, bool transposed)
{
    return (knn__cuda_matrix){knn__weight(c->step, 0, KNN_KERNEL) + (size_t)group * c->filters, c->channels, transposed};
}

static knn__cuda_matrix gradient_of(const convolution *c, int first, int group)
{
    return (knn__cuda_matrix){knn__image(&c->step->dy, first, 0) + (size_t)group * c->filters, c->channels, false};
}

static void forward_chunk(const convolution *c, int first, int last)
{
    size_t positions = (size_t)(last - first) * c->positions;
    for (int g = 0; g < c->node->groups; g++)
        knn__cuda_gemm(c->step->device, positions, c->filters, c->length, gather(c, first, last, g, false), kernel_of(c, g, false), false,
                       knn__image(&c->step->y, first, 0) + (size_t)g * c->filters, c->channels);
}

/* dW += columns^T dy; of the first chunk: =. */
static void add_kernel_gradient(const convolution *c, int first, int last, bool add)
{
    float *dw = knn__gradient(c->step, 0, KNN_KERNEL);
    size_t positions = (size_t)(last - first) * c->positions;
    for (int g = 0; g < c->node->groups; g++)
        knn__cuda_gemm(c->step->device, c->length, c->filters, positions, gather(c, first, last, g, true), gradient_of(c, first, g), add,
                       dw + (size_t)g * c->filters, c->channels);
}

/* columns = dy W^T, gathered where they came from. */
static void input_gradient(const convolution *c, int first, int last)
{
    knn_device *device = c->step->device;
    float *dx = knn__image(&c->step->dx, first, 0);
    size_t positions = (size_t)(last - first) * c->positions;
    unsigned count = group_channels(c);
    for (int g = 0; g < c->node->groups; g++) {
        knn__cuda_gemm(device, positions, c->length, c->filters, gradient_of(c, first, g), kernel_of(c, g, true), false,
                       c->direct ? dx : c->columns, c->length);
        if (!c->direct)
            knn__cuda_did(device, knn__cuda_col2im(device->stream, c->window, (unsigned)(last - first), (unsigned)g * count, count,
                                                   c->columns, dx), "col2im");
    }
}

/* ---- The batch ---- */

static void forward(const knn_step *step, knn_part part)
{
    convolution c = at_work(step);
    const float *bias = knn__weight(step, 0, KNN_BIAS);
    for (int first = part.first, last; first < part.last; first = last) {
        last = chunk_end(&c, first, part);
        forward_chunk(&c, first, last);
    }
    if (bias != NULL)
        knn__cuda_did(step->device, knn__cuda_add_to_rows(step->device->stream, bias, KNN_LINEAR, knn__cuda_rows(part, c.node->out),
                                                          (unsigned)c.channels, knn__image(&step->y, part.first, 0)), "adding a bias");
}

static void backward(const knn_step *step, knn_part part)
{
    convolution c = at_work(step);
    float *db = knn__gradient(step, 0, KNN_BIAS);
    for (int first = part.first, last; first < part.last; first = last) {
        last = chunk_end(&c, first, part);
        if (knn__gradient(step, 0, KNN_KERNEL) != NULL)
            add_kernel_gradient(&c, first, last, first > part.first);
        if (step->dx.data != NULL)
            input_gradient(&c, first, last);
    }
    if (db != NULL)
        knn__cuda_did(step->device, knn__cuda_sum_rows(step->device->stream, knn__image(&step->dy, part.first, 0),
                                                       knn__cuda_rows(part, c.node->out), (unsigned)c.channels, c.partial, db),
                      "summing a bias's gradient");
}

const knn_kernel knn__cuda_conv2d_im2col = {
    .name = "conv2d, im2col, cuda",
    .ops = {KNN_OP_CONV2D}, .covers = covers, .measure = measure, .forward = forward, .backward = backward,
};
