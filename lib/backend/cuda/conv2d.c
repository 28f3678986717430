/* conv2d, with ReLU and 2x2 max-pooling behind it, as a matrix product whose operands are made up while they are loaded: no columns are laid
 * out, and of several layers only the last one's output is stored. Does not multiply: conv2d_*.cu. Other strides, dilations, groups: im2col.c. */
#include "backend/cuda/cuda.h"
#include "backend/cuda/window.h"

/* Why it leaves a convolution to others; NULL: it takes it. */
static const char *refusal(const knn_node *n)
{
    if (n->stride_height != 1 || n->stride_width != 1 || n->dilation_height != 1 || n->dilation_width != 1)
        return "strided or dilated";
    return n->groups != 1 ? "in groups" : NULL;
}

static bool is_pool(const knn_node *n)
{
    return n->op == KNN_OP_MAX_POOLING2D && n->kernel_height == 2 && n->kernel_width == 2 && n->stride_height == 2 && n->stride_width == 2 &&
           n->pad_top + n->pad_left + n->pad_bottom + n->pad_right == 0;
}

static bool is_relu(const knn_node *n) { return n->op == KNN_OP_ACTIVATION && n->activation == KNN_RELU; }

/* How many nodes at the head are a convolution and, if there is one, its ReLU; then, if wanted, a pooling; 0: another chain. */
static int chain(const knn_node *nodes, int count, bool pooled, const char **reason)
{
    *reason = refusal(&nodes[0]);
    if (*reason != NULL)
        return 0;
    int length = count > 1 && is_relu(&nodes[1]) ? 2 : 1;
    if (!pooled)
        return length;
    *reason = "no 2x2 max pooling behind it";
    return length < count && is_pool(&nodes[length]) ? length + 1 : 0;
}

static int covers_pooled(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)request;
    return chain(nodes, count, true, reason);
}

static int covers_flat(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)request;
    return chain(nodes, count, false, reason);
}

static knn__cuda_conv convolution(const knn_step *step, int images)
{
    return (knn__cuda_conv){.window = knn__cuda_window_of(&step->nodes[0]), .images = (unsigned)images,
        .filters = (unsigned)step->nodes[0].out.channels, .relu = step->count > 1 && is_relu(&step->nodes[1]),
        .pooled = is_pool(&step->nodes[step->count - 1]), .tensor = step->device->tensor};
}

static knn__cuda_cells cells(const knn_step *step, int image)
{
    bool kept = step->request.training && is_pool(&step->nodes[step->count - 1]);
    return (knn__cuda_cells){kept ? knn__saved(step, image) : NULL, step->saved_stride};
}

static void measure(const knn_step *step, knn_needs *needs)
{
    knn__cuda_conv c = convolution(step, step->request.capacity);
    needs->tensor = c.tensor;
    if (!step->request.training)
        return;
    needs->input = true;
    needs->output = c.relu && !c.pooled;
    needs->saved = c.pooled ? step->y.length : 0;
    needs->scratch = knn__cuda_conv_partial(c) * sizeof(float);
}

static void forward(const knn_step *step, knn_part part)
{
    knn__cuda_did(step->device, knn__cuda_conv_forward(step->device->stream, convolution(step, part.last - part.first),
                                                       knn__image(&step->x, part.first, 0), knn__weight(step, 0, KNN_KERNEL),
                                                       knn__weight(step, 0, KNN_BIAS), knn__image(&step->y, part.first, 0),
                                                       cells(step, part.first)), "a convolution");
}

static void backward(const knn_step *step, knn_part part)
{
    knn__cuda_conv c = convolution(step, part.last - part.first);
    const float *dy = knn__image(&step->dy, part.first, 0), *y = step->needs.output ? knn__image(&step->y, part.first, 0) : NULL;
    float *dw = knn__gradient(step, 0, KNN_KERNEL), *db = knn__gradient(step, 0, KNN_BIAS);
    if (dw != NULL || db != NULL)
        knn__cuda_did(step->device, knn__cuda_conv_weights(step->device->stream, c, knn__image(&step->x, part.first, 0), dy, y,
                                                           cells(step, part.first), knn__scratch(step, 0), dw, db),
                      "a convolution's gradient of weights");
    if (step->dx.data != NULL)
        knn__cuda_did(step->device, knn__cuda_conv_input(step->device->stream, c, dy, y, cells(step, part.first),
                                                         knn__weight(step, 0, KNN_KERNEL), knn__image(&step->dx, part.first, 0)),
                      "a convolution's gradient of its input");
}

const knn_kernel knn__cuda_conv2d_pooled = {
    .name = "conv2d+relu+max_pooling2d, implicit gemm, cuda",
    .ops = {KNN_OP_CONV2D}, .covers = covers_pooled, .measure = measure, .forward = forward, .backward = backward,
};

const knn_kernel knn__cuda_conv2d_implicit = {
    .name = "conv2d+relu, implicit gemm, cuda",
    .ops = {KNN_OP_CONV2D}, .covers = covers_flat, .measure = measure, .forward = forward, .backward = backward,
};
