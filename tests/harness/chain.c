/* One run of a chain: its buffers between unreadable pages, its plan, its conversions. Judges nothing. */
#include "chain.h"

#include "core/memory.h"
#include "core/status.h"
#include "place.h"
#include "plan/plan.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifdef KNN_DOUBLE
#define RUN oracle_run
static const knn_backend *backend_of(const chain_call *call) { (void)call; return &knn__reference_backend; }
#else
#define RUN chain_run
static const knn_backend *backend_of(const chain_call *call) { return knn__find_backend(call->backend); }
#endif

/* ---- Buffers that fault where a kernel reads or writes beyond them ---- */

typedef struct guarded {
    void *map;
    size_t bytes;                           /* of the map */
    knn_real *data;
} guarded;

static bool guarded_make(guarded *g, size_t length, bool before)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), wanted = length * sizeof(knn_real), room = (wanted + page - 1) / page * page;
    *g = (guarded){.bytes = room + 2 * page};
    g->map = mmap(NULL, g->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g->map == MAP_FAILED) {
        g->map = NULL;
        return false;
    }
    char *first = (char *)g->map + page;
    g->data = (void *)(before ? first : first + room - wanted);
    return mprotect(g->map, page, PROT_NONE) == 0 && mprotect(first + room, page, PROT_NONE) == 0;
}

static void guarded_free(guarded *g)
{
    if (g->map != NULL)
        munmap(g->map, g->bytes);
}

/* ---- Conversions ---- */

static void narrow(const double *from, knn_real *to, size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] = (knn_real)from[i];
}

static void widen(const knn_real *from, double *to, size_t length)
{
    if (to == NULL)
        return;
    for (size_t i = 0; i < length; i++)
        to[i] = from[i];
}

/* ---- The run ---- */

typedef struct session {
    chain_call *call;
    guarded x, weights, gradients;
    place place;
    knn_real *used_weights, *used_gradients;                /* in the backend's memory */
    knn_real *numbers;                      /* room for a batch, of the host */
    knn__plan *plan;
    size_t in, out;                         /* numbers of the whole batch */
} session;

static double milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* The plan's lines are "layers: kernel (bytes ..)", and below each, indented, the kernels refused. */
static void note_kernel(void *context, const char *line)
{
    chain_call *call = context;
    const char *name = strstr(line, ": "), *end = name != NULL ? strstr(name, " (") : NULL;
    if (line[0] == ' ' || end == NULL)
        return;
    size_t used = strlen(call->kernels);
    snprintf(call->kernels + used, sizeof call->kernels - used, "[%.*s]", (int)(end - name - 2), name + 2);
}

static bool make_arrays(session *s)
{
    size_t bytes = s->call->weights_length * sizeof(knn_real);
    s->used_weights = bytes > 0 ? place_make(&s->place, s->weights.data, bytes) : s->weights.data;
    s->used_gradients = bytes > 0 ? place_make(&s->place, s->gradients.data, bytes) : s->gradients.data;
    s->numbers = knn__alloc(s->in > s->out ? s->in : s->out, sizeof *s->numbers);
    return s->used_weights != NULL && s->used_gradients != NULL && s->numbers != NULL &&
           place_write(&s->place, s->used_gradients, s->gradients.data, bytes);
}

static void close_session(session *s)
{
    knn__plan_free(s->plan);
    if (s->call->weights_length > 0) {
        place_free(&s->place, s->used_weights);
        place_free(&s->place, s->used_gradients);
    }
    place_close(&s->place);
    knn__free(s->numbers);
    guarded_free(&s->x);
    guarded_free(&s->weights);
    guarded_free(&s->gradients);
}

static bool open_session(session *s)
{
    chain_call *call = s->call;
    const knn_node *first = &call->nodes[0], *last = &call->nodes[call->count - 1];
    s->in = (size_t)call->images * knn__extent_length(first->in);
    s->out = (size_t)call->images * knn__extent_length(last->out);
    if (!guarded_make(&s->x, s->in, call->guard_before) || !guarded_make(&s->weights, call->weights_length, call->guard_before) ||
        !guarded_make(&s->gradients, call->weights_length, call->guard_before))
        return false;
    narrow(call->x, s->x.data, s->in);
    narrow(call->weights, s->weights.data, call->weights_length);
    const knn_backend *backend = backend_of(call);
    if (backend == NULL || !place_open(&s->place, backend) || !make_arrays(s))
        return false;
    knn__plan_options options = {
        .backend = backend, .nodes = call->nodes, .count = call->count, .training = call->training, .tensor = call->tensor, .capacity = call->images,
        .threads = call->threads, .input_gradient = call->dy != NULL, .force = call->force, .least_division = call->least_division,
        .weights = s->used_weights, .gradients = s->used_gradients};
    if (knn__plan_make(&options, &s->plan) != KNN_OK)
        return false;
    call->kernels[0] = '\0';
    knn__plan_explain(s->plan, note_kernel, call);
    return true;
}

static bool run_once(session *s)
{
    chain_call *call = s->call;
    size_t bytes = call->weights_length * sizeof(knn_real);
    knn_run run = {.images = call->images, .training = call->training, .seed = call->seed, .iteration = 1};
    narrow(call->weights, s->weights.data, call->weights_length);
    if (!place_write(&s->place, s->used_weights, s->weights.data, bytes))
        return false;
    knn__plan_prepare(s->plan, 0);
    double start = milliseconds();
    const knn_real *y;
    knn__plan_forward(s->plan, s->x.data, &run);
    if (knn__plan_output(s->plan, &y) != KNN_OK)
        return false;
    double forward = milliseconds() - start, backward = 0;
    widen(y, call->y, s->out);
    if (call->dy != NULL) {
        narrow(call->dy, s->numbers, s->out);
        if (knn__plan_write(s->plan, knn__plan_loss_gradient(s->plan), s->numbers, s->out) != KNN_OK)
            return false;
        start = milliseconds();
        knn__plan_backward(s->plan);
        if (knn__plan_read(s->plan, s->numbers, knn__plan_input_gradient(s->plan), s->in) != KNN_OK)        /* waits for all of it */
            return false;
        backward = milliseconds() - start;
        if (!place_read(&s->place, s->gradients.data, s->used_gradients, bytes))
            return false;
        widen(s->numbers, call->dx, s->in);
    }
    call->forward_ms = call->forward_ms == 0 || forward < call->forward_ms ? forward : call->forward_ms;
    call->backward_ms = call->backward_ms == 0 || backward < call->backward_ms ? backward : call->backward_ms;
    return place_read(&s->place, s->weights.data, s->used_weights, bytes);
}

const char *RUN(chain_call *call)
{
    static char error[512];
    session s = {.call = call};
    if (call->count == 0) {
        memcpy(call->y, call->x, (size_t)call->images * knn__extent_length(call->nodes[0].in) * sizeof *call->y);
        return NULL;
    }
    call->forward_ms = call->backward_ms = 0;
    bool good = open_session(&s);
    for (int i = 0; good && i < (call->repeats > 0 ? call->repeats : 1); i++)
        good = run_once(&s);
    if (good) {
        widen(s.weights.data, call->weights_after, call->weights_length);
        if (call->dy != NULL)
            widen(s.gradients.data, call->gradients, call->weights_length);
    } else
        snprintf(error, sizeof error, "%s", knn_last_error());
    close_session(&s);
    return good ? NULL : error;
}
