/* Mode grad: the reference's gradients against central differences of its own forward pass, all in double, along random directions: one
 * pair of runs checks all elements of an array at once. */
#include "harness.h"
#include "problem.h"

#include "core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIRECTIONS = 2 };

static const double STEP = 1e-6;            /* far below the margin of near ties */
static const double MOST_WORK = 3e6;        /* products of a forward run: larger cases teach nothing new */

/* What the gradients are of: sum of dy y. */
static double objective(const problem *p)
{
    size_t length = (size_t)p->from->images * p->chain.out;
    double sum = 0, *y = calloc(length, sizeof *y);
    chain_call call = problem_call(p, true);
    call.dy = NULL;
    call.y = y;
    const char *error = y != NULL ? oracle_run(&call) : "no memory";
    for (size_t i = 0; error == NULL && i < length; i++)
        sum += p->dy[i] * y[i];
    free(y);
    return error == NULL ? sum : NAN;
}

/* values += step * direction of signs */
static void move(double *values, size_t length, uint32_t direction, double step)
{
    knn__stream stream = {.seed = 7, .stream = 97, .index = direction};
    for (size_t i = 0; i < length; i++)
        values[i] += knn__random_bits(&stream, (uint32_t)i) & 1 ? step : -step;
}

static double along(const double *gradient, size_t length, uint32_t direction, double *norm)
{
    knn__stream stream = {.seed = 7, .stream = 97, .index = direction};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < length; i++) {
        sum += knn__random_bits(&stream, (uint32_t)i) & 1 ? gradient[i] : -gradient[i];
        squares += gradient[i] * gradient[i];
    }
    *norm = sqrt(squares);
    return sum;
}

static void check_array(const problem *p, const char *what, double *values, const double *gradient, size_t length, harness_report *report)
{
    double *kept = calloc(length, sizeof *kept);
    if (kept == NULL)
        return;
    memcpy(kept, values, length * sizeof *kept);
    for (uint32_t direction = 0; direction < DIRECTIONS; direction++) {
        double norm, slope = along(gradient, length, direction, &norm);
        move(values, length, direction, STEP);
        double above = objective(p);
        memcpy(values, kept, length * sizeof *kept);
        move(values, length, direction, -STEP);
        double difference = (above - objective(p)) / (2 * STEP);
        memcpy(values, kept, length * sizeof *kept);
        report->runs++;
        if (!(fabs(difference - slope) <= 1e-6 * norm + 1e-7))
            harness_fail(report, "%s: %s: d %s along a direction is %.9g, differences give %.9g", p->from->group, p->from->label, what,
                         slope, difference);
    }
    free(kept);
}

static double work(const problem *p)
{
    double most = 0;
    for (int i = 0; i < p->chain.count; i++) {
        const knn_node *n = &p->chain.nodes[i];
        double products = (double)knn__extent_length(n->out) * n->kernel_height * n->kernel_width
            * (n->op == KNN_OP_CONV2D || n->op == KNN_OP_DENSE ? n->in.channels : 1);
        most = fmax(most, products * p->from->images);
    }
    return most;
}

void harness_grad(const char *group, harness_report *report)
{
    for (const chain_case *from = chain_cases; from->group != NULL; from++) {
        problem p;
        if (from->inference_only || (group != NULL && strcmp(group, from->group) != 0))
            continue;
        problem_open(&p, from);
        bool large = work(&p) > MOST_WORK;
        problem_free(&p);
        if (large)
            continue;
        problem_make(&p, from, 1e-4);
        report->cases++;
        snprintf(harness_now, sizeof harness_now, "grad: %s: %s", from->group, from->label);
        check_array(&p, "x", p.x, p.expected.dx, (size_t)from->images * p.chain.in, report);
        for (int i = 0; i < p.chain.weight_count; i++) {
            const chain_weight *w = &p.chain.weight[i];
            if (w->trainable)
                check_array(&p, w->name, p.weights + w->offset, p.expected.gradients + w->offset, w->length, report);
        }
        problem_free(&p);
    }
}
