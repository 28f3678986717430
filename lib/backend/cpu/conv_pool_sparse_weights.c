/* Pool-sparse dW, from lists of live positions for each filter. Does not do the first layer's (conv_first_layer.c).
 *
 * For a tile of pooled cells: pack a slice of x into a piece of memory that fits the first-level cache, make for each filter the list
 * (gradient, offset in the piece) of its live cells, and for each filter hold the taps of a group of the kernel's rows in registers while its
 * list goes by. The sums have the layout of conv_pool_sparse.h; those of the bias follow. */
#include "backend/cpu/conv_pool_sparse.h"
#include "backend/cpu/pool2x2.h"

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
    float *x;                               /* [PIECES][image][under(rows)][under(columns)][SLICE] */
} lists;

long sparse_partial(const conv_shape *c) { return sparse_length(c) + c->padded_filters; }

long sparse_weights_scratch(const conv_shape *c)
{
    (void)c;
    return 2l * LIST_FILTERS * LIST + LIST_FILTERS + (long)PIECES * PIECE_STRIDE;
}

static lists lists_at(float *scratch)
{
    lists l = {.gradient = scratch};
    l.x = l.gradient + (long)LIST_FILTERS * LIST;
    l.offset = (int32_t *)(void *)(l.x + (long)PIECES * PIECE_STRIDE);
    l.count = l.offset + (long)LIST_FILTERS * LIST;
    return l;
}

/* Rows and columns of x under a tile. */
static int under_rows(const conv_shape *c, int rows) { return 2 * rows + c->kernel_height - 1; }
static int under_columns(const conv_shape *c, int columns) { return 2 * columns + c->kernel_width - 1; }
static long tile_pixels(const conv_shape *c, int rows, int columns) { return (long)under_rows(c, rows) * under_columns(c, columns); }

/* Even parts of the map, as large as fit. */
static tile largest_tile(const conv_shape *c, int images)
{
    int across = (c->columns + TILE_COLUMNS - 1) / TILE_COLUMNS, columns = (c->columns + across - 1) / across, rows = c->rows;
    while (rows > 1 && (tile_pixels(c, rows, columns) * SLICE > TILE_FLOATS || rows * columns > TILE_CELLS))
        rows--;
    int down = (c->rows + rows - 1) / rows;
    rows = (c->rows + down - 1) / down;
    int together = 1;
    if (down == 1 && across == 1)
        together = smaller(TILE_CELLS / (rows * columns), (int)(TILE_FLOATS / (tile_pixels(c, rows, columns) * SLICE)));
    return (tile){.images = smaller(larger(together, 1), smaller(images, TILE_IMAGES)), .rows = rows, .columns = columns};
}

/* Cells of a tile: where they are in dy and in the positions, and where in the packed piece their upper left tap is. */
typedef struct cells {
    int count;
    long gradient[TILE_CELLS], position[TILE_CELLS];
    int32_t piece[TILE_CELLS];
} cells;

static void list_cells(const conv_shape *c, const tile *t, long dy_length, long position_length, cells *s)
{
    int width = under_columns(c, t->columns);
    s->count = 0;
    for (int i = 0; i < t->images; i++)
        for (int row = 0; row < t->rows; row++)
            for (int column = 0; column < t->columns; column++, s->count++) {
                long cell = (long)(t->row + row) * c->columns + t->column + column;
                s->gradient[s->count] = i * dy_length + cell * c->filters;
                s->position[s->count] = i * position_length + cell * c->padded_filters;
                s->piece[s->count] = (int32_t)(i * tile_pixels(c, t->rows, t->columns) + 2l * row * width + 2 * column) * SLICE;
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
NOINLINE void make_lists(const conv_shape *c, const tile *t, const cells *s, const float *dy, const uint8_t *positions, int first, int last,
                         lists *l, float *bias)
{
    int width = under_columns(c, t->columns);
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

/* Packs PIECES slices of x, from channel `first` on: [under(rows)][under(columns)][SLICE] each; what lies in the padding is zero. */
NOINLINE void pack_input(const conv_shape *c, const tile *t, const float *x, long length, int first, float *to)
{
    int top = 2 * t->row - c->top, left = 2 * t->column - c->left, height = under_rows(c, t->rows), width = under_columns(c, t->columns);
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

/* dW of one slice of channels and one group: for each filter its taps stay in registers; x is the packed slice from the group's first row on,
 * `width` its row in floats. */
INLINE void add_lists(const lists *l, const float *x, long width, int filters, float *dw, const int rows, const int columns)
{
    for (int k = 0; k < filters; k++, dw += rows * columns * SLICE) {
        vec sum[GROUP_ACCUMULATORS][SLICE_VECTORS];
        UNROLL for (int t = 0; t < rows * columns; t++)
            UNROLL for (int h = 0; h < SLICE_VECTORS; h++)
                sum[t][h] = load(dw + t * SLICE + h * VL);
        const float *gradient = l->gradient + (long)k * LIST;
        const int32_t *offset = l->offset + (long)k * LIST;
        for (int e = 0, count = l->count[k]; e < count; e++) {
            vec g = all(gradient[e]);
            const float *row[GROUP_ROWS] = {x + offset[e]};
            UNROLL for (int r = 1; r < rows; r++)
                row[r] = row[r - 1] + width;
            UNROLL for (int t = 0; t < columns; t++)
                UNROLL for (int h = 0; h < SLICE_VECTORS; h++)
                    UNROLL for (int r = 0; r < rows; r++) {
                        vec *s = &sum[r * columns + t][h];
                        *s = multiply_add(g, load(row[r] + t * SLICE + h * VL), *s);
                    }
        }
        UNROLL for (int t = 0; t < rows * columns; t++)
            UNROLL for (int h = 0; h < SLICE_VECTORS; h++)
                store(dw + t * SLICE + h * VL, sum[t][h]);
    }
}

typedef void add_function(const lists *l, const float *x, long width, int filters, float *dw);
#define ADD_LISTS(rows, columns) \
    NOINLINE void add_lists_##rows##_##columns(const lists *l, const float *x, long width, int filters, float *dw) \
    { \
        add_lists(l, x, width, filters, dw, rows, columns); \
    }
SPARSE_GROUPS(ADD_LISTS)
#define ENTRY(rows, columns) [columns][rows] = add_lists_##rows##_##columns,
static add_function *const add_functions[KERNEL_MOST + 1][GROUP_ROWS + 1] = {SPARSE_GROUPS(ENTRY)};

/* All groups of one slice of channels, for filters first .. */
static void slice_weights(const conv_shape *c, const lists *l, const float *x, long width, int slice, int first, int filters, float *dw)
{
    for (int i = 0; i < sparse_groups(c); i++) {
        sparse_group g = sparse_group_at(c, i);
        add_functions[c->kernel_width][g.rows](l, x + g.first * width, width, filters, dw + sparse_place(c, slice, &g, first));
    }
}

/* One tile of cells, the first image of which x, dy and positions point to. */
static void tile_weights(const knn_step *step, const conv_shape *c, const tile *t, const float *x, const float *dy, const uint8_t *positions,
                         float *dw, lists *l)
{
    cells s;
    float *bias = dw + sparse_length(c);
    list_cells(c, t, (long)step->dy.length, (long)step->saved_stride, &s);
    for (int first = 0; first < c->filters; first += LIST_FILTERS) {
        int filters = smaller(LIST_FILTERS, c->filters - first);
        make_lists(c, t, &s, dy, positions, first, first + filters, l, bias);
        for (int slice = 0; slice < sparse_slices(c); slice++) {
            int piece = slice % PIECES;
            if (piece == 0)
                pack_input(c, t, x, (long)step->x.length, slice * SLICE, l->x);
            slice_weights(c, l, l->x + (long)piece * PIECE_STRIDE, (long)under_columns(c, t->columns) * SLICE, slice, first, filters, dw);
        }
    }
}

void sparse_weights(const knn_step *step, const conv_shape *c, knn_part part, float *scratch)
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

/* The slices' sums of VL filters and one slice of channels, added in order, in Keras' [tap][channel][filter]; the first tap of `gradient` is
 * the group's. */
static void finish_group(const knn_step *step, const conv_shape *c, const sparse_group *g, int slice, int k, float *gradient)
{
    long place = sparse_place(c, slice, g, k), stride = (long)g->taps * SLICE;
    for (int t = 0; t < g->taps; t++)
        for (int h = 0; h < SLICE && slice * SLICE + h < c->channels; h += VL) {
            int first = slice * SLICE + h;
            vec sum[VL];
            for (int i = 0; i < VL; i++) {
                sum[i] = all(0);
                for (int s = 0; s < step->request.slices && k + i < c->filters; s++) {
                    const float *partial = knn__partial(step, s);
                    sum[i] = sum[i] + load(partial + place + i * stride + t * SLICE + h);
                }
            }
            transpose(sum);
            for (int i = 0; i < VL && first + i < c->channels; i++)
                store_up_to(gradient + ((long)t * c->channels + first + i) * c->filters + k, sum[i], c->filters - k);
        }
}

static void finish_filters(const knn_step *step, const conv_shape *c, int slice, int k, float *gradient)
{
    for (int i = 0; i < sparse_groups(c); i++) {
        sparse_group g = sparse_group_at(c, i);
        finish_group(step, c, &g, slice, k, gradient + (long)g.first * c->kernel_width * c->channels * c->filters);
    }
}

void sparse_finish(const knn_step *step, const conv_shape *c, int slice)
{
    float *gradient = knn__gradient(step, 0, KNN_KERNEL);
    long groups = (c->filters + VL - 1) / VL, first, last;
    knn__share(groups * sparse_slices(c), slice, step->request.slices, &first, &last);
    for (long i = first; gradient != NULL && i < last; i++)
        finish_filters(step, c, (int)(i / groups), (int)(i % groups) * VL, gradient);
    knn__sum_slices(step, (size_t)sparse_length(c), knn__gradient(step, 0, KNN_BIAS), (size_t)c->filters, slice);
}
