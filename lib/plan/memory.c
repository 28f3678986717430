/* The memory plan: every tensor and block of every step in one arena.
 *
 * Activations. Between two steps that run depth first together only one image for each slice exists, unless the backward pass reads it. All
 * other outputs hold the whole batch: in training each its own, in inference two buffers take turns, since only the next step reads one.
 * Gradients. Two buffers of the whole batch take turns from the loss backwards; between steps that run together one image a slice.
 * Turns. No slice waits for another between steps, so in a buffer of turns each slice has a place that suits the longest tensor.
 * Blocks. saved, partial and packed are each step's own; scratch is shared by all, a slice runs one step at a time. */
#include "plan/steps.h"

#include "core/memory.h"
#include "core/status.h"

enum { ALIGNMENT = 64 };

/* Hands out pieces of the arena. The layout is made twice: without a base to measure it, then with. */
typedef struct cursor { const knn__device_class *devices; unsigned char *base; size_t offset; } cursor;

static size_t round_up(size_t bytes) { return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

static void *take(cursor *at, size_t bytes)
{
    void *piece = at->base != NULL ? at->base + at->offset : NULL;
    at->offset += round_up(bytes) + (at->devices != NULL ? at->devices->placed(piece, bytes) : 0);
    return piece;
}

static knn_tensor tensor(const knn__plan *plan, cursor *at, size_t length, bool own)
{
    size_t images = (size_t)(own ? plan->slices : plan->options.capacity);
    return (knn_tensor){.data = take(at, images * length * sizeof(knn_real)), .length = length, .own = own};
}

/* A tensor in one of the buffers that take turns. */
static knn_tensor in_turn(const knn__plan *plan, const knn_tensor *buffer, size_t length)
{
    return (knn_tensor){buffer->data, length, false, buffer->length - length, plan->first_image};
}

static bool runs_backward(const knn__plan *plan, int s) { return s <= plan->last_backward && s >= plan->first_backward; }

/* Whether the plan's caller reads the output of step s: it must lie image by image, without slack. */
static bool handed_out(const knn__plan *plan, int s)
{
    return s == plan->count - 1 || (plan->options.loss_before_last && s == plan->count - 2);
}

/* Whether the output of step s is read again by the backward pass, or by the caller. */
static bool kept(const knn__plan *plan, int s)
{
    if (handed_out(plan, s))
        return true;
    return (runs_backward(plan, s) && plan->steps[s].needs.output) || (runs_backward(plan, s + 1) && plan->steps[s + 1].needs.input);
}

/* May step s write over its input? Not if that is the caller's x, or somebody reads it again. */
static bool forward_in_place(const knn__plan *plan, int s, bool own)
{
    const knn_step *step = &plan->steps[s];
    return s > 0 && step->needs.in_place && step->x.own == own && !kept(plan, s - 1) && !(handed_out(plan, s) && step->x.slack > 0);
}

/* Whether one image a slice of the output of step s is enough. */
static bool output_is_own(const knn__plan *plan, int s)
{
    return s < plan->count - 1 && knn__together(&plan->steps[s], &plan->steps[s + 1]) && !kept(plan, s);
}

static bool output_takes_turns(const knn__plan *plan, int s)
{
    return !plan->options.training && !handed_out(plan, s) && !output_is_own(plan, s);
}

static void place_activations(knn__plan *plan, cursor *at)
{
    knn_tensor turn[2];
    size_t longest = 0;
    int next = 0;

    for (int s = 0; s < plan->count; s++)
        if (output_takes_turns(plan, s) && plan->steps[s].y.length > longest)
            longest = plan->steps[s].y.length;
    for (int i = 0; i < 2; i++)
        turn[i] = tensor(plan, at, longest, false);
    for (int s = 0; s < plan->count; s++) {
        knn_step *step = &plan->steps[s];
        size_t length = step->y.length;
        bool own = output_is_own(plan, s);
        if (s > 0)
            step->x = (step - 1)->y;
        if (forward_in_place(plan, s, own))
            step->y = step->x;
        else if (!output_takes_turns(plan, s))
            step->y = tensor(plan, at, length, own);
        else {
            step->y = in_turn(plan, &turn[next], length);
            next = 1 - next;
        }
    }
    plan->output = plan->count > 0 ? plan->steps[plan->count - 1].y : (knn_tensor){0};
}

/* Whether one image a slice of the gradient between steps s - 1 and s is enough. */
static bool gradient_is_own(const knn__plan *plan, int s)
{
    return s > plan->first_backward && knn__together(&plan->steps[s - 1], &plan->steps[s]);
}

static void place_gradients(knn__plan *plan, cursor *at)
{
    knn_tensor turn[2];
    size_t longest = 0;
    int next = 0;

    if (plan->last_backward < plan->first_backward)
        return;
    for (int s = plan->first_backward + 1; s <= plan->last_backward; s++)
        if (!gradient_is_own(plan, s) && plan->steps[s].x.length > longest)
            longest = plan->steps[s].x.length;
    for (int i = 0; i < 2; i++)
        turn[i] = tensor(plan, at, longest, false);
    for (int s = plan->last_backward; s >= plan->first_backward; s--) {
        knn_step *step = &plan->steps[s];
        bool first = s == plan->first_backward, own = gradient_is_own(plan, s);
        step->dy = s == plan->last_backward ? tensor(plan, at, step->y.length, false) : (step + 1)->dx;
        if (first && !plan->options.input_gradient)
            continue;
        if (step->needs.in_place && step->dy.own == own && !first)
            step->dx = step->dy;
        else if (own || first)
            step->dx = tensor(plan, at, step->x.length, own);
        else {
            step->dx = in_turn(plan, &turn[next], step->x.length);
            next = 1 - next;
        }
    }
    plan->loss_gradient = plan->steps[plan->last_backward].dy;
}

static void place_blocks(knn__plan *plan, cursor *at)
{
    size_t scratch = 0, slices = (size_t)plan->slices;

    for (int s = 0; s < plan->count; s++)
        if (plan->steps[s].needs.scratch > scratch)
            scratch = plan->steps[s].needs.scratch;
    scratch = round_up(scratch);
    unsigned char *shared = take(at, scratch * slices);
    for (int s = 0; s < plan->count; s++) {
        knn_step *step = &plan->steps[s];
        step->scratch = shared;
        step->scratch_stride = scratch;
        if (plan->options.training) {
            step->saved_stride = round_up(step->needs.saved);
            step->saved = take(at, step->saved_stride * (size_t)plan->options.capacity);
            step->partial_stride = round_up(step->needs.partial);
            step->partial = take(at, step->partial_stride * slices);
        }
        step->packed = take(at, step->needs.packed);
        step->run_there = plan->told != NULL ? &plan->told->run : NULL;
    }
}

static size_t told_bytes(const knn__plan *plan)
{
    return sizeof *plan->told + (size_t)plan->options.capacity * (1 + plan->out_length) * sizeof(knn_real);       /* no label is longer */
}

/* With a device: where a batch arrives, what is told of it, and the losses of its samples. */
static void place_transfers(knn__plan *plan, cursor *at)
{
    size_t images = (size_t)plan->options.capacity;

    plan->input = take(at, images * plan->in_length * sizeof *plan->input);
    plan->told = take(at, told_bytes(plan));
    plan->losses = take(at, knn__losses_length(plan) * sizeof(double));
    plan->loss_sums = take(at, (images + 1) * KNN_LOSS_SUMS * sizeof *plan->loss_sums);
}

/* The same on the host, for each turn. */
static size_t place_turns(knn__plan *plan, unsigned char *base)
{
    cursor at = {NULL, base, 0};

    plan->turns = plan->options.training ? KNN_MARKS : 1;
    for (int i = 0; i < plan->turns; i++) {
        knn__turn *turn = &plan->turn[i];
        turn->told = take(&at, told_bytes(plan));
        turn->losses = take(&at, knn__losses_length(plan) * sizeof(double));
        turn->output = take(&at, (size_t)plan->options.capacity * plan->out_length * sizeof *turn->output);
    }
    return at.offset;
}

static size_t place(knn__plan *plan, unsigned char *base)
{
    cursor at = {knn__devices(plan), base, 0};

    if (knn__devices(plan) != NULL)
        place_transfers(plan, &at);
    place_activations(plan, &at);
    place_gradients(plan, &at);
    place_blocks(plan, &at);
    return at.offset;
}

static knn_status on_host(knn__plan *plan, size_t bytes)
{
    plan->arena = knn__arena_alloc(bytes);
    return plan->arena != NULL ? KNN_OK : KNN_ERROR_MEMORY;
}

/* Bytes of the plan for another capacity. The plan is spoilt for its own. */
static size_t bytes_for(knn__plan *plan, int capacity)
{
    plan->options.capacity = capacity;
    for (int s = 0; s < plan->count; s++) {
        knn_step *step = &plan->steps[s];
        step->request.capacity = capacity;
        knn__measure(step);
    }
    return place(plan, NULL);
}

/* There is no room on the device: which batch would have some. */
static knn_status does_not_fit(knn__plan *plan)
{
    int wanted = plan->options.capacity, fits = 0, too_large = wanted;
    size_t room = knn__devices(plan)->room(plan->device);

    while (too_large - fits > 1) {
        int capacity = fits + (too_large - fits) / 2;
        *(bytes_for(plan, capacity) <= room ? &fits : &too_large) = capacity;
    }
    if (fits == 0)
        return knn__context(KNN_ERROR_DEVICE_MEMORY, "a batch of %d does not fit, nor would any other", wanted);
    return knn__context(KNN_ERROR_DEVICE_MEMORY, "a batch of %d does not fit, one of %d would", wanted, fits);
}

static knn_status on_device(knn__plan *plan, size_t bytes)
{
    plan->arena = knn__devices(plan)->alloc(plan->device, bytes);
    if (plan->arena == NULL)
        return does_not_fit(plan);
    plan->pinned = knn__devices(plan)->pin(plan->device, place_turns(plan, NULL));
    if (plan->pinned == NULL)
        return KNN_ERROR_DEVICE_MEMORY;
    place_turns(plan, plan->pinned);
    return KNN_OK;
}

knn_status knn__plan_memory(knn__plan *plan)
{
    size_t bytes = place(plan, NULL);

    plan->bytes = bytes > 0 ? bytes : 1;
    knn_status status = (knn__devices(plan) != NULL ? on_device : on_host)(plan, plan->bytes);
    if (status == KNN_OK)
        place(plan, plan->arena);
    return status;
}
