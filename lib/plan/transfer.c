/* What goes to a plan's device and comes back: samples, labels, losses, outputs. On the host everything is where it is needed. */
#include "plan/steps.h"

#include <string.h>

/* Queues a copy of the host's array to `to`; NULL stays NULL. */
static const knn_real *send(const knn__plan *plan, knn_real *to, const knn_real *from, size_t length)
{
    if (from == NULL)
        return NULL;
    knn__devices(plan)->write(plan->device, to, from, length * sizeof *from);
    return to;
}

const knn_real *knn__plan_take(knn__plan *plan, const knn_real *x, int images)
{
    if (plan->device == NULL)
        return x;
    return send(plan, plan->input, x, (size_t)images * plan->in_length);
}

knn_status knn__plan_output(knn__plan *plan, const knn_real **y)
{
    *y = plan->result;
    if (plan->device == NULL)
        return KNN_OK;
    *y = plan->host_output;
    return knn__plan_read(plan, plan->host_output, plan->result, (size_t)plan->run.images * plan->out_length);
}

void knn__plan_loss(knn__plan *plan, const knn__loss_call *call)
{
    knn__loss_call there = *call;
    size_t images = (size_t)call->images, rows = images * (size_t)call->positions;
    bool class_numbers = call->op == KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY;

    if (plan->device != NULL) {
        there.device = plan->device;
        there.target = send(plan, plan->target, call->target, class_numbers ? rows : rows * (size_t)call->outputs);
        there.weight = send(plan, plan->weight, call->weight, images);
        there.value = plan->losses;
        there.sums = plan->loss_sums;
    }
    plan->options.backend->loss(&there);
    if (plan->device != NULL)
        knn__devices(plan)->read(plan->device, call->value, there.value, images * sizeof *call->value);
}

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
