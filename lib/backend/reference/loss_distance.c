/* Losses that compare numbers: errors, hinges, divergences, angles, with Keras 3's formulas and their exact gradients.
 * NaN in a prediction gives NaN, never a bounded number. */
#include "backend/reference/loss.h"

#include <math.h>

static const double EPSILON = KNN_LOSS_EPSILON;

static double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }     /* 0 at 0, NaN at NaN */

/* ---- Sums over outputs: the value of one prediction p with target t, and its derivative by p ---- */

static double percentage(double p, double t, double *slope)
{
    double size = fmax(fabs(t), EPSILON);
    *slope = 100 * sign(p - t) / size;
    return 100 * fabs(p - t) / size;
}

static double squared_logarithm(double p, double t, double *slope)
{
    double off = log((p > EPSILON || isnan(p) ? p : EPSILON) + 1) - log(fmax(t, EPSILON) + 1);
    *slope = p < EPSILON ? 0 : 2 * off / (p + 1);
    return off * off;
}

static double huber(double p, double t, double delta, double *slope)
{
    double off = p - t;
    *slope = fabs(off) > delta ? delta * sign(off) : off;
    return fabs(off) > delta ? delta * fabs(off) - delta * delta / 2 : off * off / 2;
}

/* ln cosh e = |e| + ln(1 + e^-2|e|) - ln 2 */
static double log_cosh(double p, double t, double *slope)
{
    double off = p - t;
    *slope = tanh(off);
    return fabs(off) + log1p(exp(-2 * fabs(off))) - log(2);
}

static double poisson(double p, double t, double *slope)
{
    *slope = 1 - t / (p + EPSILON);
    return p - t * log(p + EPSILON);
}

static double hinge(double p, double t, bool squared, double *slope)
{
    double miss = 1 - t * p;
    *slope = miss > 0 ? (squared ? -2 * miss * t : -t) : isnan(miss) ? miss : 0;
    miss = miss < 0 ? 0 : miss;
    return squared ? miss * miss : miss;
}

static double divergence(double p, double t, double *slope)
{
    double target = knn__clip(t, EPSILON, 1), share = knn__clip(p, EPSILON, 1);
    *slope = p < EPSILON || p > 1 ? 0 : -target / share;
    return target * log(target / share);
}

static double element(const knn__loss_row *r, int i, double *slope)
{
    double p = r->prediction[i], t = r->target[i], sign_of_label = r->call->zero_one ? 2 * t - 1 : t;
    switch (r->call->op) {
    case KNN_LOSS_MEAN_SQUARED_ERROR:
        *slope = 2 * (p - t);
        return (p - t) * (p - t);
    case KNN_LOSS_MEAN_ABSOLUTE_ERROR:
        *slope = sign(p - t);
        return fabs(p - t);
    case KNN_LOSS_MEAN_ABSOLUTE_PERCENTAGE_ERROR: return percentage(p, t, slope);
    case KNN_LOSS_MEAN_SQUARED_LOGARITHMIC_ERROR: return squared_logarithm(p, t, slope);
    case KNN_LOSS_HUBER:                          return huber(p, t, r->call->delta, slope);
    case KNN_LOSS_LOG_COSH:                       return log_cosh(p, t, slope);
    case KNN_LOSS_POISSON:                        return poisson(p, t, slope);
    case KNN_LOSS_HINGE:                          return hinge(p, sign_of_label, false, slope);
    case KNN_LOSS_SQUARED_HINGE:                  return hinge(p, sign_of_label, true, slope);
    case KNN_LOSS_KL_DIVERGENCE:                  return divergence(p, t, slope);
    default:
        *slope = NAN;
        return NAN;
    }
}

/* ---- Of a row as a whole ---- */

/* max(largest (1 - t) p - sum of t p + 1, 0); equal largest ones share the slope. */
static double categorical_hinge(const knn__loss_row *r)
{
    double positive = 0, negative = -INFINITY, equals = 0;
    for (int i = 0; i < r->call->outputs; i++) {
        double p = r->prediction[i], t = r->target[i], other = (1 - t) * p;
        positive += t * p;
        equals = other > negative ? 1 : equals + (other == negative);
        negative = other > negative ? other : negative;
    }
    double value = negative - positive + 1;
    for (int i = 0; i < r->call->outputs; i++) {
        double t = r->target[i], share = (1 - t) * r->prediction[i] == negative ? (1 - t) / equals : 0;
        knn__set_slope(r, i, value > 0 ? share - t : isnan(value) ? value : 0);
    }
    return value < 0 ? 0 : value;
}

/* Minus the cosine of the angle between both; a vector shorter than EPSILON is divided by EPSILON. */
static double cosine_similarity(const knn__loss_row *r)
{
    double pp = 0, tt = 0, pt = 0;
    for (int i = 0; i < r->call->outputs; i++) {
        double p = r->prediction[i], t = r->target[i];
        pp += p * p;
        tt += t * t;
        pt += p * t;
    }
    bool is_short = pp < EPSILON * EPSILON;
    double p_length = is_short ? EPSILON : sqrt(pp), t_length = tt < EPSILON * EPSILON ? EPSILON : sqrt(tt);
    double cosine = pt / (p_length * t_length);
    for (int i = 0; i < r->call->outputs; i++) {
        double along = is_short ? 0 : cosine * r->prediction[i] / p_length;
        knn__set_slope(r, i, (along - r->target[i] / t_length) / p_length);
    }
    return -cosine;
}

double knn__distance(const knn__loss_row *r)
{
    if (r->call->op == KNN_LOSS_CATEGORICAL_HINGE)
        return categorical_hinge(r);
    if (r->call->op == KNN_LOSS_COSINE_SIMILARITY)
        return cosine_similarity(r);
    double sum = 0, slope, share = r->call->op == KNN_LOSS_KL_DIVERGENCE ? 1 : r->call->outputs;       /* a sum; the others are means */
    for (int i = 0; i < r->call->outputs; i++) {
        sum += element(r, i, &slope);
        knn__set_slope(r, i, slope / share);
    }
    return sum / share;
}
