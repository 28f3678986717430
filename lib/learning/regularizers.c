/* Penalties on weights, unscaled, as Keras adds them to a batch's loss: l1 * sum |w| + l2 * sum w^2, and that on rows or columns which
 * are not orthogonal. Knows no layers. */
#include "backend/orthogonality.h"
#include "core/text.h"
#include "learning/learning.h"

/* ---- L1L2. Each of these adds to the gradients g, where not NULL, and returns the penalty. ---- */

static double absolute_and_squared(const knn__stretch *stretch, const float *w, float *g)
{
    const knn_l1l2_regularizer *penalty = (const knn_l1l2_regularizer *)stretch->regularizer;
    double absolute = 0.0, squared = 0.0;
    float l1 = (float)penalty->l1, twice_l2 = (float)(2.0 * penalty->l2);
    for (size_t i = 0; g == NULL && i < stretch->length; i++) {
        absolute += fabs((double)w[i]);
        squared += (double)w[i] * (double)w[i];
    }
    for (size_t i = 0; g != NULL && i < stretch->length; i++)
        g[i] += l1 * (float)((w[i] > 0.0f) - (w[i] < 0.0f)) + twice_l2 * w[i];
    return penalty->l1 * absolute + penalty->l2 * squared;
}

/* ---- Orthogonality ---- */

/* The rows or the columns of a matrix. */
typedef struct vectors { const float *w; size_t count, length, next, step; } vectors;

static double product(const vectors *v, size_t a, size_t b)
{
    double sum = 0.0;
    for (size_t i = 0; i < v->length; i++)
        sum += (double)v->w[a * v->next + i * v->step] * (double)v->w[b * v->next + i * v->step];
    return sum;
}

static double norm(const vectors *v, size_t a) { return knn__norm_of(product(v, a, a)); }

/* The slope of |cosine| of vectors a and b by vector a, times factor. */
static void add_slope(const vectors *v, size_t a, size_t b, double cosine, double factor, float *g)
{
    const knn__cosine_slope slope = knn__slope_of_cosine(cosine, norm(v, a), norm(v, b));
    for (size_t i = 0; i < v->length; i++)
        g[a * v->next + i * v->step] += (float)(factor * (slope.other * (double)v->w[b * v->next + i * v->step] +
                                                          slope.own * (double)v->w[a * v->next + i * v->step]));
}

/* What |cosine| of a pair is multiplied by: the penalty is of their mean. */
static double factor_of_pairs(double factor, double count) { return count > 1.0 ? factor / (count * (count - 1.0) / 2.0) : 0.0; }

static double orthogonality(const knn__stretch *stretch, const float *w, float *g)
{
    const knn_orthogonality_regularizer *penalty = (const knn_orthogonality_regularizer *)stretch->regularizer;
    size_t rows = (size_t)stretch->shape[0], columns = (size_t)stretch->shape[1];
    const vectors v = penalty->mode == KNN_ROWS ? (vectors){w, rows, columns, columns, 1} : (vectors){w, columns, rows, 1, columns};
    double factor = factor_of_pairs(penalty->factor, (double)v.count), sum = 0.0;
    for (size_t a = 0; a < v.count; a++)
        for (size_t b = 0; b < a; b++) {
            double cosine = product(&v, a, b) / (norm(&v, a) * norm(&v, b));
            sum += fabs(cosine);
            if (g != NULL) {
                add_slope(&v, a, b, cosine, factor, g);
                add_slope(&v, b, a, cosine, factor, g);
            }
        }
    return factor * sum;
}

/* ---- All of them ---- */

static bool is_l1l2(const knn_regularizer *regularizer) { return !knn__text_equal(regularizer->class_name, "OrthogonalRegularizer"); }

static double penalise(const knn__stretch *stretch, const float *weights, float *gradients)
{
    float *g = gradients != NULL ? gradients + stretch->offset : NULL;
    if (stretch->regularizer == NULL)
        return 0.0;
    return (is_l1l2(stretch->regularizer) ? absolute_and_squared : orthogonality)(stretch, weights + stretch->offset, g);
}

double knn__penalty(const knn__stretch *stretches, int count, const float *weights)
{
    double total = 0.0;
    for (int s = 0; s < count; s++)
        total += penalise(&stretches[s], weights, NULL);
    return total;
}

void knn__penalty_gradient(const knn__stretch *stretches, int count, const float *weights, float *gradients)
{
    for (int s = 0; s < count; s++)
        penalise(&stretches[s], weights, gradients);
}

void knn__describe_penalty(const knn__stretch *stretch, knn__weight_array *array)
{
    if (stretch->regularizer == NULL)
        return;
    if (is_l1l2(stretch->regularizer)) {
        const knn_l1l2_regularizer *penalty = (const knn_l1l2_regularizer *)stretch->regularizer;
        array->l1 = penalty->l1;
        array->l2 = penalty->l2;
        return;
    }
    const knn_orthogonality_regularizer *penalty = (const knn_orthogonality_regularizer *)stretch->regularizer;
    array->of_columns = penalty->mode == KNN_COLUMNS;
    array->cosines = factor_of_pairs(penalty->factor, (double)stretch->shape[array->of_columns ? 1 : 0]);
}
