/* Pool-sparse backward pass: dW from lists of live positions for each filter, dX from lists of live filters for each pooled cell.
 * Does not do the first layer's dW (conv_first_layer.c) and no pass forward.
 *
 * Channels are cut into slices of SLICE; the last one may be part empty. One layout serves the packed weights and the sums of dW:
 *
 *     [slice of channels][filter][tap 0..8][SLICE]
 *
 * so that what one filter and one slice need is 9 x SLICE floats in a row. The sums of the bias follow. */
#include "backend/cpu/conv_pool_sparse.h"
#include "backend/cpu/pool2x2.h"

enum {
    SLICE_VECTORS = REGISTERS == 32 ? 2 : 1,                /* 9 taps x SLICE_VECTORS accumulators */
    SLICE = SLICE_VECTORS * VL,
    TAPS = 9 * SLICE
};

static int slices_of(const conv3x3 *c) { return (c->channels + SLICE - 1) / SLICE; }
static long sums_length(const conv3x3 *c) { return (long)slices_of(c) * c->filters * TAPS; }

long sparse_packed(const conv3x3 *c) { return sums_length(c); }
long sparse_partial(const conv3x3 *c) { return sums_length(c) + c->padded_filters; }

/* ---- dW ----
 *
 * For a tile of pooled cells: pack a slice of x into a piece of memory that fits the first-level cache, make for each filter the list
 * (gradient, offset in the piece) of its live cells, and for each filter hold dW's 9 taps in registers while its list goes by. */
enum {
    TILE_FLOATS = (REGISTERS == 32 ? 34 : 25) * 1024 / 4,   /* of a packed slice of x: most of the first-level cache, 12x12 cells of 8 channels */
    TILE_COLUMNS = REGISTERS == 32 ? 12 : 17,               /* longer rows are cut */
    TILE_CELLS = 208,
    LIST = TILE_CELLS + VL,                                 /* compressed vectors are stored whole */
    TILE_IMAGES = 16,                                       /* small maps share a tile */
    PIECES = 2,                                             /* slices packed at once: full cache lines of x, 5 % of dW */
    PIECE_STRIDE = TILE_FLOATS + VL,
    LIST_FILTERS = 256                                      /* filters whose lists exist at once */
};

/* One tile of cells: a rectangle of `images` images. */
typedef struct tile { int image, images, row, rows, column, columns; } tile;

typedef struct lists {
    float *gradient;                        /* [filter][LIST] */
    int32_t *offset;                        /* [filter][LIST] */
    int *count;                             /* [filter] */
    float *x;                               /* [PIECES][image][2 rows + 2][2 columns + 2][SLICE] */
} lists;

static long weights_scratch(void) { return 2l * LIST_FILTERS * LIST + LIST_FILTERS + (long)PIECES * PIECE_STRIDE; }

static lists lists_at(float *scratch)
{
    lists l = {.gradient = scratch};
    l.x = l.gradient + (long)LIST_FILTERS * LIST;
    l.offset = (int32_t *)(void *)(l.x + (long)PIECES * PIECE_STRIDE);
    l.count = l.offset + (long)LIST_FILTERS * LIST;
    return l;
}

static long tile_pixels(int rows, int columns) { return (2l * rows + 2) * (2l * columns + 2); }

/* Even parts of the map, as large as fit. */
static tile largest_tile(const conv3x3 *c, int images)
{
    int across = (c->columns + TILE_COLUMNS - 1) / TILE_COLUMNS, columns = (c->columns + across - 1) / across, rows = c->rows;
    while (rows > 1 && (tile_pixels(rows, columns) * SLICE > TILE_FLOATS || rows * columns > TILE_CELLS))
        rows--;
    int down = (c->rows + rows - 1) / rows;
    rows = (c->rows + down - 1) / down;
    int together = 1;
    if (down == 1 && across == 1)
        together = smaller(TILE_CELLS / (rows * columns), (int)(TILE_FLOATS / (tile_pixels(rows, columns) * SLICE)));
    return (tile){.images = smaller(larger(together, 1), smaller(images, TILE_IMAGES)), .rows = rows, .columns = columns};
}

/* Cells of a tile: where they are in dy and in the positions, and where in the packed piece their upper left tap is. */
typedef struct cells {
    int count;
    long gradient[TILE_CELLS], position[TILE_CELLS];
    int32_t piece[TILE_CELLS];
} cells;

static void list_cells(const conv3x3 *c, const tile *t, long dy_length, long position_length, cells *s)
{
    int width = 2 * t->columns + 2;
    s->count = 0;
    for (int i = 0; i < t->images; i++)
        for (int row = 0; row < t->rows; row++)
            for (int column = 0; column < t->columns; column++, s->count++) {
                long cell = (long)(t->row + row) * c->columns + t->column + column;
                s->gradient[s->count] = i * dy_length + cell * c->filters;
                s->position[s->count] = i * position_length + cell * c->padded_filters;
                s->piece[s->count] = (int32_t)(i * tile_pixels(t->rows, t->columns) + 2l * row * width + 2 * column) * SLICE;
            }
}

/* VL cells (from p on) x VL filters (from k on), transposed: gradient[i] and offset[i] are filter k + i's, -1 where it is dead.
 * `whole`: none of the cells and filters (`lanes` of which exist) is missing. */
INLINE vec load_cells(const cells *s, int p, const float *dy, const uint8_t *positions, int k, int lanes, vec tap_offset, vec gradient[VL],
                      vec offset[VL], const int whole)
{
    vec sum = all(0);
    UNROLL for (int i = 0; i < VL; i++) {
        gradient[i] = all(0);
        offset[i] = as_floats(all_integers(-1));
        if (whole || p + i < s->count) {
            ivec position = load_bytes(positions + s->position[p + i] + k);
            mask live = less_integers(position, all_integers(DEAD));
            ivec at = add_integers(all_integers(s->piece[p + i]), as_integers(pick4(tap_offset, pick4_control(position))));
            gradient[i] = load_up_to(dy + s->gradient[p + i] + k, whole ? VL : lanes);
            offset[i] = as_floats(choose_integers(live, at, all_integers(-1)));
            sum = sum + keep(live, gradient[i]);
        }
    }
    transpose(gradient);
    transpose(offset);
    return sum;
}

/* The lists of the filters first .. last - 1, and their sums for the bias. */
NOINLINE void make_lists(const conv3x3 *c, const tile *t, const cells *s, const float *dy, const uint8_t *positions, int first, int last,
                         lists *l, float *bias)
{
    int width = 2 * t->columns + 2;
    const int32_t to_position[4] = {0, SLICE, width * SLICE, (width + 1) * SLICE};
    float tap[4];
    memcpy(tap, to_position, sizeof tap);
    vec tap_offset = repeat4(tap);
    for (int k = first; k < last; k += VL) {
        vec sum = all(0);
        int count[VL] = {0};
        for (int p = 0; p < s->count; p += VL) {
            vec gradient[VL], offset[VL];
            if (p + VL <= s->count && k + VL <= c->filters)
                sum = sum + load_cells(s, p, dy, positions, k, VL, tap_offset, gradient, offset, 1);
            else
                sum = sum + load_cells(s, p, dy, positions, k, c->filters - k, tap_offset, gradient, offset, 0);
            UNROLL for (int i = 0; i < VL; i++) {
                unsigned live = mask_bits(less_integers(all_integers(-1), as_integers(offset[i])));
                compression to_front = compression_of(live);
                long end = (long)(k - first + i) * LIST + count[i];
                store(l->gradient + end, compress(to_front, gradient[i]));
                store_integers(l->offset + end, as_integers(compress(to_front, offset[i])));
                count[i] += __builtin_popcount(live);
            }
        }
        memcpy(l->count + (k - first), count, sizeof count);
        store(bias + k, load(bias + k) + sum);
    }
}

/* One pixel of PIECES slices; of its channels from there on `lanes` exist. */
INLINE void pack_pixel(const float *pixel, int lanes, float *to)
{
    UNROLL for (int piece = 0; piece < PIECES; piece++)
        UNROLL for (int h = 0; h < SLICE; h += VL)
            store(to + piece * PIECE_STRIDE + h, load_up_to(pixel + piece * SLICE + h, lanes - piece * SLICE - h));
}

/* Packs PIECES slices of x, from channel `first` on: [2 rows + 2][2 columns + 2][SLICE] each; what lies in the padding is zero. */
NOINLINE void pack_input(const conv3x3 *c, const tile *t, const float *x, long length, int first, float *to)
{
    int top = 2 * t->row - c->top, left = 2 * t->column - c->left, height = 2 * t->rows + 2, width = 2 * t->columns + 2;
    bool whole = first + PIECES * SLICE <= c->channels && left >= 0 && left + width <= c->width;
    for (int i = 0; i < t->images; i++, x += length)
        for (int row = top; row < top + height; row++) {
            bool inside = row >= 0 && row < c->height;
            const float *pixel = x + (inside ? ((long)row * c->width + left) * c->channels + first : 0);
            for (int column = left; column < left + width; column++, pixel += c->channels, to += SLICE)
                if (inside && whole)
                    pack_pixel(pixel, PIECES * SLICE, to);
                else
                    pack_pixel(pixel, inside && column >= 0 && column < c->width ? c->channels - first : 0, to);
        }
}

/* dW of one slice of channels: for each filter 9 taps stay in registers; x is the packed slice, `width` its row in floats. */
NOINLINE void add_lists(const lists *l, const float *x, long width, int filters, float *dw)
{
    for (int k = 0; k < filters; k++, dw += TAPS) {
        vec sum[9][SLICE_VECTORS];
        UNROLL for (int t = 0; t < 9; t++)
            UNROLL for (int h = 0; h < SLICE_VECTORS; h++)
                sum[t][h] = load(dw + t * SLICE + h * VL);
        const float *gradient = l->gradient + (long)k * LIST;
        const int32_t *offset = l->offset + (long)k * LIST;
        for (int e = 0, count = l->count[k]; e < count; e++) {
            vec g = all(gradient[e]);
            const float *upper = x + offset[e], *middle = upper + width, *lower = middle + width;
            UNROLL for (int t = 0; t < 3; t++)
                UNROLL for (int h = 0; h < SLICE_VECTORS; h++) {
                    int at = t * SLICE + h * VL;
                    sum[t][h] = multiply_add(g, load(upper + at), sum[t][h]);
                    sum[3 + t][h] = multiply_add(g, load(middle + at), sum[3 + t][h]);
                    sum[6 + t][h] = multiply_add(g, load(lower + at), sum[6 + t][h]);
                }
        }
        UNROLL for (int t = 0; t < 9; t++)
            UNROLL for (int h = 0; h < SLICE_VECTORS; h++)
                store(dw + t * SLICE + h * VL, sum[t][h]);
    }
}

/* One tile of cells, the first image of which x, dy and positions point to. */
static void tile_weights(const knn_step *step, const conv3x3 *c, const tile *t, const float *x, const float *dy, const uint8_t *positions,
                         float *dw, lists *l)
{
    cells s;
    float *bias = dw + sums_length(c);
    list_cells(c, t, (long)step->dy.length, (long)step->saved_stride, &s);
    for (int first = 0; first < c->filters; first += LIST_FILTERS) {
        int filters = smaller(LIST_FILTERS, c->filters - first);
        make_lists(c, t, &s, dy, positions, first, first + filters, l, bias);
        for (int slice = 0; slice < slices_of(c); slice++) {
            int piece = slice % PIECES;
            if (piece == 0)
                pack_input(c, t, x, (long)step->x.length, slice * SLICE, l->x);
            add_lists(l, l->x + (long)piece * PIECE_STRIDE, (2l * t->columns + 2) * SLICE, filters,
                      dw + ((long)slice * c->filters + first) * TAPS);
        }
    }
}

void sparse_weights(const knn_step *step, const conv3x3 *c, knn_part part, float *scratch)
{
    const float *x = knn__image(&step->x, part.first, part.slice), *dy = knn__image(&step->dy, part.first, part.slice);
    const uint8_t *positions = knn__saved(step, part.first);
    float *dw = knn__partial(step, part.slice);
    lists l = lists_at(scratch);
    int images = part.last - part.first;
    tile whole = largest_tile(c, images);
    for (int image = 0; image < images; image += whole.images)
        for (int row = 0; row < c->rows; row += whole.rows)
            for (int column = 0; column < c->columns; column += whole.columns) {
                tile t = {image, smaller(whole.images, images - image), row, smaller(whole.rows, c->rows - row), column,
                          smaller(whole.columns, c->columns - column)};
                tile_weights(step, c, &t, x + image * (long)step->x.length, dy + image * (long)step->dy.length,
                             positions + image * (long)step->saved_stride, dw, &l);
            }
}

/* The slices' sums of one slice of channels and VL filters, added in order, in Keras' [tap][channel][filter]. */
static void finish_filters(const knn_step *step, const conv3x3 *c, int slice, int k, float *gradient)
{
    for (int t = 0; t < 9; t++)
        for (int h = 0; h < SLICE && slice * SLICE + h < c->channels; h += VL) {
            int first = slice * SLICE + h;
            vec sum[VL];
            for (int i = 0; i < VL; i++) {
                sum[i] = all(0);
                for (int s = 0; s < step->request.slices && k + i < c->filters; s++) {
                    const float *partial = knn__partial(step, s);
                    sum[i] = sum[i] + load(partial + ((long)slice * c->filters + k + i) * TAPS + t * SLICE + h);
                }
            }
            transpose(sum);
            for (int i = 0; i < VL && first + i < c->channels; i++)
                store_up_to(gradient + ((long)t * c->channels + first + i) * c->filters + k, sum[i], c->filters - k);
        }
}

void sparse_finish(const knn_step *step, const conv3x3 *c, int slice)
{
    float *gradient = knn__gradient(step, 0, KNN_KERNEL);
    long groups = (c->filters + VL - 1) / VL, first, last;
    knn__share(groups * slices_of(c), slice, step->request.slices, &first, &last);
    for (long i = first; gradient != NULL && i < last; i++)
        finish_filters(step, c, (int)(i / groups), (int)(i % groups) * VL, gradient);
    knn__sum_slices(step, (size_t)sums_length(c), knn__gradient(step, 0, KNN_BIAS), (size_t)c->filters, slice);
}

/* ---- dX ----
 *
 * For each pooled cell four lists of the filters that are alive at position 0, 1, 2, 3, as bytes. A cell's gradient falls on a 4x4 window
 * of dx; its upper 3 rows (positions 0, 1) and its lower 3 (2, 3) are 12 accumulators each: the whole window needs 16, and no register
 * is left then. Lists are made once for all slices of channels. */
enum {
    BLOCK = REGISTERS == 32 ? 32 : 64,                      /* filters of a list: BLOCK x 9 x SLICE weights are 18 KB (AVX2; 36 with AVX-512) */
    CELL_LIST = BLOCK + 8,                                  /* eight bytes are stored at a time */
    BAND_CELLS = 96                                         /* cells whose lists exist at once: 7 KB */
};

typedef struct cell_lists {
    uint8_t *filters;                       /* [cell][CELL_LIST]: those of position 0, then 1, 2, 3 */
    uint8_t *ends;                          /* [cell][4]: where each position's end */
} cell_lists;

static int band_rows(const conv3x3 *c) { return smaller(c->rows, larger(1, BAND_CELLS / c->columns)); }
static int band_images(const conv3x3 *c) { return band_rows(c) < c->rows ? 1 : larger(1, BAND_CELLS / (c->rows * c->columns)); }
static long band_cells(const conv3x3 *c) { return (long)band_images(c) * band_rows(c) * c->columns; }
static long input_scratch(const conv3x3 *c) { return round_up(band_cells(c) * (CELL_LIST + 4), sizeof(float)) / (long)sizeof(float); }

long sparse_scratch(const conv3x3 *c)
{
    long weights = weights_scratch(), input = input_scratch(c);
    return weights > input ? weights : input;
}

void sparse_pack(const knn_step *step, const conv3x3 *c, int first, int last, float *packed)
{
    const float *w = knn__weight(step, 0, KNN_KERNEL);
    for (int k = first; k < last && k < c->filters; k += VL)
        for (int channel = 0; channel < slices_of(c) * SLICE; channel += VL)
            for (int t = 0; t < 9; t++) {
                vec r[VL];
                load_filters(w + (long)t * c->channels * c->filters, c->channels, c->filters, channel, k, r);
                float *to = packed + ((long)(channel / SLICE) * c->filters + k) * TAPS + t * SLICE + channel % SLICE;
                for (int i = 0; i < VL && k + i < c->filters; i++)
                    store(to + (long)i * TAPS, r[i]);
            }
}

/* The lists of one cell for the `filters` (a multiple of 16) from `positions` on. */
INLINE void list_filters(const uint8_t *positions, int filters, uint8_t *list, uint8_t *ends)
{
    const uint64_t every_byte = 0x0101010101010101u;
    uint8_t *end = list;
    UNROLL for (int p = 0; p < 4; p++) {
        for (int k = 0; k < filters; k += 16) {
            unsigned alive = equal_bytes(positions + k, p), low = alive & 255, high = alive >> 8;
            uint64_t first = compress_bytes[low] + every_byte * (unsigned)k, second = compress_bytes[high] + every_byte * (unsigned)(k + 8);
            memcpy(end, &first, sizeof first);
            end += __builtin_popcount(low);
            memcpy(end, &second, sizeof second);
            end += __builtin_popcount(high);
        }
        ends[p] = (uint8_t)(end - list);
    }
}

/* Adds to `sum` the taps of the filters listed, one column further right for the right one of the two positions. */
INLINE void add_filters(vec sum[3][4][SLICE_VECTORS], const float *w, const float *dy, const uint8_t *list, int first, int last, const int right)
{
    for (int e = first; e < last; e++) {
        long k = list[e];
        vec g = all(dy[k]);
        const float *taps = w + k * TAPS;
        UNROLL for (int t = 0; t < 9; t++)
            UNROLL for (int h = 0; h < SLICE_VECTORS; h++) {
                vec *s = &sum[t / 3][t % 3 + right][h];
                *s = multiply_add(g, load(taps + t * SLICE + h * VL), *s);
            }
    }
}

/* Three rows of a cell's window. The accumulators start at zero and dx is added at the end: its loads wait for nothing then. */
INLINE void half_window(float *dx, long row_stride, long stride, const float *w, const float *dy, const uint8_t *list, int first, int middle,
                        int last)
{
    vec sum[3][4][SLICE_VECTORS];
    UNROLL for (int r = 0; r < 3; r++)
        UNROLL for (int c = 0; c < 4; c++)
            UNROLL for (int h = 0; h < SLICE_VECTORS; h++)
                sum[r][c][h] = all(0);
    add_filters(sum, w, dy, list, first, middle, 0);
    add_filters(sum, w, dy, list, middle, last, 1);
    UNROLL for (int r = 0; r < 3; r++)
        UNROLL for (int c = 0; c < 4; c++)
            UNROLL for (int h = 0; h < SLICE_VECTORS; h++) {
                float *at = dx + r * row_stride + c * stride + h * VL;
                store(at, sum[r][c][h] + load(at));
            }
}

/* A row of cells whose windows lie within the image: added to dx (at the first window's upper left). */
NOINLINE void add_cells(float *dx, long row_stride, long stride, const float *w, const float *dy, int filters, const uint8_t *list,
                        const uint8_t *ends, int count)
{
    for (int i = 0; i < count; i++, dx += 2 * stride, dy += filters, list += CELL_LIST, ends += 4) {
        half_window(dx, row_stride, stride, w, dy, list, 0, ends[0], ends[1]);
        half_window(dx + row_stride, row_stride, stride, w, dy, list, ends[1], ends[2], ends[3]);
    }
}

/* A cell whose window hangs over the image's edge, or whose slice is not full: by way of a window of its own. */
static void add_edge_cell(const conv3x3 *c, float *dx, int row, int column, int first, const float *w, const float *dy, const uint8_t *list,
                          const uint8_t *ends)
{
    _Alignas(64) float corner[16 * SLICE];
    memset(corner, 0, sizeof corner);
    add_cells(corner, 4 * SLICE, SLICE, w, dy, 0, list, ends, 1);
    for (int i = 0; i < 16; i++) {
        int r = row + i / 4, k = column + i % 4;
        if (r < 0 || r >= c->height || k < 0 || k >= c->width)
            continue;
        float *at = dx + ((long)r * c->width + k) * c->channels + first;
        for (int h = 0; h < SLICE && first + h < c->channels; h += VL) {
            int lanes = c->channels - first - h;
            store_up_to(at + h, load(corner + i * SLICE + h) + load_up_to(at + h, lanes), lanes);
        }
    }
}

/* One row of cells, all channels of one slice from `first` on. dx and dy are the image's; w, list and ends the slice's and the row's. */
static void row_input(const conv3x3 *c, float *dx, const float *dy, int row, int first, const float *w, const uint8_t *list,
                      const uint8_t *ends)
{
    int top = 2 * row - c->top;
    bool inside = top >= 0 && top + 4 <= c->height && first + SLICE <= c->channels;
    int begin = (c->left + 1) / 2, end = smaller(c->columns, (c->width - 4 + c->left) / 2 + 1);        /* columns that lie within */
    dy += (long)row * c->columns * c->filters;
    for (int column = 0; column < c->columns; column++) {
        int left = 2 * column - c->left;
        if (inside && column == begin && begin < end) {
            add_cells(dx + ((long)top * c->width + left) * c->channels + first, (long)c->width * c->channels, c->channels, w,
                      dy + (long)column * c->filters, c->filters, list + (long)column * CELL_LIST, ends + 4l * column, end - begin);
            column = end - 1;
        } else {
            add_edge_cell(c, dx, top, left, first, w, dy + (long)column * c->filters, list + (long)column * CELL_LIST, ends + 4l * column);
        }
    }
}

/* Rows first .. first + rows - 1 of some images, filters k ..: their lists, then dx slice by slice of the channels. */
static void band_input(const knn_step *step, const conv3x3 *c, int images, int first, int rows, int k, const float *packed, float *dx,
                       const float *dy, const uint8_t *positions, cell_lists l)
{
    int filters = smaller(BLOCK, c->padded_filters - k);
    long cell = 0;
    for (int i = 0; i < images; i++)
        for (int j = 0; j < rows * c->columns; j++, cell++)
            list_filters(positions + i * (long)step->saved_stride + ((long)first * c->columns + j) * c->padded_filters + k, filters,
                         l.filters + cell * CELL_LIST, l.ends + cell * 4);
    for (int slice = 0; slice < slices_of(c); slice++) {
        const float *w = packed + ((long)slice * c->filters + k) * TAPS;
        cell = 0;
        for (int i = 0; i < images; i++)
            for (int row = first; row < first + rows; row++, cell += c->columns)
                row_input(c, dx + i * (long)step->dx.length, dy + i * (long)step->dy.length + k, row, slice * SLICE, w,
                          l.filters + cell * CELL_LIST, l.ends + cell * 4);
    }
}

void sparse_input(const knn_step *step, const conv3x3 *c, knn_part part, const float *packed, float *scratch)
{
    float *dx = knn__image(&step->dx, part.first, part.slice);
    const float *dy = knn__image(&step->dy, part.first, part.slice);
    const uint8_t *positions = knn__saved(step, part.first);
    cell_lists l = {(uint8_t *)scratch, (uint8_t *)scratch + band_cells(c) * CELL_LIST};
    int images = part.last - part.first;
    memset(dx, 0, (size_t)images * step->dx.length * sizeof *dx);
    for (int image = 0; image < images; image += band_images(c))
        for (int row = 0; row < c->rows; row += band_rows(c))
            for (int k = 0; k < c->filters; k += BLOCK)
                band_input(step, c, smaller(band_images(c), images - image), row, smaller(band_rows(c), c->rows - row), k, packed,
                           dx + image * (long)step->dx.length, dy + image * (long)step->dy.length,
                           positions + image * (long)step->saved_stride, l);
}
