/* The cross-entropies, the focal ones too, from probabilities or logits, with Keras 3's formulas and their exact gradients.
 * NaN in a prediction gives NaN, never a bounded number. */
#ifndef KNN_BACKEND_LOSS_CROSSENTROPY_H
#define KNN_BACKEND_LOSS_CROSSENTROPY_H

#include "backend/loss_row.h"

#include <math.h>

KNN_EVERYWHERE double knn__loss_clipped(double p) { return knn__clip(p, KNN_LOSS_EPSILON, 1 - KNN_LOSS_EPSILON); }
KNN_EVERYWHERE bool knn__loss_is_clipped(double p) { return p < KNN_LOSS_EPSILON || p > 1 - KNN_LOSS_EPSILON; }

KNN_EVERYWHERE void knn__loss_fill_slope(const knn__loss_row *r, double slope)
{
    for (int i = 0; i < r->call->outputs; i++)
        knn__set_slope(r, i, slope);
}

/* Binary: mean over the outputs of -[t ln p + (1 - t) ln(1 - p)], with p = sigmoid(z) of logits z: max(z, 0) - z t + ln(1 + e^-|z|). */
KNN_EVERYWHERE double knn__binary_crossentropy(const knn__loss_row *r)
{
    double sum = 0, smoothing = r->call->label_smoothing, outputs = r->call->outputs;
    for (int i = 0; i < r->call->outputs; i++) {
        double z = r->prediction[i], t = r->target[i] * (1 - smoothing) + smoothing / 2;
        if (r->call->from_logits) {
            sum += (z > 0 ? z : 0) - z * t + log1p(exp(-fabs(z)));
            knn__set_slope(r, i, (1 / (1 + exp(-z)) - t) / outputs);
        } else {
            double p = knn__loss_clipped(z);
            sum -= t * log(p) + (1 - t) * log(1 - p);
            knn__set_slope(r, i, knn__loss_is_clipped(z) ? 0 : (p - t) / (p * (1 - p)) / outputs);
        }
    }
    return sum / outputs;
}

/* The categorical target of output i; sparse: 1 for the row's class. */
KNN_EVERYWHERE double knn__loss_category(const knn__loss_row *r, int i)
{
    if (r->call->op == KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY)
        return i == (int)r->target[0] ? 1 : 0;
    return r->target[i] * (1 - r->call->label_smoothing) + r->call->label_smoothing / r->call->outputs;
}

/* -sum of t ln p, p = softmax(z) of logits z: sum of t times ln sum e^z, minus sum of t z. */
KNN_EVERYWHERE double knn__loss_categorical_from_logits(const knn__loss_row *r)
{
    const knn_real *z = r->prediction;
    int outputs = r->call->outputs;
    double most = z[0], exponentials = 0, targets = 0, products = 0;
    for (int i = 1; i < outputs; i++)
        most = z[i] > most ? z[i] : most;
    for (int i = 0; i < outputs; i++) {
        exponentials += exp(z[i] - most);
        targets += knn__loss_category(r, i);
        products += knn__loss_category(r, i) * (z[i] - most);
    }
    for (int i = 0; i < outputs; i++)
        knn__set_slope(r, i, exp(z[i] - most) / exponentials * targets - knn__loss_category(r, i));
    return targets * log(exponentials) - products;
}

/* -sum of t ln q, q = p / sum p, clipped. The derivative by q is -t / q (0 where clipped), then the one of the quotient. */
KNN_EVERYWHERE double knn__loss_categorical_from_probabilities(const knn__loss_row *r)
{
    const knn_real *p = r->prediction;
    int outputs = r->call->outputs;
    double sum = 0, value = 0, common = 0;
    for (int i = 0; i < outputs; i++)
        sum += p[i];
    for (int i = 0; i < outputs; i++) {
        double q = p[i] / sum;
        value -= knn__loss_category(r, i) * log(knn__loss_clipped(q));
        common += knn__loss_is_clipped(q) ? 0 : knn__loss_category(r, i);
    }
    for (int i = 0; i < outputs; i++) {
        double q = p[i] / sum;
        knn__set_slope(r, i, (common - (knn__loss_is_clipped(q) ? 0 : knn__loss_category(r, i) / q)) / sum);
    }
    return value;
}

KNN_EVERYWHERE double knn__categorical_crossentropy(const knn__loss_row *r)
{
    double class_number = r->target[0];
    bool is_class = class_number >= 0 && class_number < r->call->outputs;
    if (r->call->op == KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY && !is_class) {
        knn__loss_fill_slope(r, NAN);
        return NAN;
    }
    return r->call->from_logits ? knn__loss_categorical_from_logits(r) : knn__loss_categorical_from_probabilities(r);
}

/* Lin et al. 2017: the binary cross-entropy times (1 - p_t)^gamma, p_t the probability of what is true; balanced: times t alpha +
 * (1 - t) (1 - alpha). The derivative is by p; behind a sigmoid p' = p (1 - p), and that of the cross-entropy is p - t. */
KNN_EVERYWHERE double knn__binary_focal_crossentropy(const knn__loss_row *r)
{
    const knn__loss_call *call = r->call;
    double sum = 0, smoothing = call->label_smoothing, gamma = call->gamma;
    for (int i = 0; i < call->outputs; i++) {
        double z = r->prediction[i], t = r->target[i] * (1 - smoothing) + smoothing / 2;
        double p = call->from_logits ? 1 / (1 + exp(-z)) : z, q = knn__loss_clipped(p);
        double entropy = call->from_logits ? (z > 0 ? z : 0) - z * t + log1p(exp(-fabs(z))) : -t * log(q) - (1 - t) * log(1 - q);
        double inner = call->from_logits ? p * (1 - p) : 1;                             /* dp / dprediction */
        double entropy_slope = call->from_logits ? p - t : knn__loss_is_clipped(p) ? 0 : (p - t) / (p * (1 - p));
        double miss = 1 - (t * p + (1 - t) * (1 - p)), factor = pow(miss, gamma);       /* d miss / dp = 1 - 2 t */
        double factor_slope = gamma == 0 ? 0 : gamma * pow(miss, gamma - 1) * (1 - 2 * t) * inner;
        double balance = call->balanced ? t * call->alpha + (1 - t) * (1 - call->alpha) : 1;
        sum += balance * factor * entropy;
        knn__set_slope(r, i, balance * (factor_slope * entropy + factor * entropy_slope) / call->outputs);
    }
    return sum / call->outputs;
}

/* -alpha t (1 - q)^gamma ln q of one share q, clipped; its derivative by q. */
KNN_EVERYWHERE double knn__loss_focal(const knn__loss_row *r, int i, double share, double *slope)
{
    double gamma = r->call->gamma, q = knn__loss_clipped(share), t = knn__loss_category(r, i), left = pow(1 - q, gamma);
    double falling = gamma == 0 ? 0 : gamma * pow(1 - q, gamma - 1);
    *slope = knn__loss_is_clipped(share) ? 0 : r->call->alpha * t * (falling * log(q) - left / q);
    return -r->call->alpha * t * left * log(q);
}

/* The sum over the outputs; q = p / sum p, or softmax of logits. Both have the derivative (slope_i - sum of slope q) times what follows. */
KNN_EVERYWHERE double knn__categorical_focal_crossentropy(const knn__loss_row *r)
{
    const knn_real *x = r->prediction;
    bool logits = r->call->from_logits;
    double most = x[0], sum = 0, value = 0, common = 0, slope;
    for (int i = 1; i < r->call->outputs; i++)
        most = x[i] > most ? x[i] : most;
    for (int i = 0; i < r->call->outputs; i++)
        sum += logits ? exp(x[i] - most) : x[i];
    for (int i = 0; i < r->call->outputs; i++) {
        double q = (logits ? exp(x[i] - most) : x[i]) / sum;
        value += knn__loss_focal(r, i, q, &slope);
        common += slope * q;
    }
    for (int i = 0; i < r->call->outputs; i++) {
        double q = (logits ? exp(x[i] - most) : x[i]) / sum;
        knn__loss_focal(r, i, q, &slope);
        knn__set_slope(r, i, (slope - common) * (logits ? q : 1 / sum));
    }
    return value;
}

#endif
