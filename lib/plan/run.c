/* Runs plans: forward, backward, the gradients' sums.
 *
 * A batch is cut into slices of consecutive images, and each slice goes through all steps on its own, in parallel. Only a step of two phases
 * (batch normalization) needs the others' sums: it is a stage of its own. Steps that want it are run image by image, depth first,
 * so that what one makes is consumed from cache by the next. A single image is shared: each divisible step is a stage, of pieces. */
#include "plan/steps.h"

#include "core/parallel.h"

#include <string.h>

/* A stretch of steps [first, last] that each slice runs without waiting for the others. */
typedef struct stage { knn__plan *plan; int first, last, phase; } stage;

static bool waits(const knn_step *step) { return step->needs.phases == 2; }
static bool stands_alone(const knn_step *step) { return waits(step) || step->needs.divisible; }

static knn_part part_of(const knn__plan *plan, int slice, int phase)
{
    long first, last;
    knn__share(plan->run.images, slice, plan->slices, &first, &last);
    return (knn_part){(int)first, (int)last, slice, phase, 0, 1};
}

static knn_part part_of_image(int image, int slice) { return (knn_part){image, image + 1, slice, 0, 0, 1}; }

static knn_part piece_of(const knn__plan *plan, int slice) { return (knn_part){0, plan->run.images, slice, 0, slice, plan->slices}; }

/* The steps that run depth first together with step s: [*first, *last], within [low, high]. */
static void group_of(const knn__plan *plan, int s, int low, int high, int *first, int *last)
{
    for (*first = s; *first > low && knn__together(&plan->steps[*first - 1], &plan->steps[*first]); (*first)--)
        ;
    for (*last = s; *last < high && knn__together(&plan->steps[*last], &plan->steps[*last + 1]); (*last)++)
        ;
}

/* ---- Forward ---- */

static void forward_slice(int slice, void *context)
{
    const stage *job = context;
    const knn__plan *plan = job->plan;
    const knn_part all = part_of(plan, slice, job->phase);
    const knn_backend *backend = plan->options.backend;

    if (backend->enter != NULL)
        backend->enter();
    for (int s = job->first, first, last; s <= job->last; s = last + 1) {
        const knn_step *step = &plan->steps[s];
        group_of(plan, s, s, job->last, &first, &last);
        if (step->needs.divisible)
            step->kernel->forward(step, piece_of(plan, slice));
        else if (waits(step) || (!step->needs.depth_first && all.first < all.last))
            step->kernel->forward(step, all);       /* two phases: with no images, too, the others read its sums */
        else if (step->needs.depth_first)
            for (int image = all.first; image < all.last; image++)
                for (int g = first; g <= last; g++)
                    plan->steps[g].kernel->forward(&plan->steps[g], part_of_image(image, slice));
    }
    if (backend->leave != NULL)
        backend->leave();
}

static void run_stage(stage job, knn__body *body)
{
    const knn_step *step = &job.plan->steps[job.first];
    int phases = waits(step) ? 2 : 1;
    bool by_one = job.plan->shares_image && !step->needs.divisible;
    int threads = job.plan->run.threads > 0 ? job.plan->run.threads : job.plan->options.threads;
    for (job.phase = 0; job.phase < phases; job.phase++)
        knn__parallel(job.plan->slices, by_one ? 1 : threads, body, &job);
}

const knn_real *knn__plan_go(knn__plan *plan)
{
    for (int slice = 0; slice < plan->slices; slice++)
        plan->first_image[slice] = part_of(plan, slice, 0).first;
    if (plan->count > 0)
        plan->steps[0].x.data = (knn_real *)(uintptr_t)plan->taken;         /* never written: step 0 is not run in place */
    for (int s = 0, last; s < plan->count; s = last + 1) {
        last = s;
        while (!stands_alone(&plan->steps[s]) && last + 1 < plan->count && !stands_alone(&plan->steps[last + 1]))
            last++;
        run_stage((stage){plan, s, last, 0}, forward_slice);
    }
    return plan->result;
}

const knn_real *knn__plan_forward(knn__plan *plan, const knn_real *x, const knn_run *run)
{
    knn__plan_take(plan, x, run, NULL, NULL);
    return knn__plan_go(plan);
}

void knn__plan_loss(knn__plan *plan) { plan->options.backend->loss(&plan->loss); }

const knn_real *knn__plan_loss_input(const knn__plan *plan)
{
    return plan->options.loss_before_last ? plan->steps[plan->count - 1].x.data : plan->output.data;
}

knn_real *knn__plan_loss_gradient(knn__plan *plan) { return plan->loss_gradient.data; }

/* ---- Backward: the same stages, from the last to the first ---- */

static void backward_slice(int slice, void *context)
{
    const stage *job = context;
    const knn__plan *plan = job->plan;
    const knn_part all = part_of(plan, slice, job->phase);
    const knn_backend *backend = plan->options.backend;

    if (backend->enter != NULL)
        backend->enter();
    for (int s = job->last, first, last; s >= job->first; s = first - 1) {
        const knn_step *step = &plan->steps[s];
        group_of(plan, s, job->first, s, &first, &last);
        if (job->phase == 0)
            for (int g = first; g <= last; g++)
                if (plan->steps[g].needs.partial > 0)
                    memset(knn__partial(&plan->steps[g], slice), 0, plan->steps[g].needs.partial);
        if (waits(step) || (!step->needs.depth_first && all.first < all.last))
            step->kernel->backward(step, all);
        else if (step->needs.depth_first)
            for (int image = all.first; image < all.last; image++)
                for (int g = last; g >= first; g--)
                    plan->steps[g].kernel->backward(&plan->steps[g], part_of_image(image, slice));
    }
    if (backend->leave != NULL)
        backend->leave();
}

static void finish_slice(int slice, void *context)
{
    const knn__plan *plan = context;
    const knn_backend *backend = plan->options.backend;

    if (backend->enter != NULL)
        backend->enter();
    for (int s = plan->first_backward; s <= plan->last_backward; s++)
        if (plan->steps[s].kernel->finish != NULL)
            plan->steps[s].kernel->finish(&plan->steps[s], slice);
    if (backend->leave != NULL)
        backend->leave();
}

void knn__plan_backward(knn__plan *plan)
{
    for (int s = plan->last_backward, first; s >= plan->first_backward; s = first - 1) {
        first = s;
        while (!waits(&plan->steps[s]) && first > plan->first_backward && !waits(&plan->steps[first - 1]))
            first--;
        run_stage((stage){plan, first, s, 0}, backward_slice);
    }
    if (plan->last_backward >= plan->first_backward)
        knn__parallel(plan->slices, plan->options.threads, finish_slice, plan);
}

const knn_real *knn__plan_input_gradient(const knn__plan *plan)
{
    return plan->count > 0 ? plan->steps[0].dx.data : plan->loss_gradient.data;
}

/* ---- Packing ---- */

static void prepare_slice(int slice, void *context)
{
    const knn__plan *plan = context;
    for (int s = 0; s < plan->count; s++)
        if (plan->steps[s].kernel->prepare != NULL)
            plan->steps[s].kernel->prepare(&plan->steps[s], slice);
}

void knn__plan_prepare(knn__plan *plan, int threads)
{
    knn__parallel(plan->slices, threads > 0 ? threads : plan->options.threads, prepare_slice, plan);
}
