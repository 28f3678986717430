/* Dense layers of a few units (a net's last one, mostly), with an elementwise activation behind them, by vector loops over the inputs:
 * a matrix product would spend its time on packing. Uses no BLAS.
 *
 * W is packed as [units][inputs]. dz, the gradient before the activation, is kept with each image. */
#include "backend/cpu/activation.h"
#include "core/parallel.h"

enum { MOST_UNITS = 15, LANES = 16, BLOCK = 64 };               /* LANES: partial sums of a dot product; BLOCK: inputs at a time */

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)request;
    if (nodes[0].out.channels > MOST_UNITS) {
        *reason = "16 units or more";
        return 0;
    }
    return knn__fused_activation(nodes, count) != KNN_LINEAR ? 2 : 1;
}

static knn_activation activation_of(const knn_step *step) { return knn__fused_activation(step->nodes, step->count); }
static long positions_of(const knn_step *step) { return (long)step->nodes[0].in.height * step->nodes[0].in.width; }
static long inputs_of(const knn_step *step) { return step->nodes[0].in.channels; }
static long units_of(const knn_step *step) { return step->nodes[0].out.channels; }

static void measure(const knn_step *step, knn_needs *needs)
{
    needs->input = true;
    needs->output = activation_of(step) != KNN_LINEAR;
    needs->saved = step->y.length * sizeof(float);
    needs->packed = step->nodes[0].weight[KNN_KERNEL].length * sizeof(float);
}

static void prepare(const knn_step *step, int slice)
{
    long inputs = inputs_of(step), units = units_of(step), first, last;
    const float *w = knn__weight(step, 0, KNN_KERNEL);
    float *packed = (float *)step->packed;
    knn__share(inputs, slice, step->request.slices, &first, &last);
    for (long u = 0; u < units; u++)
        for (long i = first; i < last; i++)
            packed[u * inputs + i] = w[i * units + u];
}

static inline float dot(const float *restrict a, const float *restrict b, long n)
{
    float lane[LANES] = {0}, sum = 0;
    long i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] += a[i + l] * b[i + l];
    for (; i < n; i++)
        sum += a[i] * b[i];
    for (int l = 0; l < LANES; l++)
        sum += lane[l];
    return sum;
}

static void forward(const knn_step *step, knn_part part)
{
    long inputs = inputs_of(step), units = units_of(step), rows = (part.last - part.first) * positions_of(step);
    const float *x = knn__image(&step->x, part.first, part.slice), *w = (const float *)step->packed;
    float *y = knn__image(&step->y, part.first, part.slice);
    for (long row = 0; row < rows; row++)
        for (long u = 0; u < units; u++)
            y[row * units + u] = dot(x + row * inputs, w + u * inputs, inputs);
    knn__activate_rows(activation_of(step), knn__weight(step, 0, KNN_BIAS), y, (size_t)rows, (size_t)units);
}

/* dx[inputs] = sum over the units of dz[u] W[u] */
static void input_gradient(const float *restrict dz, const float *restrict w, long units, long inputs, float *restrict dx)
{
    for (long i = 0; i < inputs; i++)
        dx[i] = dz[0] * w[i];
    for (long u = 1; u < units; u++)
        for (long i = 0; i < inputs; i++)
            dx[i] += dz[u] * w[u * inputs + i];
}

static void backward(const knn_step *step, knn_part part)
{
    long inputs = inputs_of(step), units = units_of(step);
    for (int image = part.first; image < part.last; image++) {
        float *dz = knn__saved(step, image);
        knn__activate_backward(activation_of(step), knn__image(&step->y, image, part.slice), knn__image(&step->dy, image, part.slice), dz,
                               step->y.length);
        if (step->dx.data == NULL)
            continue;
        float *dx = knn__image(&step->dx, image, part.slice);
        for (long p = 0; p < positions_of(step); p++)
            input_gradient(dz + p * units, (const float *)step->packed, units, inputs, dx + p * inputs);
    }
}

/* dW[first .. first + count)[u] = sum over all images and positions of x[i] dz[u] */
static void kernel_gradient(const knn_step *step, long first, long count, long u, float *dw)
{
    long inputs = inputs_of(step), units = units_of(step);
    float sum[BLOCK] = {0};
    for (int image = 0; image < step->run->images; image++) {
        const float *x = knn__image(&step->x, image, 0) + first, *dz = (const float *)knn__saved(step, image) + u;
        for (long p = 0; p < positions_of(step); p++, x += inputs, dz += units)
            for (long i = 0; i < count; i++)
                sum[i] += x[i] * *dz;
    }
    for (long i = 0; i < count; i++)
        dw[(first + i) * units + u] = sum[i];
}

static float bias_gradient(const knn_step *step, long u)
{
    float sum = 0;
    for (int image = 0; image < step->run->images; image++)
        for (long p = 0; p < positions_of(step); p++)
            sum += ((const float *)knn__saved(step, image))[p * units_of(step) + u];
    return sum;
}

static void finish(const knn_step *step, int slice)
{
    float *dw = knn__gradient(step, 0, KNN_KERNEL), *db = knn__gradient(step, 0, KNN_BIAS);
    long first, last;
    knn__share(inputs_of(step), slice, step->request.slices, &first, &last);
    for (long i = first; i < last && dw != NULL; i += BLOCK)
        for (long u = 0; u < units_of(step); u++)
            kernel_gradient(step, i, last - i < BLOCK ? last - i : BLOCK, u, dw);
    for (long u = 0; u < units_of(step) && db != NULL && slice == 0; u++)
        db[u] = bias_gradient(step, u);
}

const knn_kernel KNN_ISA_NAME(knn__dense_narrow) = {
    .name = "dense, narrow, " KNN_ISA_TEXT,
    .ops = {KNN_OP_DENSE}, .covers = covers,
    .measure = measure, .prepare = prepare, .forward = forward, .backward = backward, .finish = finish,
};
