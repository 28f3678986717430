/* Makes plans: which nodes there are to run, and the first kernel in the backend's lists that covers the next ones.
 * Does not run anything (run.c) and does not place memory (memory.c). */
#include "plan/steps.h"

#include "core/memory.h"
#include "core/status.h"

#include <string.h>

/* Sums over a batch are split into this many parts, whatever the number of threads up to it: 1, 2 and 4 threads give the same bits. */
enum { FIXED_SLICES = 4 };

/* Threads share a single image where capacity is 1. They meet after each such step (2 to 5 us, Zen 3), so small ones are left to one thread. */
enum { PAYS_DIVISION = 400000 };            /* multiplications: 10 us of one core */

/* Nodes that hand on the numbers as they are: no kernel runs them. */
static bool is_identity(const knn_node *node, bool training)
{
    return node->op == KNN_OP_FLATTEN || (node->training_only && !training);
}

/* How many nodes a kernel may cover from node `at` on: the loss wants the input of the last one for itself. */
static int nodes_on_offer(const knn__plan *plan, int at)
{
    int end = plan->node_count;
    if (plan->options.loss_before_last && at < end - 1)
        end--;
    return end - at;
}

static int choose(const knn_backend *backend, const knn_node *nodes, int count, const knn_request *request, const char *force,
                  const knn_kernel **chosen)
{
    const char *reason;

    for (int list = 0;; list++) {
        const knn_kernel *const *kernels = backend->kernels(list);
        if (kernels == NULL)
            return 0;
        for (; *kernels != NULL; kernels++) {
            if (force != NULL && strstr((*kernels)->name, force) == NULL)
                continue;
            int covered = knn__kernel_covers(*kernels, nodes, count, request, &reason);
            if (covered > 0) {
                *chosen = *kernels;
                return covered;
            }
        }
    }
}

bool knn__plan_covers(const knn_backend *backend, const knn_node *node, bool training, int capacity)
{
    const knn_request request = {.training = training, .capacity = capacity, .slices = 1};
    const knn_kernel *kernel;
    return is_identity(node, training) || choose(backend, node, 1, &request, NULL, &kernel) > 0;
}

/* One image: what counts is when it is done, not that its steps are run depth first. */
static void divide(const knn__plan *plan, knn_step *step)
{
    const knn_node *n = &step->nodes[0];
    size_t multiplications = n->weight[KNN_KERNEL].length * (size_t)n->out.height * (size_t)n->out.width;
    size_t least = plan->options.least_division > 0 ? plan->options.least_division : PAYS_DIVISION;

    step->needs.divisible = step->needs.divisible && plan->shares_image && multiplications >= least;
    step->needs.depth_first = step->needs.depth_first && !plan->shares_image;
}

static knn_status choose_kernels(knn__plan *plan)
{
    const knn_request request = {.training = plan->options.training, .capacity = plan->options.capacity, .slices = plan->slices,
        .force = plan->options.force};

    for (int at = 0; at < plan->node_count;) {
        knn_step *step = &plan->steps[plan->count];
        const knn_kernel *kernel = NULL;
        const knn_backend *backend = plan->options.backend;
        int offered = nodes_on_offer(plan, at);
        int covered = request.force != NULL ? choose(backend, &plan->nodes[at], offered, &request, request.force, &kernel) : 0;
        if (covered == 0)
            covered = choose(backend, &plan->nodes[at], offered, &request, NULL, &kernel);
        if (covered == 0)
            return knn__fail(KNN_ERROR_UNSUPPORTED, "%s: backend %s has no kernel for this layer", plan->nodes[at].name, backend->name);
        *step = (knn_step){.kernel = kernel, .nodes = &plan->nodes[at], .count = covered, .request = request,
            .weights = plan->options.weights, .gradients = plan->options.gradients, .device = plan->device, .run = &plan->run};
        step->x.length = knn__extent_length(plan->nodes[at].in);
        step->y.length = knn__extent_length(plan->nodes[at + covered - 1].out);
        knn__measure(step);
        divide(plan, step);
        plan->varies = plan->varies || step->needs.varies;
        at += covered;
        plan->count++;
    }
    return KNN_OK;
}

static bool trains(const knn_step *step)
{
    for (int n = 0; n < step->count; n++)
        for (int w = 0; w < KNN_NODE_WEIGHTS; w++)
            if (step->nodes[n].weight[w].length > 0 && step->nodes[n].weight[w].trainable)
                return true;
    return false;
}

static void find_backward_steps(knn__plan *plan)
{
    plan->last_backward = plan->options.training ? plan->count - 1 - plan->options.loss_before_last : -1;
    plan->first_backward = 0;
    while (!plan->options.input_gradient && plan->first_backward < plan->count && !trains(&plan->steps[plan->first_backward]))
        plan->first_backward++;
}

static knn_status check_sizes(const knn__plan *plan)
{
    size_t images = (size_t)plan->options.capacity, most = plan->options.backend->most_numbers;

    for (int i = 0; i < plan->node_count && most > 0; i++) {
        const knn_node *n = &plan->nodes[i];
        size_t in = knn__extent_length(n->in), out = knn__extent_length(n->out), length = in > out ? in : out;
        if (length > 0 && images >= most / length)
            return knn__fail(KNN_ERROR_UNSUPPORTED, "%s: a batch of %zu times %zu numbers, backend %s takes fewer than %zu", n->name, images, length,
                             plan->options.backend->name, most);
    }
    return KNN_OK;
}

/* How many threads there are, and slices. A device does a whole batch at once. */
static void cut(knn__plan *plan)
{
    const knn__plan_options *options = &plan->options;
    int threads = options->threads > 0 && knn__devices(plan) == NULL ? options->threads : 1;

    plan->options.threads = threads;
    plan->shares_image = !options->training && options->capacity == 1 && threads > 1;
    plan->slices = options->slices > 0 ? options->slices : threads > FIXED_SLICES ? threads : FIXED_SLICES;
    if (plan->slices > options->capacity)
        plan->slices = plan->shares_image ? threads : options->capacity;
    if (knn__devices(plan) != NULL)
        plan->slices = 1;
}

static knn_status open_device(knn__plan *plan)
{
    if (plan->options.count == 0)
        return knn__fail(KNN_ERROR_UNSUPPORTED, "backend %s: the model has no layer that computes something", plan->options.backend->name);
    plan->device = plan->options.opened;
    if (plan->device != NULL)
        return KNN_OK;
    knn_status status = knn__devices(plan)->open(plan->options.device, plan->options.tensor, &plan->device);
    return status == KNN_ERROR_DEVICE_MEMORY ? knn__context(status, "no batch would fit") : status;
}

static knn_status make(knn__plan *plan, const knn__plan_options *options)
{
    plan->options = *options;
    cut(plan);
    plan->nodes = knn__alloc((size_t)options->count, sizeof *plan->nodes);
    plan->steps = knn__alloc((size_t)options->count, sizeof *plan->steps);
    plan->first_image = knn__alloc((size_t)plan->slices, sizeof *plan->first_image);
    if (plan->nodes == NULL || plan->steps == NULL || plan->first_image == NULL)
        return KNN_ERROR_MEMORY;
    if (options->count > 0) {
        plan->in_length = knn__extent_length(options->nodes[0].in);
        plan->out_length = knn__extent_length(options->nodes[options->count - 1].out);
    }
    for (int i = 0; i < options->count; i++)
        if (!is_identity(&options->nodes[i], options->training))
            plan->nodes[plan->node_count++] = options->nodes[i];
    knn_status status = check_sizes(plan);
    if (status == KNN_OK && knn__devices(plan) != NULL)
        status = open_device(plan);
    if (status == KNN_OK)
        status = choose_kernels(plan);
    if (status != KNN_OK)
        return status;
    find_backward_steps(plan);
    return knn__plan_memory(plan);
}

knn_status knn__plan_make(const knn__plan_options *options, knn__plan **plan)
{
    *plan = knn__alloc(1, sizeof **plan);
    if (*plan == NULL)
        return KNN_ERROR_MEMORY;
    knn_status status = make(*plan, options);
    if (status != KNN_OK) {
        knn__plan_free(*plan);
        *plan = NULL;
    }
    return status;
}

static void free_on_device(knn__plan *plan)
{
    const knn__device_class *devices = knn__devices(plan);

    knn__plan_forget(plan);
    devices->unpin(plan->device, plan->pinned);
    devices->free(plan->device, plan->arena);
    if (plan->device != plan->options.opened)
        devices->close(plan->device);
}

void knn__plan_free(knn__plan *plan)
{
    if (plan == NULL)
        return;
    knn__plan_free_stages(plan);
    if (plan->device != NULL)
        free_on_device(plan);
    else
        knn__arena_free(plan->arena, plan->bytes);
    knn__free(plan->first_image);
    knn__free(plan->steps);
    knn__free(plan->nodes);
    knn__free(plan);
}

int knn__plan_slices(const knn__plan *plan) { return plan->slices; }
size_t knn__plan_bytes(const knn__plan *plan) { return plan->bytes; }
int knn__plan_capacity(const knn__plan *plan) { return plan->options.capacity; }
