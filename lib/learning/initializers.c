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

/* ---- Matrices: an array as rows of its last axis ---- */

typedef struct matrix { float *values; size_t rows, columns; } matrix;

static void fill_identity(const matrix *m, double gain)
{
    for (size_t row = 0; row < m->rows; row++)
        for (size_t column = 0; column < m->columns; column++)
            m->values[row * m->columns + column] = row == column ? (float)gain : 0.0f;
}

/* Vectors within an array: where the next one begins, and the next element of one. */
typedef struct vectors { float *values; size_t count, length, next, step; } vectors;

static void normalise(const vectors *v, size_t a)
{
    double sum = 0.0;
    float *x = v->values + a * v->next;
    for (size_t i = 0; i < v->length; i++)
        sum += (double)x[i * v->step] * (double)x[i * v->step];
    for (size_t i = 0; i < v->length; i++)
        x[i * v->step] = (float)((double)x[i * v->step] / sqrt(sum));
}

enum { TOGETHER = 64 };                     /* vectors that one walk through the array takes along */

/* Takes their parts along vector a from the vectors [first, last). */
static void remove_along(const vectors *v, size_t a, size_t first, size_t last)
{
    double along[TOGETHER] = {0};
    for (size_t i = 0; i < v->length; i++)
        for (size_t b = first; b < last; b++)
            along[b - first] += (double)v->values[a * v->next + i * v->step] * (double)v->values[b * v->next + i * v->step];
    for (size_t i = 0; i < v->length; i++)
        for (size_t b = first; b < last; b++)
            v->values[b * v->next + i * v->step] -= (float)(along[b - first] * (double)v->values[a * v->next + i * v->step]);
}

/* Gram and Schmidt's way, which gives the Q of a QR factorization whose R has a positive diagonal, as Keras makes it; the second time it
 * removes what rounding left over the first time. */
static void fill_orthogonal(const drawing *to, const matrix *m, double gain)
{
    const vectors v = m->rows >= m->columns ? (vectors){m->values, m->columns, m->rows, 1, m->columns}
                                            : (vectors){m->values, m->rows, m->columns, m->columns, 1};
    fill_normal(to, 0.0, 1.0);
    for (int time = 0; time < 2; time++)
        for (size_t a = 0; a < v.count; a++) {
            normalise(&v, a);
            for (size_t b = a + 1; b < v.count; b += TOGETHER)
                remove_along(&v, a, b, b + TOGETHER < v.count ? b + TOGETHER : v.count);
        }
    for (size_t i = 0; i < to->n; i++)
        to->values[i] *= (float)gain;
}

/* ---- By name ---- */

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
    } else if (knn__text_equal(name, "Identity") || knn__text_equal(name, "Orthogonal")) {
        double gain = ((const knn_gain_initializer *)initializer)->gain;
        const matrix m = {values, to.n / (size_t)shape[rank - 1], (size_t)shape[rank - 1]};
        if (knn__text_equal(name, "Identity"))
            fill_identity(&m, gain);
        else
            fill_orthogonal(&to, &m, gain);
    } else {
        scaling by = scaling_of(initializer);
        fill_scaled(&to, &by, shape, rank);
    }
}
