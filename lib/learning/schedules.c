/* Learning-rate schedules: the rate as a function of the number of finished steps (Keras 3's formulas). Holds no state. */
#include "core/status.h"
#include "learning/learning.h"

#include <float.h>
#include <math.h>

typedef struct schedule_kind {
    knn__kind kind;
    double (*rate)(const knn_schedule *schedule, double step);
} schedule_kind;

/* NaN is outside every range, so a required number that was left at 0 is refused; KNN_ZERO is a real zero. */
#define REQUIRED NAN

static const double PI = 3.14159265358979323846;

static double progress(const knn_exponential_decay_schedule *decay, double step)
{
    double part = step / decay->decay_steps;
    return decay->staircase ? floor(part) : part;
}

static double exponential_rate(const knn_schedule *schedule, double step)
{
    const knn_exponential_decay_schedule *decay = (const knn_exponential_decay_schedule *)schedule;
    return decay->initial_learning_rate * pow(decay->decay_rate, progress(decay, step));
}

static double inverse_time_rate(const knn_schedule *schedule, double step)
{
    const knn_exponential_decay_schedule *decay = (const knn_exponential_decay_schedule *)schedule;
    return decay->initial_learning_rate / (1.0 + decay->decay_rate * progress(decay, step));
}

static double cosine_rate(const knn_schedule *schedule, double step)
{
    const knn_cosine_decay_schedule *decay = (const knn_cosine_decay_schedule *)schedule;
    double peak = decay->initial_learning_rate;
    if (decay->warmup_target > 0.0) {
        if (step < decay->warmup_steps)
            return peak + (decay->warmup_target - peak) * step / decay->warmup_steps;
        peak = decay->warmup_target;
        step -= decay->warmup_steps;
    }
    double part = fmin(step / decay->decay_steps, 1.0), cosine = 0.5 * (1.0 + cos(PI * part));
    return peak * ((1.0 - decay->alpha) * cosine + decay->alpha);
}

/* t_mul 1: all restarts are equally far from each other; else the i-th one is at (1 - t_mul^i) / (1 - t_mul). */
static double restarts_rate(const knn_schedule *schedule, double step)
{
    const knn_cosine_decay_restarts_schedule *decay = (const knn_cosine_decay_restarts_schedule *)schedule;
    double part = step / decay->first_decay_steps, t = decay->t_mul, restart = floor(part);
    if (t == 1.0) {
        part -= restart;
    } else {
        restart = floor(log(1.0 - part * (1.0 - t)) / log(t));
        part = (part - (1.0 - pow(t, restart)) / (1.0 - t)) / pow(t, restart);
    }
    double cosine = 0.5 * pow(decay->m_mul, restart) * (1.0 + cos(PI * part));
    return decay->initial_learning_rate * ((1.0 - decay->alpha) * cosine + decay->alpha);
}

static double polynomial_rate(const knn_schedule *schedule, double step)
{
    const knn_polynomial_decay_schedule *decay = (const knn_polynomial_decay_schedule *)schedule;
    double steps = decay->decay_steps;
    if (decay->cycle)
        steps *= fmax(1.0, ceil(step / steps));
    double left = 1.0 - fmin(step / steps, 1.0);
    return (decay->initial_learning_rate - decay->end_learning_rate) * pow(left, decay->power) + decay->end_learning_rate;
}

static double piecewise_rate(const knn_schedule *schedule, double step)
{
    const knn_piecewise_constant_decay_schedule *decay = (const knn_piecewise_constant_decay_schedule *)schedule;
    int piece = 0;
    while (piece < decay->count && step > decay->boundaries[piece])
        piece++;
    return decay->values[piece];
}

#define REAL(type, member, normal, least) {#member, KNN_FIELD_REAL, offsetof(type, member), normal, least, DBL_MAX, NULL}
#define FLAG(type, member)                {#member, KNN_FIELD_BOOL, offsetof(type, member), 0, 0, 0, NULL}
#define END                               {NULL, KNN_FIELD_INT, 0, 0, 0, 0, NULL}

static const knn_field exponential_fields[] = {
    REAL(knn_exponential_decay_schedule, initial_learning_rate, REQUIRED, 0.0),
    REAL(knn_exponential_decay_schedule, decay_steps, REQUIRED, DBL_MIN),
    REAL(knn_exponential_decay_schedule, decay_rate, REQUIRED, 0.0),
    FLAG(knn_exponential_decay_schedule, staircase), END};

static const knn_field cosine_fields[] = {
    REAL(knn_cosine_decay_schedule, initial_learning_rate, REQUIRED, 0.0),
    REAL(knn_cosine_decay_schedule, decay_steps, REQUIRED, DBL_MIN),
    REAL(knn_cosine_decay_schedule, alpha, 0.0, 0.0),
    REAL(knn_cosine_decay_schedule, warmup_target, 0.0, 0.0),
    {"warmup_steps", KNN_FIELD_INT, offsetof(knn_cosine_decay_schedule, warmup_steps), 0, 0, INT32_MAX, NULL}, END};

static const knn_field restarts_fields[] = {
    REAL(knn_cosine_decay_restarts_schedule, initial_learning_rate, REQUIRED, 0.0),
    REAL(knn_cosine_decay_restarts_schedule, first_decay_steps, REQUIRED, DBL_MIN),
    REAL(knn_cosine_decay_restarts_schedule, t_mul, 2.0, DBL_MIN), REAL(knn_cosine_decay_restarts_schedule, m_mul, 1.0, 0.0),
    REAL(knn_cosine_decay_restarts_schedule, alpha, 0.0, 0.0), END};

static const knn_field polynomial_fields[] = {
    REAL(knn_polynomial_decay_schedule, initial_learning_rate, REQUIRED, 0.0),
    REAL(knn_polynomial_decay_schedule, decay_steps, REQUIRED, DBL_MIN),
    REAL(knn_polynomial_decay_schedule, end_learning_rate, 0.0001, 0.0),
    REAL(knn_polynomial_decay_schedule, power, 1.0, 0.0),
    FLAG(knn_polynomial_decay_schedule, cycle), END};

static const knn_field_length boundary_count = {offsetof(knn_piecewise_constant_decay_schedule, count), 0};
static const knn_field_length value_count = {offsetof(knn_piecewise_constant_decay_schedule, count), 1};
static const knn_field piecewise_fields[] = {
    {"boundaries", KNN_FIELD_REALS, offsetof(knn_piecewise_constant_decay_schedule, boundaries), 0, 0, 0, &boundary_count},
    {"values", KNN_FIELD_REALS, offsetof(knn_piecewise_constant_decay_schedule, values), 0, 0, 0, &value_count}, END};

#define SCHEDULE(name, type, fields, rate) {{name, sizeof(type), fields, 0, NULL}, rate}

static const schedule_kind
    exponential = SCHEDULE("ExponentialDecay", knn_exponential_decay_schedule, exponential_fields, exponential_rate),
    inverse_time = SCHEDULE("InverseTimeDecay", knn_exponential_decay_schedule, exponential_fields, inverse_time_rate),
    cosine = SCHEDULE("CosineDecay", knn_cosine_decay_schedule, cosine_fields, cosine_rate),
    restarts = SCHEDULE("CosineDecayRestarts", knn_cosine_decay_restarts_schedule, restarts_fields, restarts_rate),
    polynomial = SCHEDULE("PolynomialDecay", knn_polynomial_decay_schedule, polynomial_fields, polynomial_rate),
    piecewise = SCHEDULE("PiecewiseConstantDecay", knn_piecewise_constant_decay_schedule, piecewise_fields, piecewise_rate);

const knn__kind *const knn__schedule_kinds[] = {&exponential.kind, &inverse_time.kind, &cosine.kind, &restarts.kind, &polynomial.kind,
                                                &piecewise.kind, NULL};

double knn__schedule_rate(const knn_schedule *schedule, uint64_t step)
{
    const knn__kind *kind = knn__find_kind(knn__schedule_kinds, schedule->class_name);
    return ((const schedule_kind *)kind)->rate(schedule, (double)step);
}
