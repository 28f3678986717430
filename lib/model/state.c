/* What a model knows of its training: epoch, step, callbacks' numbers. Filled by fit, kept in files. */
#include "core/memory.h"
#include "model/model.h"

static void clear_callback(knn__callback_state *state)
{
    for (size_t i = 0; i < state->count; i++)
        knn__free(state->keys[i]);
    knn__free(state->keys);
    knn__free(state->values);
    knn__free(state->weights);
    knn__free(state->name);
}

void knn__training_state_forget_callbacks(knn__training_state *state)
{
    for (size_t i = 0; i < state->callback_count; i++)
        clear_callback(&state->callbacks[i]);
    knn__free(state->callbacks);
    state->callbacks = NULL;
    state->callback_count = 0;
}

void knn__training_state_clear(knn__training_state *state)
{
    knn__training_state_forget_callbacks(state);
    knn__free(state->fingerprint);
    *state = (knn__training_state){0};
}
