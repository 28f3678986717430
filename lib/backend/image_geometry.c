/* The transforms of CenterCrop, Resizing and the random layers for pictures: from the output to the input. Touches no pixels. */
#include "backend/image_geometry.h"

#include <math.h>

static const double TURN = 6.283185307179586;

/* What is drawn has a fixed position each: rows (or the one thing that a layer draws), columns. */
enum { DRAW_ROWS = 0, DRAW_COLUMNS = 1 };

double knn__image_draw(const knn__stream *stream, uint32_t position, const double bounds[2])
{
    return bounds[0] + (bounds[1] - bounds[0]) * knn__uniform(stream, position);
}

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
