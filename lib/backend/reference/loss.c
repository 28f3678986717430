/* The losses with Keras 3's formulas, and their exact gradients. One value a row, a sample's is the mean of its rows.
 * Does not reduce over the batch: the caller weighs and adds the values. NaN in a prediction gives NaN, never a bounded number. */
#include "backend/reference/reference.h"

#include <math.h>

static const double EPSILON = 1e-7;                     /* keras.config.epsilon(): probabilities are clipped to [EPSILON, 1 - EPSILON] */

/* A row of a sample: `outputs` predictions; their targets, or the number of the class. `slope` gets d value / d prediction, unweighted. */
typedef struct row {
    const knn__loss_call *call;
    const knn_real *prediction, *target;
    knn_real *slope;                                    /* NULL: not wanted */
} row;

static double clipped(double p) { return p < EPSILON ? EPSILON : p > 1 - EPSILON ? 1 - EPSILON : p; }
static bool is_clipped(double p) { return p < EPSILON || p > 1 - EPSILON; }

static void set_slope(const row *r, int i, double slope)
{
    if (r->slope != NULL)
        r->slope[i] = (knn_real)slope;
}

static void fill_slope(const row *r, double slope)
{
    for (int i = 0; i < r->call->outputs; i++)
        set_slope(r, i, slope);
}

/* Binary: mean over the outputs of -[t ln p + (1 - t) ln(1 - p)], with p = sigmoid(z) of logits z: max(z, 0) - z t + ln(1 + e^-|z|). */
static double binary_crossentropy(const row *r)
{
    double sum = 0, smoothing = r->call->label_smoothing, outputs = r->call->outputs;
    for (int i = 0; i < r->call->outputs; i++) {
        double z = r->prediction[i], t = r->target[i] * (1 - smoothing) + smoothing / 2;
        if (r->call->from_logits) {
            sum += (z > 0 ? z : 0) - z * t + log1p(exp(-fabs(z)));
            set_slope(r, i, (1 / (1 + exp(-z)) - t) / outputs);
        } else {
            double p = clipped(z);
            sum -= t * log(p) + (1 - t) * log(1 - p);
            set_slope(r, i, is_clipped(z) ? 0 : (p - t) / (p * (1 - p)) / outputs);
        }
    }
    return sum / outputs;
}

/* The categorical target of output i; sparse: 1 for the row's class. */
static double category(const row *r, int i)
{
    if (r->call->op == KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY)
        return i == (int)r->target[0] ? 1 : 0;
    return r->target[i] * (1 - r->call->label_smoothing) + r->call->label_smoothing / r->call->outputs;
}

/* -sum of t ln p, p = softmax(z) of logits z: sum of t times ln sum e^z, minus sum of t z. */
static double categorical_from_logits(const row *r)
{
    const knn_real *z = r->prediction;
    int outputs = r->call->outputs;
    double most = z[0], exponentials = 0, targets = 0, products = 0;
    for (int i = 1; i < outputs; i++)
        most = z[i] > most ? z[i] : most;
    for (int i = 0; i < outputs; i++) {
        exponentials += exp(z[i] - most);
        targets += category(r, i);
        products += category(r, i) * (z[i] - most);
    }
    for (int i = 0; i < outputs; i++)
        set_slope(r, i, exp(z[i] - most) / exponentials * targets - category(r, i));
    return targets * log(exponentials) - products;
}

/* -sum of t ln q, q = p / sum p, clipped. The derivative by q is -t / q (0 where clipped), then the one of the quotient. */
static double categorical_from_probabilities(const row *r)
{
    const knn_real *p = r->prediction;
    int outputs = r->call->outputs;
    double sum = 0, value = 0, common = 0;
    for (int i = 0; i < outputs; i++)
        sum += p[i];
    for (int i = 0; i < outputs; i++) {
        double q = p[i] / sum;
        value -= category(r, i) * log(clipped(q));
        common += is_clipped(q) ? 0 : category(r, i);
    }
    for (int i = 0; i < outputs; i++) {
        double q = p[i] / sum;
        set_slope(r, i, (common - (is_clipped(q) ? 0 : category(r, i) / q)) / sum);
    }
    return value;
}

static double categorical_crossentropy(const row *r)
{
    double class_number = r->target[0];
    bool is_class = class_number >= 0 && class_number < r->call->outputs;
    if (r->call->op == KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY && !is_class) {
        fill_slope(r, NAN);
        return NAN;
    }
    return r->call->from_logits ? categorical_from_logits(r) : categorical_from_probabilities(r);
}

static double mean_squared_error(const row *r)
{
    double sum = 0, outputs = r->call->outputs;
    for (int i = 0; i < r->call->outputs; i++) {
        double error = (double)r->prediction[i] - r->target[i];
        sum += error * error;
        set_slope(r, i, 2 * error / outputs);
    }
    return sum / outputs;
}

static double mean_absolute_error(const row *r)
{
    double sum = 0, outputs = r->call->outputs;
    for (int i = 0; i < r->call->outputs; i++) {
        double error = (double)r->prediction[i] - r->target[i];
        sum += fabs(error);
        set_slope(r, i, (error > 0 ? 1 : error < 0 ? -1 : error) / outputs);            /* 0 at 0, NaN at NaN */
    }
    return sum / outputs;
}

static double row_value(const row *r)
{
    switch (r->call->op) {
    case KNN_LOSS_BINARY_CROSSENTROPY: return binary_crossentropy(r);
    case KNN_LOSS_CATEGORICAL_CROSSENTROPY:
    case KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY: return categorical_crossentropy(r);
    case KNN_LOSS_MEAN_SQUARED_ERROR: return mean_squared_error(r);
    case KNN_LOSS_MEAN_ABSOLUTE_ERROR: return mean_absolute_error(r);
    }
    return NAN;
}

void knn__reference_loss(const knn__loss_call *call)
{
    long outputs = call->outputs, targets = call->op == KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY ? 1 : outputs;
    for (int image = 0; image < call->images; image++) {
        double sum = 0, weight = call->weight != NULL ? call->weight[image] : 1;
        for (int position = 0; position < call->positions; position++) {
            long at = (long)image * call->positions + position;
            row r = {call, call->prediction + at * outputs, call->target + at * targets,
                     call->gradient != NULL ? call->gradient + at * outputs : NULL};
            sum += row_value(&r);
            for (int i = 0; r.slope != NULL && i < call->outputs; i++)
                r.slope[i] = (knn_real)(r.slope[i] * weight / call->positions / call->images);
        }
        call->value[image] = sum / call->positions;
    }
}
