/* Work that is the same in each run of a whole batch: on a device it is recorded once and queued as a whole from then on. What changes from run
 * to run is not in it but in what the run is told (transfer.c). */
#include "plan/steps.h"

static bool can_be_recorded(const knn__plan *plan)
{
    return plan->device != NULL && plan->run.images == plan->options.capacity && !plan->varies;
}

static knn_recording *record(const knn__plan *plan, void (*work)(void *context), void *context)
{
    if (!knn__devices(plan)->record(plan->device))
        return NULL;
    work(context);
    return knn__devices(plan)->recorded(plan->device);
}

/* At first it is queued as it is: libraries load and make then what they need. */
void knn__plan_repeat(knn__plan *plan, int which, void (*work)(void *context), void *context)
{
    knn__repeated *r = &plan->repeated[which];

    if (can_be_recorded(plan) && r->runs < 2 && ++r->runs == 2)
        r->recording = record(plan, work, context);
    if (can_be_recorded(plan) && r->recording != NULL)
        knn__devices(plan)->replay(plan->device, r->recording);
    else
        work(context);
}

void knn__plan_forget(knn__plan *plan)
{
    for (int i = 0; i < KNN_REPEATED; i++)
        knn__devices(plan)->forget(plan->device, plan->repeated[i].recording);
}
