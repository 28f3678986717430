/* Transposed convolution as matrix products: the convolution that leads from its output back to its input, run backwards.
 *
 *   columns [input positions of some images][length]   what each adds to; length = kernel_height * kernel_width * filters
 *   kernel  [length][channels]                         Keras' (height, width, filters, channels)
 *
 * Forward gathers columns = x kernel^T in the output; the input's gradient is the columns of dy times the kernel; dW = columns^T x. The batch
 * is done in chunks of images, as in im2col.c. */
#include "backend/cuda/blas.h"
#include "backend/cuda/cuda.h"
#include "backend/cuda/window.h"

enum { CHUNK_BYTES = 16 << 20 };

typedef struct transposed {
    const knn_step *step;
    knn__cuda_window window;                /* of the convolution from the output's picture to the input's */
    size_t positions, length, channels;     /* of the input */
    unsigned filters;
    int chunk;                              /* images */
    float *columns, *partial;               /* scratch */
} transposed;

static transposed describe(const knn_node *n, const knn_request *request)
{
    knn_node reversed = *n;
    reversed.in = n->out;
    reversed.out = n->in;
    transposed t = {.window = knn__cuda_window_of(&reversed), .channels = (size_t)n->in.channels, .filters = (unsigned)n->out.channels};
    t.positions = (size_t)n->in.height * (size_t)n->in.width;
    t.length = (size_t)n->kernel_height * (size_t)n->kernel_width * t.filters;
    size_t fitting = CHUNK_BYTES / (t.positions * t.length * sizeof(float));
    t.chunk = fitting < 1 ? 1 : fitting < (size_t)request->capacity ? (int)fitting : request->capacity;
    return t;
}

static size_t columns_length(const transposed *t) { return (size_t)t->chunk * t->positions * t->length; }

static transposed at_work(const knn_step *step)
{
    transposed t = describe(&step->nodes[0], &step->request);
    t.step = step;
    t.columns = knn__scratch(step, 0);
    t.partial = t.columns + columns_length(&t);
    return t;
}

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)count;
    transposed t = describe(&nodes[0], request);
    *reason = "more than 2^31 numbers in the columns of an image";
    return knn__cuda_fits((size_t)t.chunk, t.positions * t.length) ? 1 : 0;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    transposed t = describe(&step->nodes[0], &step->request);
    needs->tensor = step->device->tensor;
    needs->input = true;
    needs->scratch = (columns_length(&t) + KNN_CUDA_SUM_PARTS * (size_t)t.filters) * sizeof(float);
}

/* ---- A chunk ---- */

static knn__cuda_matrix kernel_of(const transposed *t, bool across)
{
    return (knn__cuda_matrix){knn__weight(t->step, 0, KNN_KERNEL), t->channels, across};
}

static knn__cuda_matrix input_of(const transposed *t, int first)
{
    return (knn__cuda_matrix){knn__image(&t->step->x, first, 0), t->channels, false};
}

static void forward_chunk(const transposed *t, int first, int last)
{
    knn_device *device = t->step->device;
    size_t positions = (size_t)(last - first) * t->positions;
    knn__cuda_gemm(device, positions, t->length, t->channels, input_of(t, first), kernel_of(t, true), false, t->columns, t->length);
    knn__cuda_did(device, knn__cuda_col2im(device->stream, t->window, (unsigned)(last - first), 0, t->filters, t->columns,
                                           knn__image(&t->step->y, first, 0)), "col2im");
}

/* dw: = of the first chunk, else +=; NULL: not wanted. */
static void backward_chunk(const transposed *t, int first, int last, bool add, float *dw)
{
    knn_device *device = t->step->device;
    size_t positions = (size_t)(last - first) * t->positions;
    knn__cuda_matrix columns = {t->columns, t->length, false}, across = {t->columns, t->length, true};
    knn__cuda_did(device, knn__cuda_im2col(device->stream, t->window, (unsigned)(last - first), 0, t->filters,
                                           knn__image(&t->step->dy, first, 0), t->columns), "im2col");
    if (dw != NULL)
        knn__cuda_gemm(device, t->length, t->channels, positions, across, input_of(t, first), add, dw, t->channels);
    if (t->step->dx.data != NULL)
        knn__cuda_gemm(device, positions, t->channels, t->length, columns, kernel_of(t, false), false, knn__image(&t->step->dx, first, 0),
                       t->channels);
}

/* ---- The batch ---- */

static int chunk_end(const transposed *t, int first, knn_part part) { return part.last - first < t->chunk ? part.last : first + t->chunk; }

static void forward(const knn_step *step, knn_part part)
{
    transposed t = at_work(step);
    const float *bias = knn__weight(step, 0, KNN_BIAS);
    for (int first = part.first, last; first < part.last; first = last) {
        last = chunk_end(&t, first, part);
        forward_chunk(&t, first, last);
    }
    if (bias != NULL)
        knn__cuda_did(step->device, knn__cuda_add_to_rows(step->device->stream, bias, KNN_LINEAR, knn__cuda_rows(part, step->nodes[0].out),
                                                          t.filters, knn__image(&step->y, part.first, 0)), "adding a bias");
}

static void backward(const knn_step *step, knn_part part)
{
    transposed t = at_work(step);
    float *db = knn__gradient(step, 0, KNN_BIAS);
    for (int first = part.first, last; first < part.last; first = last) {
        last = chunk_end(&t, first, part);
        backward_chunk(&t, first, last, first > part.first, knn__gradient(step, 0, KNN_KERNEL));
    }
    if (db != NULL)
        knn__cuda_did(step->device, knn__cuda_sum_rows(step->device->stream, knn__image(&step->dy, part.first, 0),
                                                       knn__cuda_rows(part, step->nodes[0].out), t.filters, t.partial, db),
                      "summing a bias's gradient");
}

const knn_kernel knn__cuda_conv2d_transpose = {
    .name = "conv2d_transpose, im2col, cuda",
    .ops = {KNN_OP_CONV2D_TRANSPOSE}, .covers = covers, .measure = measure, .forward = forward, .backward = backward,
};
