/* Mode test for what feeds a network with pictures: a backend's numbers are the host's (data/augmentation.c), bit for bit. That these are Keras'
 * is looked at in tests/data. */
#include "harness.h"
#include "place.h"

#include "data/augmentation.h"

#include <stdlib.h>
#include <string.h>

enum { MODES = KNN_FILL_WRAP + 1, MOST_NUMBERS = 13 * 11 * 3 };

static const knn__picture_form forms[] = {{1, 1, 1, 1}, {1, 1, 3, 1.0f / 255}, {1, 6, 1, 1}, {7, 1, 3, 2}, {5, 9, 3, 1.0f / 255}, {13, 11, 3, 1},
                                          {8, 8, 1, 1.0f / 255}};

/* Nothing; only mirrored; each kind of movement; all of them; exactly a quarter turn, and whole pixels; out of sight; colours. */
static const knn__transformation changes[] = {
    {.zoom_rows = 1, .zoom_columns = 1},
    {.zoom_rows = 1, .zoom_columns = 1, .horizontal_flip = true},
    {.zoom_rows = 1, .zoom_columns = 1, .horizontal_flip = true, .vertical_flip = true, .brighten = true, .brightness = 1.3},
    {.zoom_rows = 1, .zoom_columns = 1, .rotation = 33},
    {.zoom_rows = 1, .zoom_columns = 1, .shear = -25, .vertical_flip = true},
    {.zoom_rows = 0.6, .zoom_columns = 0.8},
    {.zoom_rows = 1.7, .zoom_columns = 2.4, .horizontal_flip = true},
    {.zoom_rows = 1.1, .zoom_columns = 0.9, .rotation = -12, .shear = 9, .shift_rows = 2.3, .shift_columns = -1.6, .vertical_flip = true},
    {.zoom_rows = 1, .zoom_columns = 1, .rotation = 90},
    {.zoom_rows = 1, .zoom_columns = 1, .shift_rows = -2, .shift_columns = 3},
    {.zoom_rows = 1, .zoom_columns = 1, .shift_rows = 41.5, .shift_columns = -60},
    {.zoom_rows = 1, .zoom_columns = 1, .shift_columns = 0.5, .brighten = true, .brightness = 0.4},
    {.zoom_rows = 1, .zoom_columns = 1, .channel_shift = 30.5},
    {.zoom_rows = 1.3, .zoom_columns = 1.2, .shear = 5, .channel_shift = -40.25, .brighten = true, .brightness = 1.7}};
enum { CHANGES = sizeof changes / sizeof *changes };

typedef struct batch {
    knn__picture_form form;
    size_t length;                          /* of a picture */
    uint8_t bytes[CHANGES * MOST_NUMBERS];
    knn__picture_change changes[CHANGES];
    float expected[CHANGES * MOST_NUMBERS], got[CHANGES * MOST_NUMBERS];
} batch;

static bool make(batch *b, const knn__picture_form *form, knn_fill_mode mode, double cval)
{
    b->form = *form;
    b->length = (size_t)form->height * (size_t)form->width * (size_t)form->channels;
    for (size_t i = 0; i < CHANGES * b->length; i++)
        b->bytes[i] = (uint8_t)(i * 2654435761u >> 24);
    for (int k = 0; k < CHANGES; k++) {
        knn__transformation change = changes[k];
        float *x = b->expected + (size_t)k * b->length;
        change.fill_mode = mode;
        change.cval = cval;
        b->changes[k] = knn__change_of(&change, form->height, form->width);
        if (knn__change_picture(&(knn__pixels){form->height, form->width, form->channels, b->bytes + (size_t)k * b->length, NULL},
                                &b->changes[k], x) != KNN_OK)
            return false;
        for (size_t i = 0; i < b->length; i++)
            x[i] *= form->rescale;
    }
    return true;
}

/* images: all of them, or the first ones, whose ranges nobody asks for. */
static bool run(const knn_backend *backend, const place *p, batch *b, int images)
{
    size_t bytes = (size_t)images * b->length;
    knn__pictures_call call = {.form = b->form, .images = images, .device = p->device,
        .pictures = {place_make(p, b->bytes, bytes), place_make(p, b->changes, (size_t)images * sizeof *b->changes)},
        .x = place_make(p, b->got, bytes * sizeof *b->got)};
    for (int k = 0; k < images; k++)
        call.wants_ranges = call.wants_ranges || knn__wants_range(&b->changes[k]);
    bool good = place_write(p, call.pictures.bytes, b->bytes, bytes) &&
                place_write(p, call.pictures.changes, b->changes, (size_t)images * sizeof *b->changes);
    backend->pictures(&call);
    good = place_read(p, b->got, call.x, bytes * sizeof *b->got) && good;
    place_free(p, call.x);
    place_free(p, call.pictures.changes);
    place_free(p, call.pictures.bytes);
    return good;
}

static void check(const knn_backend *backend, const place *p, batch *b, int images, harness_report *report)
{
    report->runs++;
    if (!run(backend, p, b, images)) {
        harness_fail(report, "%s: %s", harness_now, knn_last_error());
        return;
    }
    for (size_t i = 0; i < (size_t)images * b->length; i++)
        if (memcmp(&b->got[i], &b->expected[i], sizeof b->got[i]) != 0) {
            harness_fail(report, "%s: change %zu, number %zu: %.9g, the host has %.9g", harness_now, i / b->length, i % b->length, (double)b->got[i],
                         (double)b->expected[i]);
            return;
        }
}

/* A cval that is no level makes the range of a picture larger than that of its bytes. */
static void check_form(const knn_backend *backend, const place *p, const knn__picture_form *form, harness_report *report)
{
    static const double cvals[] = {77, -30};
    static batch b;
    for (int mode = 0; mode < MODES; mode++)
        for (int c = 0; c < (mode == KNN_FILL_CONSTANT ? 2 : 1); c++) {
            snprintf(harness_now, sizeof harness_now, "pictures of %dx%dx%d, fill mode %d, cval %g, of backend %s", form->height, form->width,
                     form->channels, mode, cvals[c], backend->name);
            report->cases++;
            if (!make(&b, form, (knn_fill_mode)mode, cvals[c])) {
                harness_fail(report, "%s: %s", harness_now, knn_last_error());
                return;
            }
            check(backend, p, &b, CHANGES, report);
            check(backend, p, &b, CHANGES - 3, report);
        }
}

void harness_test_pictures(const char *backend, harness_report *report)
{
    const knn_backend *found = knn__find_backend(backend);
    place p;
    if (found == NULL || found->pictures == NULL)
        return;
    if (!place_open(&p, found)) {
        harness_fail(report, "%s", knn_last_error());
        return;
    }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        check_form(found, &p, &forms[i], report);
    place_close(&p);
}
