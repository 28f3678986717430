/* Winograd's convolution F(4x4, 3x3): 4x4 outputs of a 3x3 kernel by 36 products instead of 144 (A. Lavin, S. Gray, "Fast Algorithms for
 * Convolutional Neural Networks", 2015). The transforms, the products and the numbering of tiles; what is done with the outputs is its users'.
 *
 *     x 6x6 --B'xB--> V     w 3x3 --GwG'--> U     M = sum over channels of V U, for each of the 36 places     M --A'MA--> 4x4 outputs
 *
 * The tiles of all images of a call are numbered through and worked on in blocks, so that small maps fill the products, too.
 * Vectors run over channels (V) or filters (U, M): NHWC needs no other layout.
 *
 *     V [tile][36][channels]  + 8 floats a tile, so that equal places of tiles do not fall on the same cache sets
 *     U [block of filters][36][channels][FILTERS]
 *     M [tile][36][FILTERS]   + 8 floats a tile: one block of filters at a time */
#ifndef KNN_BACKEND_CPU_CONV_WINOGRAD_H
#define KNN_BACKEND_CPU_CONV_WINOGRAD_H

#include "backend/cpu/conv_shape.h"

enum {
    TILE_ROWS = REGISTERS == 32 ? 12 : 6,   /* tiles x 2 vectors of filters: the accumulators of the product, 97 % of the peak */
    TILE_THIRD = TILE_ROWS / 3,             /* the last tiles are done by fewer accumulators */
    CHANNEL_STEP = 8,                       /* the product's loop is unrolled by it */
    CHANNEL_PADDING = VL > CHANNEL_STEP ? VL : CHANNEL_STEP,
    TILE_SKEW = 8,
    MOST_TILES = 18,                        /* of a block. More gain nothing (L2 of catdog's net, Zen 3: 18 tiles 0.65 ms, 54 tiles 0.76) */
    FEWEST_TILES = 12,
    FEWEST_CHANNELS = 12                    /* below, the transforms cost more than the products save */
};

/* A convolution as Winograd sees it: forward, or the gradient of its input, which is the convolution of dy with turned weights. */
typedef struct winograd {
    int height, width, channels;            /* of what is read */
    int top, left;                          /* rows and columns of zeros before it */
    int out_height, out_width;              /* outputs that are wanted */
    int padded_channels, blocks;            /* channels of V; blocks of FILTERS */
    int tiles_down, tiles_across;
    int block_tiles;                        /* tiles of a block */
} winograd;

/* One tile: the upper left corners of its input (may lie in the padding) and of its output. */
typedef struct winograd_tile { int image, row, column, out_row, out_column; } winograd_tile;

static inline long winograd_v_stride(const winograd *g) { return 36l * g->padded_channels + TILE_SKEW; }
enum { M_STRIDE = 36 * FILTERS + TILE_SKEW };

static inline long winograd_u_length(const winograd *g) { return (long)g->blocks * 36 * g->padded_channels * FILTERS; }

/* V, M and a block of U should fit the second-level cache, but a U that does not is worth a few tiles. */
static inline int winograd_block_tiles(long padded_channels)
{
    long u = 36 * padded_channels * FILTERS, a_tile = 36 * padded_channels + 36 * FILTERS;
    long tiles = (L2_FLOATS - u) / a_tile;
    tiles = tiles > MOST_TILES ? MOST_TILES : tiles < FEWEST_TILES ? FEWEST_TILES : tiles;
    return (int)(tiles / TILE_ROWS * TILE_ROWS);
}

static inline winograd winograd_of(int height, int width, int channels, int top, int left, int out_height, int out_width, int padded_filters)
{
    winograd g = {.height = height, .width = width, .channels = channels, .top = top, .left = left, .out_height = out_height,
                  .out_width = out_width, .padded_channels = (int)round_up(channels, CHANNEL_PADDING),
                  .blocks = padded_filters / FILTERS, .tiles_down = (out_height + 3) / 4, .tiles_across = (out_width + 3) / 4};
    g.block_tiles = winograd_block_tiles(g.padded_channels);
    return g;
}

static inline long winograd_tiles(const winograd *g) { return (long)g->tiles_down * g->tiles_across; }

/* Multiplications a channel and filter: 36 a tile and a quarter more for the transforms, and U, which is read once, costs as much as four
 * tiles. Below the direct kernel's 9 an output Winograd is worth while. */
static inline bool winograd_pays(const winograd *g, int images, long outputs)
{
    long tiles = round_up(winograd_tiles(g) * images, TILE_THIRD);
    return 45 * tiles + 4 * 36 < 9 * outputs * images;
}

static inline long winograd_scratch(const winograd *g) { return g->block_tiles * (winograd_v_stride(g) + M_STRIDE); }

/* Tile `number` of a call's images. */
static inline winograd_tile winograd_tile_at(const winograd *g, long number)
{
    long inside = number % winograd_tiles(g);
    int row = (int)(inside / g->tiles_across) * 4, column = (int)(inside % g->tiles_across) * 4;
    return (winograd_tile){(int)(number / winograd_tiles(g)), row - g->top, column - g->left, row, column};
}

/* What a call makes: tiles of its images, blocks of filters. A shared image is cut into runs of tiles; where these are one block, into filters
 * instead: U, then much larger than V, is read once. */
typedef struct winograd_work { long first, last; int first_block, last_block; } winograd_work;

static inline winograd_work winograd_share(const winograd *g, knn_part part)
{
    long tiles = winograd_tiles(g) * (part.last - part.first), first = 0, last = 1;
    if (tiles <= g->block_tiles) {
        knn__share(g->blocks, part.piece, part.pieces, &first, &last);
        return (winograd_work){0, tiles, (int)first, (int)last};
    }
    knn__share((tiles + TILE_ROWS - 1) / TILE_ROWS, part.piece, part.pieces, &first, &last);
    return (winograd_work){first * TILE_ROWS, last * TILE_ROWS < tiles ? last * TILE_ROWS : tiles, 0, g->blocks};
}

static inline void winograd_next(const winograd *g, winograd_tile *t)
{
    t->out_column += 4, t->column += 4;
    if (t->out_column < 4 * g->tiles_across)
        return;
    t->out_column = 0, t->column = -g->left;
    t->out_row += 4, t->row += 4;
    if (t->out_row < 4 * g->tiles_down)
        return;
    t->out_row = 0, t->row = -g->top;
    t->image++;
}

/* ---- Transforms of six (or three) vectors with distance `stride` ----
 *
 * The matrices belong to the points 0, r, -r, 1/r, -1/r, infinity of Toom and Cook with r = sqrt(2). Being each other's inverses they keep the
 * entries small: rounding errors of 64 channels are 2e-6 of the largest output instead of 1e-5 with the usual points 1 and 2, at no cost. */
#define ROOT 1.41421356f

/* o = B' d: rows 1 0 -5/2 0 1 0 | 0 -r -2 1/r 1 0 | 0 r -2 -1/r 1 0 | 0 -1/r -1/2 r 1 0 | 0 1/r -1/2 -r 1 0 | 0 1 0 -5/2 0 1 */
INLINE void winograd_input6(const float *d, long stride, float *o, long o_stride)
{
    vec d0 = load(d), d1 = load(d + stride), d2 = load(d + 2 * stride), d3 = load(d + 3 * stride), d4 = load(d + 4 * stride);
    vec d5 = load(d + 5 * stride);
    store(o, multiply_subtract(all(2.5f), d2, d0 + d4));
    vec even = multiply_subtract(all(2), d2, d4), odd = multiply_subtract(all(2), d1, d3);
    store(o + o_stride, multiply_add(all(ROOT / 2), odd, even));
    store(o + 2 * o_stride, multiply_subtract(all(ROOT / 2), odd, even));
    even = multiply_subtract(all(0.5f), d2, d4), odd = multiply_subtract(all(0.5f), d1, d3);
    store(o + 3 * o_stride, multiply_add(all(ROOT), odd, even));
    store(o + 4 * o_stride, multiply_subtract(all(ROOT), odd, even));
    store(o + 5 * o_stride, multiply_subtract(all(2.5f), d3, d1 + d5));
}

/* o = A' m: rows 1 1 1 1 1 0 | 0 1/r -1/r r -r 0 | 0 1/2 1/2 2 2 0 | 0 1/2r -1/2r 2r -2r 1 */
INLINE void winograd_output6(const float *m, long stride, vec o[4])
{
    vec m1 = load(m + stride), m2 = load(m + 2 * stride), m3 = load(m + 3 * stride), m4 = load(m + 4 * stride);
    vec even1 = m1 + m2, even2 = m3 + m4, odd1 = (m1 - m2) * all(ROOT / 2), odd2 = (m3 - m4) * all(ROOT);
    o[0] = load(m) + even1 + even2;
    o[1] = odd1 + odd2;
    o[2] = multiply_add(all(2), even2, even1 * all(0.5f));
    o[3] = multiply_add(all(2), odd2, multiply_add(all(0.5f), odd1, load(m + 5 * stride)));
}

/* o = G g: rows 1 0 0 | -2/3 -r/3 -1/3 | -2/3 r/3 -1/3 | 1/6 r/6 1/3 | 1/6 -r/6 1/3 | 0 0 1 */
INLINE void winograd_weights3(vec g0, vec g1, vec g2, float *o, long o_stride)
{
    vec even = multiply_add(g0, all(-2.0f / 3), g2 * all(-1.0f / 3)), odd = g1 * all(ROOT / 3);
    store(o, g0);
    store(o + o_stride, even - odd);
    store(o + 2 * o_stride, even + odd);
    even = multiply_add(g0, all(1.0f / 6), g2 * all(1.0f / 3)), odd = g1 * all(ROOT / 6);
    store(o + 3 * o_stride, even + odd);
    store(o + 4 * o_stride, even - odd);
    store(o + 5 * o_stride, g2);
}

/* u[36] (with distance `stride`) = G w G' for VL filters of one channel; w[9] are the kernel's taps. */
INLINE void winograd_weights(const vec w[9], float *u, long stride)
{
    _Alignas(64) float half[18 * VL];
    UNROLL for (int j = 0; j < 3; j++)
        winograd_weights3(w[j], w[3 + j], w[6 + j], half + j * VL, 3 * VL);
    for (int i = 0; i < 6; i++)
        winograd_weights3(load(half + 3 * i * VL), load(half + (3 * i + 1) * VL), load(half + (3 * i + 2) * VL), u + 6 * i * stride, stride);
}

/* U of a block of filters for the convolution itself. */
static inline void winograd_pack(const knn_step *step, const conv_shape *c, const winograd *g, int block, float *u)
{
    const float *weights = knn__weight(step, 0, KNN_KERNEL);
    u += (long)block * 36 * g->padded_channels * FILTERS;
    for (int k = block * FILTERS; k < (block + 1) * FILTERS; k += VL, u += VL) {
        float scale[VL], bias[VL];
        conv_scale(step, c, k, scale, bias);
        for (int channel = 0; channel < g->padded_channels; channel++) {
            vec w[9];
            for (int t = 0; t < 9; t++)
                w[t] = load_up_to(weights + ((long)t * c->channels + channel) * c->filters + k, channel < c->channels ? c->filters - k : 0)
                     * load(scale);
            winograd_weights(w, u + (long)channel * FILTERS, (long)g->padded_channels * FILTERS);
        }
    }
}

/* ---- Input ---- */

/* With `gate`, an image of the same shape, only what is above zero there is read (ReLU's derivative). */
INLINE vec winograd_read(const float *x, const float *gate, long at, int lanes)
{
    vec value = load_up_to(x + at, lanes);
    return gate == NULL ? value : keep(greater(load_up_to(gate + at, lanes), all(0)), value);
}

/* d[size][size][VL] = the pixels from (row, column) of an image, channels c .. c + lanes; zero outside. */
INLINE void winograd_gather(const winograd *g, const float *x, const float *gate, int row, int column, int c, const int size, float *d)
{
    for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++) {
            bool inside = row + i >= 0 && row + i < g->height && column + j >= 0 && column + j < g->width;
            long at = ((long)(row + i) * g->width + column + j) * g->channels + c;
            store(d + (i * size + j) * VL, inside ? winograd_read(x, gate, at, g->channels - c) : all(0));
        }
}

/* V of one tile. Both passes go through memory: 16 registers do not hold 36 vectors, and a buffer of whole cache lines costs little
 * (101 cycles for 36 vectors, Zen 3). */
INLINE void winograd_input_tile(const winograd *g, const float *x, const float *gate, const winograd_tile *t, float *v)
{
    bool inside = t->row >= 0 && t->column >= 0 && t->row + 6 <= g->height && t->column + 6 <= g->width && gate == NULL;
    long row_stride = (long)g->width * g->channels;
    for (int c = 0; c < g->channels; c += VL) {
        _Alignas(64) float pixels[36 * VL], half[36 * VL];
        if (inside && c + VL <= g->channels) {
            const float *p = x + t->row * row_stride + (long)t->column * g->channels + c;
            for (int j = 0; j < 6; j++)
                winograd_input6(p + (long)j * g->channels, row_stride, half + j * VL, 6 * VL);
        } else {
            winograd_gather(g, x, gate, t->row, t->column, c, 6, pixels);
            for (int j = 0; j < 6; j++)
                winograd_input6(pixels + j * VL, 6 * VL, half + j * VL, 6 * VL);
        }
        for (int i = 0; i < 6; i++)
            winograd_input6(half + 6 * i * VL, VL, v + c + 6l * i * g->padded_channels, g->padded_channels);
    }
    for (int i = 0; g->padded_channels - g->channels >= VL && i < 36; i++)         /* a whole vector of channels that do not exist */
        store(v + (long)i * g->padded_channels + g->padded_channels - VL, all(0));
}

/* V of the tiles first .. first + count - 1; x is the call's first image, `length` the floats of one. */
NOINLINE void winograd_input(const winograd *g, const float *x, const float *gate, long length, long first, int count, float *v)
{
    winograd_tile t = winograd_tile_at(g, first);
    for (int n = 0; n < count; n++, winograd_next(g, &t), v += winograd_v_stride(g))
        winograd_input_tile(g, x + t.image * length, gate == NULL ? NULL : gate + t.image * length, &t, v);
}

/* ---- Products ---- */

/* M = V U for one of the 36 places, `rows` tiles x FILTERS; v and m are at the first tile's place, u at the block's. */
INLINE void winograd_multiply_rows(const float *v, long v_stride, long channels, const float *u, float *m, const int rows)
{
    vec sum[TILE_ROWS][2];
    UNROLL for (int i = 0; i < rows; i++)
        sum[i][0] = sum[i][1] = all(0);
    const float *upper = v, *lower = v + rows / 2 * v_stride;  /* two pointers: fewer address computations */
    for (const float *end = v + channels; upper < end; upper += CHANNEL_STEP, lower += CHANNEL_STEP, u += CHANNEL_STEP * FILTERS)
        UNROLL for (int c = 0; c < CHANNEL_STEP; c++) {
            vec u0 = load(u + c * FILTERS), u1 = load(u + c * FILTERS + VL);
            UNROLL for (int i = 0; i < rows; i++) {
                vec value = all(i < rows / 2 ? upper[i * v_stride + c] : lower[(i - rows / 2) * v_stride + c]);
                sum[i][0] = multiply_add(value, u0, sum[i][0]);
                sum[i][1] = multiply_add(value, u1, sum[i][1]);
            }
            BARRIER;
        }
    UNROLL for (int i = 0; i < rows; i++) {
        store(m + i * M_STRIDE, sum[i][0]);
        store(m + i * M_STRIDE + VL, sum[i][1]);
    }
}

/* All tiles, in groups of TILE_ROWS, two thirds or a third of it; those beyond the last one are garbage that nobody reads. */
NOINLINE void winograd_multiply(const float *v, long v_stride, long channels, const float *u, float *m, int tiles)
{
    for (int thirds = (tiles + TILE_THIRD - 1) / TILE_THIRD, n; thirds > 0; thirds -= n) {
        n = thirds >= 3 && thirds != 4 ? 3 : thirds >= 2 ? 2 : 1;
        if (n == 3)
            winograd_multiply_rows(v, v_stride, channels, u, m, TILE_ROWS);
        else if (n == 2)
            winograd_multiply_rows(v, v_stride, channels, u, m, 2 * TILE_THIRD);
        else
            winograd_multiply_rows(v, v_stride, channels, u, m, TILE_THIRD);
        v += n * TILE_THIRD * v_stride, m += n * TILE_THIRD * M_STRIDE;
    }
}

/* M of a block's tiles for a block of filters. */
static inline void winograd_products(const winograd *g, const float *v, const float *u, int block, int tiles, float *m)
{
    u += (long)block * 36 * g->padded_channels * FILTERS;
    for (int f = 0; f < 36; f++)
        winograd_multiply(v + (long)f * g->padded_channels, winograd_v_stride(g), g->padded_channels,
                          u + (long)f * g->padded_channels * FILTERS, m + f * FILTERS, tiles);
}

/* First pass of the output transform of one tile: half[4][6][VL] = A' M for the VL filters at m. */
INLINE void winograd_output_half(const float *m, float *half)
{
    for (int j = 0; j < 6; j++) {
        vec o[4];
        winograd_output6(m + j * FILTERS, 6 * FILTERS, o);
        UNROLL for (int i = 0; i < 4; i++)
            store(half + (6 * i + j) * VL, o[i]);
    }
}

#endif
