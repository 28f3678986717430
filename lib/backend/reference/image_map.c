/* Pictures whose pixels come from places of the input (image_geometry.h): crops, resizing, random flips, shifts, turns and zooms.
 * Does not know where they come from. Backward draws again and is the exact transpose. */
#include "backend/reference/reference.h"

#include "backend/image_geometry.h"

#include <string.h>

static knn__image_transform transform_of(const knn_step *step, int image)
{
    const knn_node *n = &step->nodes[0];
    const knn__stream stream = {.seed = step->run->seed, .stream = (uint32_t)(KNN__STREAM_IMAGES + 16 * n->layer),
        .epoch = step->run->iteration, .index = (uint32_t)image};
    return knn__image_transform_of(n, step->run->training ? &stream : NULL);
}

/* One of the pixels that an output pixel is made of. */
typedef struct neighbour { long at; double weight; } neighbour;     /* at: where its channels begin; -1: the fill value */

/* At most four, those of weight 0 left out. */
static int find_neighbours(const knn__image_transform *t, int channels, int row, int column, neighbour found[4])
{
    knn__image_place place = knn__image_place_of(t, row, column);
    const float row_part[2] = {1 - place.row_part, place.row_part}, column_part[2] = {1 - place.column_part, place.column_part};
    int count = 0;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            float weight = row_part[i] * column_part[j];
            bool outside = place.row[i] < 0 || place.column[j] < 0;
            if (weight != 0)
                found[count++] = (neighbour){outside ? -1 : ((long)place.row[i] * t->in_width + place.column[j]) * channels, (double)weight};
        }
    return count;
}

static void sample(const knn_step *step, const knn__image_transform *t, const knn_real *x, knn_real *y)
{
    const knn_node *n = &step->nodes[0];
    neighbour found[4];
    for (int row = 0; row < n->out.height; row++)
        for (int column = 0; column < n->out.width; column++, y += n->out.channels) {
            int count = find_neighbours(t, n->in.channels, row, column, found);
            for (int c = 0; c < n->out.channels; c++) {
                double sum = 0;
                for (int k = 0; k < count; k++)
                    sum += found[k].weight * (found[k].at < 0 ? n->map.fill_value : (double)x[found[k].at + c]);
                y[c] = (knn_real)sum;
            }
        }
}

static void spread(const knn_step *step, const knn__image_transform *t, const knn_real *dy, knn_real *dx)
{
    const knn_node *n = &step->nodes[0];
    neighbour found[4];
    memset(dx, 0, step->dx.length * sizeof *dx);
    for (int row = 0; row < n->out.height; row++)
        for (int column = 0; column < n->out.width; column++, dy += n->out.channels) {
            int count = find_neighbours(t, n->in.channels, row, column, found);
            for (int k = 0; k < count; k++)
                for (int c = 0; found[k].at >= 0 && c < n->out.channels; c++)
                    dx[found[k].at + c] += (knn_real)(found[k].weight * dy[c]);
        }
}

static void forward(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last; image++) {
        knn__image_transform t = transform_of(step, image);
        sample(step, &t, knn__image(&step->x, image, part.slice), knn__image(&step->y, image, part.slice));
    }
}

static void backward(const knn_step *step, knn_part part)
{
    if (step->dx.data == NULL)
        return;
    for (int image = part.first; image < part.last; image++) {
        knn__image_transform t = transform_of(step, image);
        spread(step, &t, knn__image(&step->dy, image, part.slice), knn__image(&step->dx, image, part.slice));
    }
}

const knn_kernel knn__reference_image_map = {
    .name = "image_map, reference",
    .ops = {KNN_OP_IMAGE_MAP}, .forward = forward, .backward = backward,
};
