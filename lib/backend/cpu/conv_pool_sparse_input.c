/* Pool-sparse dX, from lists of live filters for each pooled cell.
 *
 * A cell has four lists of the filters that are alive at position 0, 1, 2, 3, as bytes. For a group of the kernel's rows its gradient falls on
 * a window of dx of one row and one column more than the group; the upper rows (positions 0, 1) and the lower ones (2, 3) are
 * rows x (kernel_width + 1) accumulators each, 12 for 3x3: the whole window needs 16, and no register is left then.
 * Lists are made once for all slices of channels and all groups. */
#include "backend/cpu/conv_pool_sparse.h"
#include "backend/cpu/pool2x2.h"

enum {
    BLOCK = REGISTERS == 32 ? 32 : 64,                      /* filters of a list: BLOCK x 9 x SLICE weights are 18 KB (AVX2; 36 with AVX-512),
                                                             * and no group has more than 10 taps */
    CELL_LIST = BLOCK + 8,                                  /* eight bytes are stored at a time */
    BAND_CELLS = 96                                         /* cells whose lists exist at once: 7 KB */
};

typedef struct cell_lists {
    uint8_t *filters;                       /* [cell][CELL_LIST]: those of position 0, then 1, 2, 3 */
    uint8_t *ends;                          /* [cell][4]: where each position's end */
} cell_lists;

static int band_rows(const conv_shape *c) { return smaller(c->rows, larger(1, BAND_CELLS / c->columns)); }
static int band_images(const conv_shape *c) { return band_rows(c) < c->rows ? 1 : larger(1, BAND_CELLS / (c->rows * c->columns)); }
static long band_cells(const conv_shape *c) { return (long)band_images(c) * band_rows(c) * c->columns; }

long sparse_input_scratch(const conv_shape *c)
{
    return round_up(band_cells(c) * (CELL_LIST + 4), sizeof(float)) / (long)sizeof(float);
}

long sparse_packed(const conv_shape *c) { return sparse_length(c); }

void sparse_pack(const knn_step *step, const conv_shape *c, int first, int last, float *packed)
{
    const float *w = knn__weight(step, 0, KNN_KERNEL);
    for (int i = 0; i < sparse_groups(c); i++) {
        sparse_group g = sparse_group_at(c, i);
        for (int k = first; k < last && k < c->filters; k += VL)
            for (int channel = 0; channel < sparse_slices(c) * SLICE; channel += VL)
                for (int t = 0; t < g.taps; t++) {
                    vec r[VL];
                    load_filters(w + ((long)g.first * c->kernel_width + t) * c->channels * c->filters, c->channels, c->filters, channel, k, r);
                    float *to = packed + sparse_place(c, channel / SLICE, &g, k) + t * SLICE + channel % SLICE;
                    for (int f = 0; f < VL && k + f < c->filters; f++)
                        store(to + (long)f * g.taps * SLICE, r[f]);
                }
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

/* Where the accumulators of a row of cells go, and what they are made of. */
typedef struct window_place {
    float *dx;                              /* the first window's upper left */
    long row_stride, stride;                /* from one row, one pixel to the next */
    const float *w;                         /* of the slice and the group, [filter][rows][columns][SLICE] */
    const float *dy;
    int filters;                            /* of dy, from one cell to the next */
    const uint8_t *list, *ends;
} window_place;

/* Adds to `sum` the taps of the filters listed, one column further right for the right one of the two positions. */
INLINE void add_filters(vec sum[][SLICE_VECTORS], const window_place *p, int first, int last, const int right, const int rows,
                        const int columns)
{
    for (int e = first; e < last; e++) {
        long k = p->list[e];
        vec g = all(p->dy[k]);
        const float *taps = p->w + k * (rows * columns * SLICE);
        UNROLL for (int t = 0; t < rows * columns; t++)
            UNROLL for (int h = 0; h < SLICE_VECTORS; h++) {
                vec *s = &sum[t / columns * (columns + 1) + t % columns + right][h];
                *s = multiply_add(g, load(taps + t * SLICE + h * VL), *s);
            }
    }
}

/* The upper or lower rows of a cell's window. The accumulators start at zero and dx is added at the end: its loads wait for nothing then. */
INLINE void half_window(const window_place *p, float *dx, int first, int middle, int last, const int rows, const int columns)
{
    vec sum[GROUP_ACCUMULATORS][SLICE_VECTORS];
    UNROLL for (int i = 0; i < rows * (columns + 1); i++)
        UNROLL for (int h = 0; h < SLICE_VECTORS; h++)
            sum[i][h] = all(0);
    add_filters(sum, p, first, middle, 0, rows, columns);
    add_filters(sum, p, middle, last, 1, rows, columns);
    UNROLL for (int i = 0; i < rows * (columns + 1); i++)
        UNROLL for (int h = 0; h < SLICE_VECTORS; h++) {
            float *at = dx + i / (columns + 1) * p->row_stride + i % (columns + 1) * p->stride + h * VL;
            store(at, sum[i][h] + load(at));
        }
}

/* A row of cells whose windows lie within the image: added to dx. */
INLINE void add_cells(window_place p, int count, const int rows, const int columns)
{
    for (int i = 0; i < count; i++, p.dx += 2 * p.stride, p.dy += p.filters, p.list += CELL_LIST, p.ends += 4) {
        half_window(&p, p.dx, 0, p.ends[0], p.ends[1], rows, columns);
        half_window(&p, p.dx + p.row_stride, p.ends[1], p.ends[2], p.ends[3], rows, columns);
    }
}

typedef void add_function(const window_place *p, int count);
#define ADD_CELLS(rows, columns) \
    NOINLINE void add_cells_##rows##_##columns(const window_place *p, int count) { add_cells(*p, count, rows, columns); }
SPARSE_GROUPS(ADD_CELLS)
#define ENTRY(rows, columns) [columns][rows] = add_cells_##rows##_##columns,
static add_function *const add_functions[KERNEL_MOST + 1][GROUP_ROWS + 1] = {SPARSE_GROUPS(ENTRY)};

/* A cell whose window, from (row, column) on, hangs over the image's edge, or whose slice is not full: by way of a window of its own. */
static void add_edge_cell(const conv_shape *c, const sparse_group *g, window_place p, float *dx, int row, int column, int first)
{
    int height = g->rows + 1, width = c->kernel_width + 1;
    _Alignas(64) float corner[2 * GROUP_ACCUMULATORS * SLICE];
    memset(corner, 0, (size_t)(height * width * SLICE) * sizeof *corner);
    p.dx = corner, p.row_stride = (long)width * SLICE, p.stride = SLICE;
    add_functions[c->kernel_width][g->rows](&p, 1);
    for (int i = 0; i < height * width; i++) {
        int r = row + i / width, k = column + i % width;
        if (r < 0 || r >= c->height || k < 0 || k >= c->width)
            continue;
        float *at = dx + ((long)r * c->width + k) * c->channels + first;
        for (int h = 0; h < SLICE && first + h < c->channels; h += VL) {
            int lanes = c->channels - first - h;
            store_up_to(at + h, load(corner + i * SLICE + h) + load_up_to(at + h, lanes), lanes);
        }
    }
}

/* One row of cells and one group, all channels of one slice from `first` on. dx and dy are the image's; p has the slice's and group's weights
 * and the row's lists. */
static void row_input(const conv_shape *c, const sparse_group *g, window_place p, float *dx, const float *dy, int row, int first)
{
    int top = 2 * row - c->top + g->first, room = c->width + c->left - (c->kernel_width + 1);
    bool inside = top >= 0 && top + g->rows + 1 <= c->height && first + SLICE <= c->channels;
    int begin = (c->left + 1) / 2, end = room < 0 ? 0 : smaller(c->columns, room / 2 + 1);             /* columns that lie within */
    window_place at = p;
    for (int column = 0, count; column < c->columns; column += count) {
        int left = 2 * column - c->left;
        at.dy = dy + ((long)row * c->columns + column) * c->filters;
        at.list = p.list + (long)column * CELL_LIST, at.ends = p.ends + 4l * column;
        count = inside && column == begin && begin < end ? end - begin : 1;
        if (inside && column >= begin && column < end) {
            at.dx = dx + ((long)top * c->width + left) * c->channels + first;
            add_functions[c->kernel_width][g->rows](&at, count);
        } else {
            add_edge_cell(c, g, at, dx, top, left, first);
        }
    }
}

/* Rows first .. first + rows - 1 of some images, filters k ..: their lists, then dx slice by slice of the channels, group by group. */
static void band_input(const knn_step *step, const conv_shape *c, int images, int first, int rows, int k, const float *packed, float *dx,
                       const float *dy, const uint8_t *positions, cell_lists l)
{
    int filters = smaller(BLOCK, c->padded_filters - k);
    long cell = 0;
    for (int i = 0; i < images; i++)
        for (int j = 0; j < rows * c->columns; j++, cell++)
            list_filters(positions + i * (long)step->saved_stride + ((long)first * c->columns + j) * c->padded_filters + k, filters,
                         l.filters + cell * CELL_LIST, l.ends + cell * 4);
    for (int part = 0; part < sparse_slices(c) * sparse_groups(c); part++) {
        int slice = part / sparse_groups(c);
        sparse_group g = sparse_group_at(c, part % sparse_groups(c));
        window_place p = {.row_stride = (long)c->width * c->channels, .stride = c->channels, .w = packed + sparse_place(c, slice, &g, k),
                          .filters = c->filters, .list = l.filters, .ends = l.ends};
        for (int i = 0; i < images; i++)
            for (int row = first; row < first + rows; row++, p.list += (long)c->columns * CELL_LIST, p.ends += 4l * c->columns)
                row_input(c, &g, p, dx + i * (long)step->dx.length, dy + i * (long)step->dy.length + k, row, slice * SLICE);
    }
}

void sparse_input(const knn_step *step, const conv_shape *c, knn_part part, const float *packed, float *scratch)
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
