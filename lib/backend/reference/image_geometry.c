/* The geometry of CenterCrop, Resizing and the random layers for pictures. Touches no pixels. */
#include "backend/reference/image_geometry.h"

#include <math.h>

static const double TURN = 6.283185307179586;

/* What is drawn has a fixed position each: rows (or the one thing that a layer draws), columns. */
enum { DRAW_ROWS = 0, DRAW_COLUMNS = 1 };

double knn__image_draw(const knn__stream *stream, uint32_t position, const double bounds[2])
{
    return bounds[0] + (bounds[1] - bounds[0]) * knn__uniform(stream, position);
}

/* ---- Transforms: from the output to the input ---- */

static void set_axis(float axis[3], double along, double across, double offset)
{
    axis[0] = (float)along;
    axis[1] = (float)across;
    axis[2] = (float)offset;
}

static void stretch(knn__image_transform *t, const knn_node *node)
{
    t->centre = 0.5f;
    t->height = node->map.height;
    t->width = node->map.width;
    t->top = node->map.top;
    t->left = node->map.left;
    t->fill_mode = KNN_OUTSIDE_NEAREST;
    t->x[0] = (float)t->width / (float)node->out.width;
    t->y[1] = (float)t->height / (float)node->out.height;
}

static void flip(knn__image_transform *t, const knn_image_map *map, const knn__stream *stream)
{
    if (knn__uniform(stream, DRAW_ROWS) > 0.5)
        return;
    if (map->flip_columns)
        set_axis(t->x, -1, 0, t->width - 1);
    if (map->flip_rows)
        set_axis(t->y, 0, -1, t->height - 1);
}

static void translate(knn__image_transform *t, const knn_image_map *map, const knn__stream *stream)
{
    t->y[2] = -(float)(knn__image_draw(stream, DRAW_ROWS, map->rows) * t->height);
    t->x[2] = -(float)(knn__image_draw(stream, DRAW_COLUMNS, map->columns) * t->width);
}

static void rotate(knn__image_transform *t, const knn_image_map *map, const knn__stream *stream)
{
    double angle = TURN * knn__image_draw(stream, DRAW_ROWS, map->rows), c = cos(angle), s = sin(angle);
    double middle_x = 0.5 * (t->width - 1), middle_y = 0.5 * (t->height - 1);

    set_axis(t->x, c, -s, middle_x - middle_x * c + middle_y * s);
    set_axis(t->y, s, c, middle_y - middle_x * s - middle_y * c);
}

static void zoom(knn__image_transform *t, const knn_image_map *map, const knn__stream *stream)
{
    double y = knn__image_draw(stream, DRAW_ROWS, map->rows);
    double x = map->joint ? y : knn__image_draw(stream, DRAW_COLUMNS, map->columns);

    set_axis(t->x, x, 0, 0.5 * (t->width - 1) * (1 - x));
    set_axis(t->y, 0, y, 0.5 * (t->height - 1) * (1 - y));
}

knn__image_transform knn__image_transform_of(const knn_node *node, const knn__stream *stream)
{
    const knn_image_map *map = &node->map;
    knn__image_transform t = {.x = {1, 0, 0}, .y = {0, 1, 0}, .height = node->in.height, .width = node->in.width,
        .in_height = node->in.height, .in_width = node->in.width, .fill_mode = map->fill_mode, .interpolation = map->interpolation};

    if (map->map == KNN_MAP_WINDOW)
        stretch(&t, node);
    else if (stream != NULL && map->map == KNN_MAP_FLIP)
        flip(&t, map, stream);
    else if (stream != NULL && map->map == KNN_MAP_TRANSLATION)
        translate(&t, map, stream);
    else if (stream != NULL && map->map == KNN_MAP_ROTATION)
        rotate(&t, map, stream);
    else if (stream != NULL)
        zoom(&t, map, stream);
    return t;
}

/* ---- Places ---- */

/* floorf and roundf (halves away from zero) for numbers that an int holds, without a call. */
static float whole_below(float x)
{
    float whole = (float)(int)x;
    return whole > x ? whole - 1 : whole;
}

static float nearest_whole(float x)
{
    float whole = (float)(int)x, rest = x - whole;
    return rest >= 0.5f ? whole + 1 : rest <= -0.5f ? whole - 1 : whole;
}

static float limited(float x, int n)
{
    float last = (float)(n - 1);
    return x < 0 ? 0 : x > last ? last : x;
}

/* Mirrored at -1/2 and n - 1/2. */
static float reflected(float x, int n)
{
    float period = 2 * (float)n, within = x - period * whole_below(x / period);
    return limited(within >= (float)n ? period - 1 - within : within, n);
}

/* TensorFlow's rule: whole lengths n are added, but as many as lengths n - 1 fit. */
static float wrapped(float x, int n)
{
    if (n <= 1)
        return 0;
    if (x < 0)
        x += (float)(n * ((int)(-x / (float)(n - 1)) + 1));
    else if (x > (float)(n - 1))
        x -= (float)(n * (int)(x / (float)(n - 1)));
    return limited(x, n);
}

static float mapped(float x, int n, knn_outside mode)
{
    if (x >= 0 && x <= (float)(n - 1))      /* almost all: spares them the divisions */
        return x;
    switch (mode) {
    case KNN_OUTSIDE_REFLECT: return reflected(x, n);
    case KNN_OUTSIDE_WRAP:    return wrapped(x, n);
    case KNN_OUTSIDE_NEAREST: return limited(x, n);
    default:                  return x;
    }
}

/* The pixel of the input, which is n long, at whole number x of a window that begins at `first`; -1: none. */
static int inside(float x, int first, int n)
{
    float place = x + (float)first;
    return place >= 0 && place < (float)n ? (int)place : -1;
}

knn__image_place knn__image_place_of(const knn__image_transform *t, int row, int column)
{
    float i = (float)row + t->centre, j = (float)column + t->centre;
    float x = mapped(t->x[0] * j + t->x[1] * i + t->x[2] - t->centre, t->width, t->fill_mode);
    float y = mapped(t->y[0] * j + t->y[1] * i + t->y[2] - t->centre, t->height, t->fill_mode);

    if (t->interpolation == KNN_SAMPLING_NEAREST) {
        int nearest_row = inside(nearest_whole(y), t->top, t->in_height), nearest_column = inside(nearest_whole(x), t->left, t->in_width);
        return (knn__image_place){{nearest_row, nearest_row}, {nearest_column, nearest_column}, 0, 0};
    }
    float above = whole_below(y), left = whole_below(x);
    return (knn__image_place){
        {inside(above, t->top, t->in_height), inside(above + 1, t->top, t->in_height)},
        {inside(left, t->left, t->in_width), inside(left + 1, t->left, t->in_width)}, y - above, x - left};
}
