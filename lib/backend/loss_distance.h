/* Losses that compare numbers: errors, hinges, divergences, angles, with Keras 3's formulas and their exact gradients.
 * NaN in a prediction gives NaN, never a bounded number. */
#ifndef KNN_BACKEND_LOSS_DISTANCE_H
#define KNN_BACKEND_LOSS_DISTANCE_H

#include "backend/loss_row.h"

#include <math.h>

KNN_EVERYWHERE double knn__loss_sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }     /* 0 at 0, NaN at NaN */

/* ---- Sums over outputs: the value of one prediction p with target t, and its derivative by p ---- */

KNN_EVERYWHERE double knn__loss_percentage(double p, double t, double *slope)
{
    double size = fmax(fabs(t), KNN_LOSS_EPSILON);
    *slope = 100 * knn__loss_sign(p - t) / size;
    return 100 * fabs(p - t) / size;
}

KNN_EVERYWHERE double knn__loss_squared_logarithm(double p, double t, double *slope)
{
    double off = log((p > KNN_LOSS_EPSILON || isnan(p) ? p : KNN_LOSS_EPSILON) + 1) - log(fmax(t, KNN_LOSS_EPSILON) + 1);
    *slope = p < KNN_LOSS_EPSILON ? 0 : 2 * off / (p + 1);
    return off * off;
}

KNN_EVERYWHERE double knn__loss_huber(double p, double t, double delta, double *slope)
{
    double off = p - t;
    *slope = fabs(off) > delta ? delta * knn__loss_sign(off) : off;
    return fabs(off) > delta ? delta * fabs(off) - delta * delta / 2 : off * off / 2;
}

/* ln cosh e = |e| + ln(1 + e^-2|e|) - ln 2 */
KNN_EVERYWHERE double knn__loss_log_cosh(double p, double t, double *slope)
{
    double off = p - t;
    *slope = tanh(off);
    return fabs(off) + log1p(exp(-2 * fabs(off))) - log(2.0);
}

KNN_EVERYWHERE double knn__loss_poisson(double p, double t, double *slope)
{
    *slope = 1 - t / (p + KNN_LOSS_EPSILON);
    return p - t * log(p + KNN_LOSS_EPSILON);
}

KNN_EVERYWHERE double knn__loss_hinge(double p, double t, bool squared, double *slope)
{
    double miss = 1 - t * p;
    *slope = miss > 0 ? (squared ? -2 * miss * t : -t) : isnan(miss) ? miss : 0;
    miss = miss < 0 ? 0 : miss;
    return squared ? miss * miss : miss;
}

KNN_EVERYWHERE double knn__loss_divergence(double p, double t, double *slope)
{
    double target = knn__clip(t, KNN_LOSS_EPSILON, 1), share = knn__clip(p, KNN_LOSS_EPSILON, 1);
    *slope = p < KNN_LOSS_EPSILON || p > 1 ? 0 : -target / share;
    return target * log(target / share);
}

KNN_EVERYWHERE double knn__loss_element(const knn__loss_row *r, int i, double *slope)
{
    double p = r->prediction[i], t = r->target[i], sign_of_label = r->call->zero_one ? 2 * t - 1 : t;
    switch (r->call->op) {
    case KNN_LOSS_MEAN_SQUARED_ERROR:
        *slope = 2 * (p - t);
        return (p - t) * (p - t);
    case KNN_LOSS_MEAN_ABSOLUTE_ERROR:
        *slope = knn__loss_sign(p - t);
        return fabs(p - t);
    case KNN_LOSS_MEAN_ABSOLUTE_PERCENTAGE_ERROR: return knn__loss_percentage(p, t, slope);
    case KNN_LOSS_MEAN_SQUARED_LOGARITHMIC_ERROR: return knn__loss_squared_logarithm(p, t, slope);
    case KNN_LOSS_HUBER:                          return knn__loss_huber(p, t, r->call->delta, slope);
    case KNN_LOSS_LOG_COSH:                       return knn__loss_log_cosh(p, t, slope);
    case KNN_LOSS_POISSON:                        return knn__loss_poisson(p, t, slope);
    case KNN_LOSS_HINGE:                          return knn__loss_hinge(p, sign_of_label, false, slope);
    case KNN_LOSS_SQUARED_HINGE:                  return knn__loss_hinge(p, sign_of_label, true, slope);
    case KNN_LOSS_KL_DIVERGENCE:                  return knn__loss_divergence(p, t, slope);
    default:
        *slope = NAN;
        return NAN;
    }
}

/* ---- Of a row as a whole ---- */

/* max(largest (1 - t) p - sum of t p + 1, 0); equal largest ones share the slope. */
KNN_EVERYWHERE double knn__loss_categorical_hinge(const knn__loss_row *r)
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

/* Minus the cosine of the angle between both; a vector shorter than EPSILON is divided by KNN_LOSS_EPSILON. */
KNN_EVERYWHERE double knn__loss_cosine_similarity(const knn__loss_row *r)
{
    double pp = 0, tt = 0, pt = 0;
    for (int i = 0; i < r->call->outputs; i++) {
        double p = r->prediction[i], t = r->target[i];
        pp += p * p;
        tt += t * t;
        pt += p * t;
    }
    bool is_short = pp < KNN_LOSS_EPSILON * KNN_LOSS_EPSILON;
    double p_length = is_short ? KNN_LOSS_EPSILON : sqrt(pp), t_length = tt < KNN_LOSS_EPSILON * KNN_LOSS_EPSILON ? KNN_LOSS_EPSILON : sqrt(tt);
    double cosine = pt / (p_length * t_length);
    for (int i = 0; i < r->call->outputs; i++) {
        double along = is_short ? 0 : cosine * r->prediction[i] / p_length;
        knn__set_slope(r, i, (along - r->target[i] / t_length) / p_length);
    }
    return -cosine;
}

KNN_EVERYWHERE double knn__distance(const knn__loss_row *r)
{
    if (r->call->op == KNN_LOSS_CATEGORICAL_HINGE)
        return knn__loss_categorical_hinge(r);
    if (r->call->op == KNN_LOSS_COSINE_SIMILARITY)
        return knn__loss_cosine_similarity(r);
    double sum = 0, slope, share = r->call->op == KNN_LOSS_KL_DIVERGENCE ? 1 : r->call->outputs;       /* a sum; the others are means */
    for (int i = 0; i < r->call->outputs; i++) {
        sum += knn__loss_element(r, i, &slope);
        knn__set_slope(r, i, slope / share);
    }
    return sum / share;
}

#endif
