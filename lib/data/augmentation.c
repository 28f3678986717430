/* Random changes of a picture, Keras' ImageDataGenerator. Does not resample (affine.c) nor rescale (preprocessing.c); the
 * formulas for single numbers are those of backend/pictures.h. */
#include "data/augmentation.h"

#include "core/options.h"
#include "core/random.h"
#include "core/status.h"
#include "data/preprocessing.h"

#include <math.h>

/* ---- The options ---- */

typedef struct range_check {
    const char *name;
    double value, most;
} range_check;

static knn_status check_ranges(const knn_generator_options *g)
{
    enum { LARGE = 1000000 };       /* pixels or degrees: keeps positions well within what int holds */
    const range_check checks[] = {
        {"rotation_range", g->rotation_range, LARGE},
        {"width_shift_range", g->width_shift_range, LARGE},
        {"height_shift_range", g->height_shift_range, LARGE},
        {"shear_range", g->shear_range, LARGE},
        {"zoom_range", g->zoom_range, 1.0},
        {"zoom_lower", g->zoom_lower, g->zoom_upper},
        {"zoom_upper", g->zoom_upper, LARGE},
        {"channel_shift_range", g->channel_shift_range, HUGE_VAL},
        {"brightness_lower", g->brightness_lower, g->brightness_upper},
        {"brightness_upper", g->brightness_upper, LARGE},
    };
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (!isfinite(checks[i].value) || checks[i].value < 0.0 || checks[i].value > checks[i].most)
            return knn__fail(KNN_ERROR_ARGUMENT, "image_data_generator: %s is %g, expected 0 to %g", checks[i].name,
                             checks[i].value, checks[i].most);
    if (g->zoom_range > 0.0 && g->zoom_upper > 0.0)
        return knn__fail(KNN_ERROR_ARGUMENT, "image_data_generator: zoom_range and zoom_upper, expected one of them");
    if (!isfinite(g->rescale) || !isfinite(g->cval))
        return knn__fail(KNN_ERROR_ARGUMENT, "image_data_generator: rescale %g, cval %g, expected finite numbers",
                         g->rescale, g->cval);
    if (!(knn__real_or(g->zca_epsilon, 1) >= 0.0))
        return knn__fail(KNN_ERROR_ARGUMENT, "image_data_generator: zca_epsilon %g, expected at least 0", g->zca_epsilon);
    if ((int)g->fill_mode < KNN_FILL_NEAREST || (int)g->fill_mode > KNN_FILL_WRAP)
        return knn__fail(KNN_ERROR_ARGUMENT, "image_data_generator: unknown fill_mode %d", (int)g->fill_mode);
    return KNN_OK;
}

knn_status knn__complete_generator(const knn_generator_options *given, knn_generator_options *g)
{
    static const knn_generator_options none = {.size = sizeof none};
    if (given == NULL)
        given = &none;
    knn_status status = knn__copy_options(g, sizeof *g, given, given->size, "image_data_generator options");
    if (status == KNN_OK)
        status = check_ranges(g);
    if (status != KNN_OK)
        return status;
    g->rescale = knn__real_or(g->rescale, 1.0);
    if (g->zoom_upper == 0.0) {
        g->zoom_lower = 1.0 - g->zoom_range;
        g->zoom_upper = 1.0 + g->zoom_range;
    }
    g->samplewise_center |= g->samplewise_std_normalization;
    g->featurewise_center |= g->featurewise_std_normalization || g->zca_whitening;
    g->featurewise_std_normalization &= !g->zca_whitening;
    g->zca_epsilon = knn__real_or(g->zca_epsilon, 1e-6);
    return KNN_OK;
}

static bool zooms(const knn_generator_options *g)
{
    return g->zoom_lower != 1.0 || g->zoom_upper != 1.0;
}

static bool brightens(const knn_generator_options *g)
{
    return g->brightness_upper > 0.0;
}

bool knn__augments(const knn_generator_options *g)
{
    return g->rotation_range > 0.0 || g->width_shift_range > 0.0 || g->height_shift_range > 0.0 ||
           g->shear_range > 0.0 || zooms(g) || g->channel_shift_range > 0.0 || brightens(g) || g->horizontal_flip ||
           g->vertical_flip;
}

bool knn__can_augment(int height, int width, int channels)
{
    enum { MOST_FLOATS = 1 << 28, PADDING = 3 };
    return ((double)height + PADDING) * ((double)width + PADDING) * ((double)channels + PADDING) <= MOST_FLOATS;
}

/* ---- Drawing ---- */

/* Each kind of draw has a fixed place, used or not: turning one on never changes another. Never renumber. */
enum { ROTATION = 0, HEIGHT_SHIFT = 1, WIDTH_SHIFT = 2, SHEAR = 3, ZOOM_ROWS = 4, ZOOM_COLUMNS = 5, HORIZONTAL_FLIP = 6,
       VERTICAL_FLIP = 7, CHANNEL_SHIFT = 8, BRIGHTNESS = 9, DRAWS = 10 };

static double between(double lower, double upper, float u)
{
    return lower + (upper - lower) * (double)u;
}

/* Below 1 a shift is a share of the side, else pixels. */
static double shift(double range, int side, float u)
{
    return between(-range, range, u) * (range < 1.0 ? side : 1);
}

void knn__draw_transformation(const knn_generator_options *g, int height, int width, uint64_t seed, int epoch,
                              size_t index, knn__transformation *t)
{
    float u[DRAWS];
    knn__stream stream = {
        .seed = seed, .stream = KNN__STREAM_AUGMENTATION, .epoch = (uint32_t)epoch, .index = (uint32_t)index};
    knn__uniform_fill(&stream, 0, u, DRAWS);
    *t = (knn__transformation){
        .rotation = between(-g->rotation_range, g->rotation_range, u[ROTATION]),
        .shift_rows = shift(g->height_shift_range, height, u[HEIGHT_SHIFT]),
        .shift_columns = shift(g->width_shift_range, width, u[WIDTH_SHIFT]),
        .shear = between(-g->shear_range, g->shear_range, u[SHEAR]),
        .zoom_rows = between(g->zoom_lower, g->zoom_upper, u[ZOOM_ROWS]),
        .zoom_columns = between(g->zoom_lower, g->zoom_upper, u[ZOOM_COLUMNS]),
        .channel_shift = between(-g->channel_shift_range, g->channel_shift_range, u[CHANNEL_SHIFT]),
        .horizontal_flip = g->horizontal_flip && u[HORIZONTAL_FLIP] < 0.5f,
        .vertical_flip = g->vertical_flip && u[VERTICAL_FLIP] < 0.5f,
        .brighten = brightens(g),
        .brightness = between(g->brightness_lower, g->brightness_upper, u[BRIGHTNESS]),
        .fill_mode = g->fill_mode,
        .cval = g->cval,
    };
}

/* ---- Geometry: rotation * shift * shear * zoom, acting on (row, column) of the result, around the centre ---- */

static double radians(double degrees)
{
    return degrees * (3.14159265358979323846 / 180.0);
}

/* a = a * b, of 2x3 matrices whose third row is 0 0 1 */
static void multiply(knn__affine *a, const knn__affine *b)
{
    knn__affine p;
    for (int k = 0; k < 3; k++) {
        p.row[k] = a->row[0] * b->row[k] + a->row[1] * b->column[k];
        p.column[k] = a->column[0] * b->row[k] + a->column[1] * b->column[k];
    }
    p.row[2] += a->row[2];
    p.column[2] += a->column[2];
    *a = p;
}

static bool moves(const knn__transformation *t)
{
    return t->rotation != 0.0 || t->shift_rows != 0.0 || t->shift_columns != 0.0 || t->shear != 0.0 ||
           t->zoom_rows != 1.0 || t->zoom_columns != 1.0;
}

/* The result is mirrored, which is last in time and therefore acts on its coordinates first. */
static void mirror(double axis[3], bool rows, bool columns, int height, int width)
{
    if (rows) {
        axis[2] += axis[0] * (height - 1);
        axis[0] = -axis[0];
    }
    if (columns) {
        axis[2] += axis[1] * (width - 1);
        axis[1] = -axis[1];
    }
}

static knn__affine matrix_of(const knn__transformation *t, int height, int width)
{
    double angle = radians(t->rotation), shear = radians(t->shear);
    double centre_row = height / 2.0 - 0.5, centre_column = width / 2.0 - 0.5;
    knn__affine m = {{1.0, 0.0, centre_row}, {0.0, 1.0, centre_column}};
    multiply(&m, &(knn__affine){{cos(angle), -sin(angle), 0.0}, {sin(angle), cos(angle), 0.0}});
    multiply(&m, &(knn__affine){{1.0, 0.0, t->shift_rows}, {0.0, 1.0, t->shift_columns}});
    multiply(&m, &(knn__affine){{1.0, -sin(shear), 0.0}, {0.0, cos(shear), 0.0}});
    multiply(&m, &(knn__affine){{t->zoom_rows, 0.0, 0.0}, {0.0, t->zoom_columns, 0.0}});
    multiply(&m, &(knn__affine){{1.0, 0.0, -centre_row}, {0.0, 1.0, -centre_column}});
    mirror(m.row, t->vertical_flip, t->horizontal_flip, height, width);
    mirror(m.column, t->vertical_flip, t->horizontal_flip, height, width);
    return m;
}

knn__picture_change knn__change_of(const knn__transformation *t, int height, int width)
{
    return (knn__picture_change){
        .moves = moves(t),
        .from = matrix_of(t, height, width),
        .flips_rows = t->vertical_flip,
        .flips_columns = t->horizontal_flip,
        .fill_mode = t->fill_mode,
        .cval = (float)t->cval,
        .channel_shift = (float)t->channel_shift,
        .brightens = t->brighten,
        .brightness = (float)t->brightness,
        .least = 0.0f,
        .most = 255.0f,
    };
}

/* ---- Doing it ---- */

static void find_range(const float *x, size_t n, float *least, float *most)
{
    float low = x[0], high = x[0];
    for (size_t i = 1; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    *least = low;
    *most = high;
}

static void recolor(float *x, size_t n, knn__picture_change change)
{
    find_range(x, n, &change.least, &change.most);
    for (size_t i = 0; i < n; i++)
        x[i] = knn__recolored(&change, x[i]);
}

knn_status knn__change_picture(const knn__pixels *image, const knn__picture_change *change, float *x)
{
    knn_status status = KNN_OK;
    if (change->moves)
        status = knn__move_image(image, change, x);
    else
        knn__flip_image(image, change->flips_rows, change->flips_columns, x);
    if (status == KNN_OK && knn__recolors(change))
        recolor(x, (size_t)image->height * (size_t)image->width * (size_t)image->channels, *change);
    return status;
}

knn_status knn__transform(const knn__pixels *image, const knn__transformation *transformation, float *x)
{
    knn__picture_change change = knn__change_of(transformation, image->height, image->width);
    return knn__change_picture(image, &change, x);
}
