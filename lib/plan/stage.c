/* Batches that the host loads while the plan's device works on others: two places in turns, numbers or pictures of 8 bits, which become
 * numbers there. Without a device it is one place, and numbers. Loads nothing. */
#include "plan/steps.h"

#include "core/memory.h"

enum { ALIGNMENT = 64 };

/* ---- Room: made by the first batch that wants it ---- */

static knn_status make_here(knn__plan *plan, knn__stage *stage, size_t bytes)
{
    void *made;
    if (bytes <= stage->bytes_here)
        return KNN_OK;
    if (plan->device == NULL) {
        made = knn__realloc(stage->here, bytes, 1);
        if (made == NULL)
            return KNN_ERROR_MEMORY;
    } else {
        made = knn__devices(plan)->pin(plan->device, bytes);
        if (made == NULL)
            return KNN_ERROR_DEVICE_MEMORY;
        knn__devices(plan)->unpin(plan->device, stage->here);
    }
    stage->here = made;
    stage->bytes_here = bytes;
    return KNN_OK;
}

static knn_status make_there(knn__plan *plan, knn__stage *stage, size_t bytes)
{
    if (bytes <= stage->bytes_there)
        return KNN_OK;
    void *made = knn__devices(plan)->alloc(plan->device, bytes);
    if (made == NULL)
        return KNN_ERROR_DEVICE_MEMORY;
    knn__devices(plan)->free(plan->device, stage->there);
    stage->there = made;
    stage->bytes_there = bytes;
    return KNN_OK;
}

void knn__plan_free_stages(knn__plan *plan)
{
    for (int i = 0; i < KNN_STAGES; i++) {
        knn__stage *stage = &plan->stages[i];
        if (plan->device == NULL)
            knn__free(stage->here);
        else {
            knn__devices(plan)->unpin(plan->device, stage->here);
            knn__devices(plan)->free(plan->device, stage->there);
        }
    }
}

/* ---- Filling ---- */

static knn_status make_room(knn__plan *plan, size_t bytes_here, size_t bytes_there)
{
    int stages = plan->device != NULL ? KNN_STAGES : 1;
    knn_status status = KNN_OK;

    for (int i = 0; i < stages && status == KNN_OK; i++) {
        status = make_here(plan, &plan->stages[i], bytes_here);
        if (status == KNN_OK)
            status = make_there(plan, &plan->stages[i], bytes_there);
    }
    return status;
}

/* Waits until the stage that is filled now may be filled. */
static knn_status begin(knn__plan *plan, size_t bytes_here, size_t bytes_there)
{
    knn_status status = make_room(plan, bytes_here, bytes_there);
    if (status == KNN_OK && plan->device != NULL)
        knn__devices(plan)->sent(plan->device, plan->stage);
    plan->staged = status == KNN_OK;
    return status;
}

knn_status knn__plan_stage(knn__plan *plan, knn_real **x)
{
    knn_status status = begin(plan, (size_t)plan->options.capacity * plan->in_length * sizeof **x, 0);
    *x = (knn_real *)(void *)plan->stages[plan->stage].here;
    plan->staged_pictures = false;
    return status;
}

bool knn__plan_is_staged(const knn__plan *plan) { return plan->staged; }

bool knn__plan_takes_pictures(const knn__plan *plan) { return plan->options.backend->pictures != NULL; }

/* [capacity] changes, then the pictures: one copy sends both. */
static size_t bytes_of_changes(const knn__plan *plan)
{
    size_t bytes = (size_t)plan->options.capacity * sizeof(knn__picture_change);
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static knn__pictures pictures_in(const knn__plan *plan, unsigned char *place)
{
    return (knn__pictures){.changes = (knn__picture_change *)(void *)place, .bytes = place + bytes_of_changes(plan)};
}

knn_status knn__plan_stage_pictures(knn__plan *plan, const knn__picture_form *form, knn__pictures *pictures)
{
    size_t bytes = bytes_of_changes(plan) + (size_t)plan->options.capacity * plan->in_length;
    knn_status status = begin(plan, bytes, bytes);
    if (status == KNN_OK)
        *pictures = pictures_in(plan, plan->stages[plan->stage].here);
    plan->staged_pictures = true;
    plan->form = *form;
    return status;
}

/* ---- Sending ---- */

/* Behind all work that reads the batches before. */
static void send_numbers(const knn__plan *plan, int number)
{
    size_t bytes = (size_t)plan->run.images * plan->in_length * sizeof(knn_real);
    knn__devices(plan)->received(plan->device, number);
    knn__devices(plan)->send(plan->device, number, plan->input, plan->stages[number].here, bytes);
}

static bool want_ranges(const knn__picture_change *changes, int images)
{
    for (int i = 0; i < images; i++)
        if (knn__wants_range(&changes[i]))
            return true;
    return false;
}

static void send_pictures(const knn__plan *plan, int number)
{
    const knn__stage *stage = &plan->stages[number];
    const int images = plan->run.images;
    const knn__pictures_call call = {.form = plan->form, .images = images, .pictures = pictures_in(plan, stage->there), .x = plan->input,
        .wants_ranges = want_ranges(pictures_in(plan, stage->here).changes, images), .device = plan->device};
    size_t bytes = bytes_of_changes(plan) + (size_t)images * plan->in_length;
    knn__devices(plan)->send(plan->device, number, stage->there, stage->here, bytes);
    plan->options.backend->pictures(&call);
    knn__devices(plan)->received(plan->device, number);
}

const knn_real *knn__plan_take_stage(knn__plan *plan)
{
    int number = plan->stage;

    plan->staged = false;
    if (plan->device == NULL)
        return (const knn_real *)(const void *)plan->stages[number].here;
    plan->stage = (number + 1) % KNN_STAGES;
    (plan->staged_pictures ? send_pictures : send_numbers)(plan, number);
    return plan->input;
}
