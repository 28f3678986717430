/* Nearest, bilinear and box resizing with Pillow's arithmetic. Has no cubic filters.
 *
 * Filters run along rows first, then along columns: Pillow 11's order. Pillow 13 takes the columns first where that looks
 * cheaper; the rounding in between then makes a difference of one level at most. */
#include "data/resize.h"

#include "core/memory.h"

#include <math.h>
#include <string.h>

/* ---- Nearest: the source pixel under the centre of each target pixel ---- */

/* Pillow adds up the positions instead of multiplying; the rounding errors are part of the result. */
static void nearest_places(int from, int to, size_t scale, size_t *places)
{
    double step = (double)from / to, position = step * 0.5;
    for (int i = 0; i < to; i++, position += step)
        places[i] = (size_t)(position < from ? (int)position : from - 1) * scale;
}

static inline void pick_row(const uint8_t *from, const size_t *places, int width, size_t channels, uint8_t *to)
{
    for (int j = 0; j < width; j++)
        for (size_t c = 0; c < channels; c++)
            to[(size_t)j * channels + c] = from[places[j] + c];
}

static knn_status resize_nearest(const knn__resizing *r, uint8_t *to)
{
    size_t rows = (size_t)r->to_height, columns = (size_t)r->to_width, channels = (size_t)r->channels;
    size_t *places = knn__realloc(NULL, rows + columns, sizeof *places);
    if (places == NULL)
        return KNN_ERROR_MEMORY;
    size_t *column_places = places + rows;
    nearest_places(r->height, r->to_height, r->row_bytes, places);
    nearest_places(r->width, r->to_width, channels, column_places);
    for (size_t i = 0; i < rows; i++, to += columns * channels)
        if (channels == 3)
            pick_row(r->from + places[i], column_places, r->to_width, 3, to);
        else
            pick_row(r->from + places[i], column_places, r->to_width, 1, to);
    knn__free(places);
    return KNN_OK;
}

/* ---- Bilinear and box: weighted sums, first along rows, then along columns; shrinking widens the filter ---- */

enum { FRACTION_BITS = 22 };    /* 8-bit pixels, one sign bit and one to spare in 32 */

/* For each target place: `taps` weights in fixed point, for the source places first .. first + count - 1. */
typedef struct filter {
    int places, taps;
    int *first, *count;
    int32_t *weights;           /* [places][taps] */
} filter;

static double filter_value(knn_interpolation interpolation, double x)
{
    if (interpolation == KNN_RESIZE_AREA)
        return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
    return fabs(x) < 1.0 ? 1.0 - fabs(x) : 0.0;
}

static knn_status new_filter(int places, int taps, filter *f)
{
    size_t n = (size_t)places;
    *f = (filter){.places = places, .taps = taps};
    f->first = knn__alloc(n * (2 + (size_t)taps), sizeof *f->first);
    if (f->first == NULL)
        return KNN_ERROR_MEMORY;
    f->count = f->first + n;
    f->weights = (int32_t *)(f->count + n);
    return KNN_OK;
}

/* The weights of one place, which add up to 1 before they are rounded. */
static void fill_weights(int32_t *weights, int count, double start, double scale, knn_interpolation interpolation)
{
    double sum = 0.0;
    for (int i = 0; i < count; i++)
        sum += filter_value(interpolation, (start + i) * scale);
    for (int i = 0; i < count; i++) {
        double weight = filter_value(interpolation, (start + i) * scale);
        if (sum != 0.0)
            weight /= sum;
        weights[i] = (int32_t)(0.5 + weight * (1 << FRACTION_BITS));
    }
}

static knn_status make_filter(int from, int to, knn_interpolation interpolation, filter *f)
{
    double scale = (double)from / to, widening = scale < 1.0 ? 1.0 : scale;
    double support = (interpolation == KNN_RESIZE_AREA ? 0.5 : 1.0) * widening;
    knn_status status = new_filter(to, (int)ceil(support) * 2 + 1, f);
    if (status != KNN_OK)
        return status;
    for (int i = 0; i < to; i++) {
        double centre = (i + 0.5) * scale;
        int first = (int)(centre - support + 0.5), last = (int)(centre + support + 0.5);
        if (first < 0)
            first = 0;
        if (last > from)
            last = from;
        f->first[i] = first;
        f->count[i] = last - first;
        fill_weights(f->weights + (size_t)i * (size_t)f->taps, last - first, first - centre + 0.5, 1.0 / widening,
                     interpolation);
    }
    return KNN_OK;
}

static inline uint8_t rounded(int32_t sum)
{
    sum >>= FRACTION_BITS;      /* half a unit was added at the start */
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static inline void filter_row(const filter *f, const uint8_t *from, size_t channels, uint8_t *to)
{
    for (int j = 0; j < f->places; j++) {
        const int32_t *weights = f->weights + (size_t)j * (size_t)f->taps;
        const uint8_t *pixel = from + (size_t)f->first[j] * channels;
        for (size_t c = 0; c < channels; c++) {
            int32_t sum = 1 << (FRACTION_BITS - 1);
            for (int i = 0; i < f->count[j]; i++)
                sum += pixel[(size_t)i * channels + c] * weights[i];
            *to++ = rounded(sum);
        }
    }
}

static void filter_rows(const filter *f, const knn__resizing *r, uint8_t *to)
{
    size_t row = (size_t)r->to_width * (size_t)r->channels;
    for (int i = 0; i < r->height; i++)
        if (r->channels == 3)
            filter_row(f, r->from + (size_t)i * r->row_bytes, 3, to + (size_t)i * row);
        else
            filter_row(f, r->from + (size_t)i * r->row_bytes, 1, to + (size_t)i * row);
}

/* Row by row, so that the inner loop runs along memory; sums[row]. */
static void filter_columns(const filter *f, const uint8_t *from, size_t row_bytes, size_t row, int32_t *restrict sums,
                           uint8_t *restrict to)
{
    for (int i = 0; i < f->places; i++, to += row) {
        for (size_t j = 0; j < row; j++)
            sums[j] = 1 << (FRACTION_BITS - 1);
        for (int k = 0; k < f->count[i]; k++) {
            const uint8_t *source = from + (size_t)(f->first[i] + k) * row_bytes;
            int32_t weight = f->weights[(size_t)i * (size_t)f->taps + (size_t)k];
            for (size_t j = 0; j < row; j++)
                sums[j] += source[j] * weight;
        }
        for (size_t j = 0; j < row; j++)
            to[j] = rounded(sums[j]);
    }
}

static knn_status resize_rows(const knn__resizing *r, uint8_t *to)
{
    filter f;
    knn_status status = make_filter(r->width, r->to_width, r->interpolation, &f);
    if (status != KNN_OK)
        return status;
    filter_rows(&f, r, to);
    knn__free(f.first);
    return KNN_OK;
}

static knn_status resize_columns(const knn__resizing *r, uint8_t *to)
{
    filter f;
    size_t row = (size_t)r->to_width * (size_t)r->channels;
    int32_t *sums = knn__realloc(NULL, row, sizeof *sums);
    if (sums == NULL)
        return KNN_ERROR_MEMORY;
    knn_status status = make_filter(r->height, r->to_height, r->interpolation, &f);
    if (status == KNN_OK) {
        filter_columns(&f, r->from, r->row_bytes, row, sums, to);
        knn__free(f.first);
    }
    knn__free(sums);
    return status;
}

/* A side that keeps its length is left alone, as in Pillow. */
static knn_status resize_filtered(const knn__resizing *r, uint8_t *to)
{
    if (r->width == r->to_width)
        return resize_columns(r, to);
    if (r->height == r->to_height)
        return resize_rows(r, to);

    knn__resizing second = *r;
    second.row_bytes = (size_t)r->to_width * (size_t)r->channels;
    second.width = r->to_width;
    uint8_t *between = knn__realloc(NULL, (size_t)r->height, second.row_bytes);
    if (between == NULL)
        return KNN_ERROR_MEMORY;
    second.from = between;
    knn_status status = resize_rows(r, between);
    if (status == KNN_OK)
        status = resize_columns(&second, to);
    knn__free(between);
    return status;
}

knn_status knn__resize(const knn__resizing *r, uint8_t *to)
{
    if (r->height == r->to_height && r->width == r->to_width) {
        size_t row = (size_t)r->width * (size_t)r->channels;
        for (int i = 0; i < r->height; i++)
            memcpy(to + (size_t)i * row, r->from + (size_t)i * r->row_bytes, row);
        return KNN_OK;
    }
    return r->interpolation == KNN_RESIZE_NEAREST ? resize_nearest(r, to) : resize_filtered(r, to);
}
