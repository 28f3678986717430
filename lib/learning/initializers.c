/* Draws initial weights: Keras' distributions from counter-based random numbers, so that a weight depends on (seed, array,
 * element) only. Does not know which layer the array belongs to. */
#include "core/random.h"
#include "core/text.h"
#include "learning/learning.h"

#include <math.h>

/* VarianceScaling: a variance of scale / fan; the six named initializers are special cases. */
typedef struct scaling {
    double scale;
    knn_fan mode;
    knn_distribution distribution;
} scaling;

static const struct {
    const char *class_name;
    scaling scaling;
} named_scalings[] = {
    {"GlorotUniform", {1.0, KNN_FAN_AVG, KNN_UNIFORM}}, {"GlorotNormal", {1.0, KNN_FAN_AVG, KNN_TRUNCATED_NORMAL}},
    {"HeUniform", {2.0, KNN_FAN_IN, KNN_UNIFORM}},      {"HeNormal", {2.0, KNN_FAN_IN, KNN_TRUNCATED_NORMAL}},
    {"LecunUniform", {1.0, KNN_FAN_IN, KNN_UNIFORM}},   {"LecunNormal", {1.0, KNN_FAN_IN, KNN_TRUNCATED_NORMAL}},
};

/* Standard deviation of a standard normal distribution that is cut at -2 and 2. */
static const double TRUNCATED_DEVIATION = 0.87962566103423978;
static const double CUT = 2.0;

/* An array of n values to draw, and its random numbers. */
typedef struct drawing {
    knn__stream stream;
    float *values;
    size_t n;
} drawing;

static void fill(const drawing *to, double value)
{
    for (size_t i = 0; i < to->n; i++)
        to->values[i] = (float)value;
}

static void fill_uniform(const drawing *to, double least, double most)
{
    knn__uniform_fill(&to->stream, 0, to->values, to->n);
    for (size_t i = 0; i < to->n; i++)
        to->values[i] = (float)(least + (most - least) * (double)to->values[i]);
}

static void fill_normal(const drawing *to, double mean, double deviation)
{
    for (size_t i = 0; i < to->n; i++)
        to->values[i] = (float)(mean + deviation * knn__normal(&to->stream, (uint32_t)i));
}

/* What lies beyond the cut is drawn again; initial weights have no epoch, so the counter's epoch counts the attempts. */
static void fill_truncated(const drawing *to, double mean, double deviation)
{
    for (size_t i = 0; i < to->n; i++) {
        knn__stream attempt = to->stream;
        double z = knn__normal(&attempt, (uint32_t)i);
        while (fabs(z) > CUT) {
            attempt.epoch++;
            z = knn__normal(&attempt, (uint32_t)i);
        }
        to->values[i] = (float)(mean + deviation * z);
    }
}

/* The fan by which a variance is scaled; of a convolution's kernel (h, w, in, out): h * w * in, h * w * out. */
static double fan(knn_fan mode, const int *shape, int rank)
{
    double in = shape[rank > 1 ? rank - 2 : 0], out = shape[rank - 1];
    for (int i = 0; i < rank - 2; i++) {
        in *= shape[i];
        out *= shape[i];
    }
    double chosen = mode == KNN_FAN_IN ? in : mode == KNN_FAN_OUT ? out : (in + out) / 2.0;
    return fmax(1.0, chosen);
}

static void fill_scaled(const drawing *to, const scaling *by, const int *shape, int rank)
{
    double variance = by->scale / fan(by->mode, shape, rank), limit = sqrt(3.0 * variance);
    switch (by->distribution) {
    case KNN_UNIFORM:            fill_uniform(to, -limit, limit); break;
    case KNN_UNTRUNCATED_NORMAL: fill_normal(to, 0.0, sqrt(variance)); break;
    case KNN_TRUNCATED_NORMAL:   fill_truncated(to, 0.0, sqrt(variance) / TRUNCATED_DEVIATION); break;
    }
}

static scaling scaling_of(const knn_initializer *initializer)
{
    for (size_t i = 0; i < sizeof named_scalings / sizeof named_scalings[0]; i++)
        if (knn__text_equal(initializer->class_name, named_scalings[i].class_name))
            return named_scalings[i].scaling;
    const knn_variance_scaling_initializer *given = (const knn_variance_scaling_initializer *)initializer;
    return (scaling){given->scale, given->mode, given->distribution};
}

void knn__initialize(const knn_initializer *initializer, const int *shape, int rank, uint64_t seed, uint32_t weight,
                     float *values)
{
    const char *name = initializer->class_name;
    drawing to = {{.seed = seed, .stream = KNN__STREAM_WEIGHTS, .index = weight}, values, 1};
    for (int i = 0; i < rank; i++)
        to.n *= (size_t)shape[i];

    if (knn__text_equal(name, "Zeros")) {
        fill(&to, 0.0);
    } else if (knn__text_equal(name, "Ones")) {
        fill(&to, 1.0);
    } else if (knn__text_equal(name, "Constant")) {
        fill(&to, ((const knn_constant_initializer *)initializer)->value);
    } else if (knn__text_equal(name, "RandomUniform")) {
        const knn_random_uniform_initializer *range = (const knn_random_uniform_initializer *)initializer;
        fill_uniform(&to, range->minval, range->maxval);
    } else if (knn__text_equal(name, "RandomNormal")) {
        const knn_random_normal_initializer *normal = (const knn_random_normal_initializer *)initializer;
        fill_normal(&to, normal->mean, normal->stddev);
    } else if (knn__text_equal(name, "TruncatedNormal")) {
        const knn_random_normal_initializer *normal = (const knn_random_normal_initializer *)initializer;
        fill_truncated(&to, normal->mean, normal->stddev);
    } else {
        scaling by = scaling_of(initializer);
        fill_scaled(&to, &by, shape, rank);
    }
}
