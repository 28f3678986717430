/* What a run is about, to a plan's device, and what came out, back. On the host everything is where it is needed.
 *
 * A training may queue a run before it has seen the results of the one before: each of a plan's turns has its own pinned memory.
 * Batches that are loaded while others are worked on: stage.c. */
#include "plan/steps.h"

#include <string.h>

/* ---- To the device ---- */

static knn_real *labels_of(const knn__plan *plan, knn__told *told) { return told->numbers + plan->options.capacity; }

static size_t label_length(const knn__loss_call *call)
{
    size_t positions = (size_t)call->positions;
    return call->op == KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY ? positions : positions * (size_t)call->outputs;
}

/* The loss of this run as the device sees it: labels and weights of samples are told with it. */
static void tell_loss(knn__plan *plan, const knn__loss_call *call, knn__told *told)
{
    size_t images = (size_t)call->images;
    knn__loss_call *loss = &plan->loss;
    loss->device = plan->device;
    loss->now = &plan->told->loss;
    loss->target = labels_of(plan, plan->told);
    loss->weight = plan->told->numbers;
    loss->value = plan->losses;
    loss->sums = plan->loss_sums;
    told->loss = (knn__loss_now){call->divisor, call->zero_one, call->weight != NULL};
    memcpy(labels_of(plan, told), call->target, images * label_length(call) * sizeof *call->target);
    if (call->weight != NULL)
        memcpy(told->numbers, call->weight, images * sizeof *call->weight);
}

static size_t told_bytes(const knn__plan *plan, const knn__loss_call *call)
{
    size_t numbers = call != NULL ? (size_t)plan->options.capacity + (size_t)call->images * label_length(call) : 0;
    return sizeof *plan->told + numbers * sizeof(knn_real);
}

static void tell(knn__plan *plan, const knn__loss_call *loss, knn__step_call *step)
{
    knn__turn *turn = &plan->turn[plan->now];
    turn->value = loss != NULL ? loss->value : NULL;
    turn->told->run = plan->run;
    if (loss != NULL)
        tell_loss(plan, loss, turn->told);
    if (step != NULL) {
        step->now = plan->told->step;
        plan->options.backend->describe_step(step, turn->told->step);
    }
    if (plan->options.training || loss != NULL)             /* nobody else looks */
        knn__devices(plan)->write(plan->device, plan->told, turn->told, told_bytes(plan, loss));
}

/* x, or what is staged, where the kernels read it. */
static const knn_real *take_samples(knn__plan *plan, const knn_real *x)
{
    if (x == NULL)
        return knn__plan_take_stage(plan);
    if (plan->device == NULL)
        return x;
    knn__devices(plan)->write(plan->device, plan->input, x, (size_t)plan->run.images * plan->in_length * sizeof *x);
    return plan->input;
}

void knn__plan_take(knn__plan *plan, const knn_real *x, const knn_run *run, const knn__loss_call *loss, knn__step_call *step)
{
    plan->run = *run;
    plan->taken = take_samples(plan, x);
    plan->result = plan->count > 0 ? plan->output.data : plan->taken;
    plan->now = plan->turns > 1 ? 1 - plan->now : 0;
    if (loss != NULL) {
        plan->loss = *loss;
        if (loss->prediction == NULL)
            plan->loss.prediction = plan->result;
    }
    if (plan->device != NULL)
        tell(plan, loss, step);
}

/* ---- Back ---- */

double *knn__plan_penalty(const knn__plan *plan) { return plan->losses + plan->options.capacity; }

knn_status knn__plan_fetch(knn__plan *plan, int *number)
{
    *number = plan->now;
    if (plan->device == NULL)
        return KNN_OK;
    knn__turn *turn = &plan->turn[plan->now];
    turn->images = plan->run.images;
    if (turn->value != NULL)
        knn__devices(plan)->read(plan->device, turn->losses, plan->losses, knn__losses_length(plan) * sizeof *turn->losses);
    knn__devices(plan)->read(plan->device, turn->output, plan->result, (size_t)turn->images * plan->out_length * sizeof *turn->output);
    return knn__devices(plan)->mark(plan->device, plan->now);
}

knn_status knn__plan_fetched(knn__plan *plan, int number, const knn_real **y, double *penalty)
{
    const knn__turn *turn = &plan->turn[number];
    *y = plan->result;
    if (plan->device == NULL)
        return KNN_OK;
    *y = turn->output;
    knn_status status = knn__devices(plan)->reach(plan->device, number);
    if (status == KNN_OK && turn->value != NULL)
        memcpy(turn->value, turn->losses, (size_t)turn->images * sizeof *turn->value);
    if (status == KNN_OK && penalty != NULL)
        *penalty = turn->losses[plan->options.capacity];
    return status;
}

knn_status knn__plan_output(knn__plan *plan, const knn_real **y)
{
    int number;
    knn_status status = knn__plan_fetch(plan, &number);
    return status == KNN_OK ? knn__plan_fetched(plan, number, y, NULL) : status;
}

/* ---- Any array ---- */

knn_status knn__plan_write(knn__plan *plan, knn_real *to, const knn_real *from, size_t length)
{
    if (plan->device == NULL) {
        memcpy(to, from, length * sizeof *to);
        return KNN_OK;
    }
    knn__devices(plan)->write(plan->device, to, from, length * sizeof *to);
    return knn__devices(plan)->wait(plan->device);
}

knn_status knn__plan_read(knn__plan *plan, knn_real *to, const knn_real *from, size_t length)
{
    if (plan->device == NULL) {
        memcpy(to, from, length * sizeof *to);
        return KNN_OK;
    }
    knn__devices(plan)->read(plan->device, to, from, length * sizeof *to);
    return knn__devices(plan)->wait(plan->device);
}
