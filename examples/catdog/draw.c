/* draw: draws a data set of cats and dogs as JPEG files; the same seed gives the same files.
 * It does not imitate photographs: it stands in for them where there are none.
 *
 *     draw [--train N] [--validation N] [--test N] [--seed S] DIRECTORY
 *
 * writes N pictures, half of them cats, into DIRECTORY/train/cat, DIRECTORY/train/dog and so on.
 *
 * A classifier must not get by with anything but shape. Therefore a scene (sizes, places, colours, clutter, blur, noise)
 * is drawn by lot without knowing which animal it is for, and the two animals are made of the same parts: each part of
 * the cat has one of the dog with the same colour and about the same area, in another shape.
 */
#include "canvas.h"
#include "chance.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SHORTEST_SIDE = 180, LONGEST_SIDE = 360, MAX_CLUTTER = 9, MAX_PICTURES = 1000000 };

/* ---- the animals: x to the right, y down, (0, 0) is the middle of the head, which is about 2 units wide ---------- */

typedef enum material { BODY, CHEST, EAR, FLESH, HEAD, MARKING, MUZZLE, IRIS, PUPIL, NOSE, LINE, MATERIALS } material;

typedef struct part {
    material material;
    bool twice;             /* there is a second one, mirrored */
    float depth;            /* how far it moves aside when the head turns */
    shape shape;
} part;

enum { TORSO_PARTS = 2, MARKINGS = 4, BACK_PARTS = 3, FRONT_PARTS = 8 };

static const part torso[TORSO_PARTS] = {
    {BODY,    false, 0.00f, {ELLIPSE,  { 0.00f,  0.55f}, { 0.00f,  3.15f}, 1.00f}},
    {CHEST,   false, 0.00f, {ELLIPSE,  { 0.00f,  0.85f}, { 0.00f,  2.25f}, 0.45f}},
};

/* An animal shows some of these. */
static const part markings[MARKINGS] = {
    {MARKING, false, 0.10f, {ELLIPSE,  { 0.05f, -0.16f}, { 0.69f, -0.16f}, 0.30f}},
    {MARKING, false, 0.10f, {LENS,     { 0.00f, -0.75f}, { 0.00f,  0.45f}, 0.13f}},
    {MARKING, true,  0.05f, {STROKE,   { 0.20f, -0.72f}, { 0.17f, -0.46f}, 0.05f}},
    {MARKING, true,  0.05f, {STROKE,   { 0.40f, -0.62f}, { 0.33f, -0.42f}, 0.05f}},
};

static const part cat_back[BACK_PARTS] = {
    {EAR,     true,  0.00f, {LENS,     { 0.36f, -0.05f}, { 0.84f, -1.36f}, 0.40f}},
    {FLESH,   true,  0.00f, {LENS,     { 0.51f, -0.44f}, { 0.77f, -1.14f}, 0.16f}},     /* inside of the ear */
    {HEAD,    false, 0.00f, {ELLIPSE,  {-1.00f,  0.00f}, { 1.00f,  0.00f}, 0.86f}},
};

static const part cat_front[FRONT_PARTS] = {
    {MUZZLE,  true,  0.20f, {ELLIPSE,  {-0.08f,  0.43f}, { 0.52f,  0.43f}, 0.25f}},
    {IRIS,    true,  0.12f, {LENS,     { 0.14f, -0.04f}, { 0.68f, -0.22f}, 0.16f}},
    {PUPIL,   true,  0.12f, {ELLIPSE,  { 0.41f, -0.29f}, { 0.41f,  0.03f}, 0.05f}},
    {NOSE,    false, 0.22f, {TRIANGLE, {-0.20f,  0.15f}, { 0.20f,  0.15f}, 0.27f}},
    {LINE,    true,  0.20f, {STROKE,   { 0.00f,  0.52f}, { 0.22f,  0.46f}, 0.02f}},     /* mouth */
    {LINE,    true,  0.20f, {STROKE,   { 0.36f,  0.36f}, { 1.22f,  0.18f}, 0.014f}},    /* whiskers */
    {LINE,    true,  0.20f, {STROKE,   { 0.37f,  0.43f}, { 1.26f,  0.43f}, 0.014f}},
    {LINE,    true,  0.20f, {STROKE,   { 0.36f,  0.50f}, { 1.20f,  0.68f}, 0.014f}},
};

static const part dog_back[BACK_PARTS] = {
    {HEAD,    false, 0.00f, {ELLIPSE,  { 0.00f, -0.98f}, { 0.00f,  1.02f}, 0.86f}},
    {EAR,     true,  0.00f, {ELLIPSE,  { 0.72f, -0.68f}, { 1.06f,  0.76f}, 0.26f}},
    {FLESH,   true,  0.30f, {ELLIPSE,  { 0.02f,  0.60f}, { 0.02f,  1.32f}, 0.21f}},     /* tongue */
};

static const part dog_front[FRONT_PARTS] = {
    {MUZZLE,  true,  0.28f, {ELLIPSE,  { 0.05f,  0.08f}, { 0.05f,  0.88f}, 0.30f}},
    {IRIS,    true,  0.12f, {ELLIPSE,  { 0.16f, -0.20f}, { 0.56f, -0.20f}, 0.20f}},
    {PUPIL,   true,  0.12f, {ELLIPSE,  { 0.27f, -0.20f}, { 0.45f, -0.20f}, 0.09f}},
    {NOSE,    false, 0.36f, {ELLIPSE,  {-0.17f,  0.26f}, { 0.17f,  0.26f}, 0.10f}},
    {LINE,    true,  0.30f, {STROKE,   { 0.00f,  0.68f}, { 0.22f,  0.58f}, 0.02f}},     /* mouth */
    {LINE,    true,  0.00f, {STROKE,   { 0.80f, -0.20f}, { 0.87f,  0.60f}, 0.014f}},    /* hair of the ears */
    {LINE,    true,  0.00f, {STROKE,   { 0.90f, -0.20f}, { 0.98f,  0.66f}, 0.014f}},
    {LINE,    true,  0.00f, {STROKE,   { 0.98f, -0.10f}, { 1.08f,  0.60f}, 0.014f}},
};

/* ---- a scene: all that chance decides, whichever animal comes into it --------------------------------------------
 * One random number a statement or a declarator: the order within an expression would be the compiler's choice. */

/* Where the animals' units lie in the picture. */
typedef struct frame {
    point origin;           /* pixels */
    float scale, angle;     /* pixels a unit, radians */
    bool mirrored;
} frame;

typedef struct scene {
    int width, height;
    colour sky, ground;                     /* of the background */
    int clutter_count;
    shape clutter[MAX_CLUTTER];
    paint clutter_paint[MAX_CLUTTER];
    frame head, torso;
    float turn;                             /* -1 to 1: the head looks to one side or the other */
    float breadth;                          /* stretches the animal sideways */
    float outline;                          /* units */
    colour colours[MATERIALS];
    bool marked[MARKINGS];
    float texture, texture_cell, blur, noise;
    int quality;                            /* of the JPEG file, up to 100 */
    uint64_t grain;                         /* the random stream of texture and noise */
} scene;

static void scatter_clutter(scene *s, uint64_t *stream)
{
    s->clutter_count = whole_between(stream, 3, MAX_CLUTTER);
    for (int i = 0; i < MAX_CLUTTER; i++) {
        float half = between(stream, 0.06f, 0.30f) * (float)s->height, slim = between(stream, 0.2f, 0.9f);
        float angle = between(stream, 0, 6.283f), dx = half * cosf(angle), dy = half * sinf(angle);
        float x = between(stream, 0, (float)s->width), y = between(stream, 0, (float)s->height);
        shape_kind kind = (shape_kind)whole_between(stream, ELLIPSE, STROKE);
        paint *how = &s->clutter_paint[i];

        s->clutter[i] = (shape){kind, {x - dx, y - dy}, {x + dx, y + dy}, half * slim * (kind == STROKE ? 0.2f : 1.0f)};
        how->fill = any_colour(stream, 0.8f, 0.15f, 0.95f);
        how->softness = between(stream, 1, 4);
        how->shade = between(stream, 0, 0.2f);
    }
}

static void place_animal(scene *s, uint64_t *stream)
{
    float unit = between(stream, 0.19f, 0.28f) * (float)(s->width < s->height ? s->width : s->height);

    s->head.scale = unit;
    s->head.origin.x = between(stream, 1.3f * unit, (float)s->width - 1.3f * unit);
    s->head.origin.y = between(stream, 1.3f * unit, (float)s->height - 1.2f * unit);
    s->head.angle = between(stream, -0.5f, 0.5f);
    s->head.mirrored = whole_between(stream, 0, 1) == 1;
    s->torso = s->head;
    s->torso.angle *= 0.3f;
    s->turn = between(stream, -1, 1);
    s->breadth = between(stream, 0.88f, 1.12f);
    s->outline = between(stream, 0.02f, 0.05f);
}

/* One of the given colours, a little changed. */
static colour like_one_of(const colour *colours, int count, uint64_t *stream)
{
    colour chosen = colours[whole_between(stream, 0, count - 1)], other = any_colour(stream, 0.4f, 0.2f, 1);
    return mix(chosen, other, between(stream, 0, 0.25f));
}

static void choose_colours(scene *s, uint64_t *stream)
{
    static const colour pink = {0.85f, 0.55f, 0.55f}, black = {0.06f, 0.05f, 0.06f}, white = {0.96f, 0.95f, 0.92f};
    static const colour coats[] = {{0.93f, 0.91f, 0.87f}, {0.85f, 0.72f, 0.52f}, {0.82f, 0.52f, 0.25f},
                                   {0.48f, 0.31f, 0.19f}, {0.55f, 0.55f, 0.57f}, {0.22f, 0.20f, 0.20f}};
    static const colour irises[] = {{0.90f, 0.70f, 0.20f}, {0.60f, 0.80f, 0.30f},
                                    {0.45f, 0.70f, 0.90f}, {0.75f, 0.50f, 0.25f}};
    colour coat = like_one_of(coats, 6, stream), second = like_one_of(coats, 6, stream);

    s->sky = any_colour(stream, 0.7f, 0.2f, 0.95f);
    s->ground = any_colour(stream, 0.7f, 0.2f, 0.95f);
    s->colours[HEAD] = coat;
    s->colours[BODY] = scaled(coat, between(stream, 0.8f, 1));
    s->colours[CHEST] = mix(coat, second, between(stream, 0, 0.6f));
    s->colours[EAR] = mix(coat, second, between(stream, 0, 0.6f));
    s->colours[EAR] = scaled(s->colours[EAR], between(stream, 0.7f, 1));
    s->colours[FLESH] = mix(coat, pink, between(stream, 0.3f, 0.9f));
    s->colours[MARKING] = second;
    s->colours[MUZZLE] = mix(coat, white, between(stream, 0.2f, 0.8f));
    s->colours[IRIS] = like_one_of(irises, 4, stream);
    s->colours[PUPIL] = black;
    s->colours[NOSE] = mix(black, pink, between(stream, 0, 0.5f));
    s->colours[LINE] = mix(coat, coat.green > 0.45f ? black : white, between(stream, 0.6f, 0.95f));
    for (int i = 0; i < MARKINGS; i++)
        s->marked[i] = whole_between(stream, 0, 2) == 0;
}

static scene imagine(uint64_t *stream)
{
    scene s = {0};
    int longer = whole_between(stream, SHORTEST_SIDE * 4 / 3, LONGEST_SIDE);
    int shorter = (int)((float)longer * between(stream, 0.75f, 1));
    bool upright = whole_between(stream, 0, 2) == 0;

    s.width = upright ? shorter : longer;
    s.height = upright ? longer : shorter;
    scatter_clutter(&s, stream);
    place_animal(&s, stream);
    choose_colours(&s, stream);
    s.texture = between(stream, 0.03f, 0.12f);
    s.texture_cell = between(stream, 2, 8);
    s.blur = between(stream, 0, 0.33f);
    s.noise = between(stream, 0.005f, 0.035f);
    s.quality = whole_between(stream, 70, 95);
    s.grain = next_number(stream);
    return s;
}

/* ---- from the scene to a picture --------------------------------------------------------------------------------- */

static void draw_background(canvas *picture, const scene *s)
{
    for (int row = 0; row < picture->height; row++)
        for (int column = 0; column < picture->width; column++)
            picture->pixels[row * picture->width + column] = mix(s->sky, s->ground, (float)row / (float)picture->height);
    for (int i = 0; i < s->clutter_count; i++)
        draw_shape(picture, &s->clutter[i], &s->clutter_paint[i]);
}

static point placed_point(const frame *f, point p)
{
    float x = f->scale * (f->mirrored ? -p.x : p.x), y = f->scale * p.y, c = cosf(f->angle), d = sinf(f->angle);
    return (point){f->origin.x + c * x - d * y, f->origin.y + d * x + c * y};
}

/* In a mirror right is left, hence the exchanged ends. */
static shape placed(const frame *f, const shape *s, float breadth)
{
    point a = {s->a.x * breadth, s->a.y}, b = {s->b.x * breadth, s->b.y}, across = beside(s->a, s->b);
    point first = placed_point(f, a), last = placed_point(f, b);

    return (shape){s->kind, f->mirrored ? last : first, f->mirrored ? first : last,
                   s->size * f->scale * hypotf(across.x * breadth, across.y)};
}

static void draw_part(canvas *picture, const scene *s, const frame *f, const part *p)
{
    bool furry = p->material == BODY || p->material == EAR || p->material == HEAD;
    float edge_width = furry ? 1 : p->material == MUZZLE || p->material == IRIS ? 0.5f : 0;
    paint inside = {.fill = s->colours[p->material], .softness = 1.2f, .shade = furry ? 0.18f : 0};
    paint edge = {.fill = scaled(inside.fill, 0.45f), .softness = 1.2f, .grow = edge_width * s->outline * f->scale};
    float aside = p->depth * s->turn * f->scale;

    for (int side = 0; side < (p->twice ? 2 : 1); side++) {
        frame moved = *f;
        moved.origin.x += aside * cosf(f->angle);
        moved.origin.y += aside * sinf(f->angle);
        moved.mirrored = f->mirrored != (side == 1);

        shape here = placed(&moved, &p->shape, s->breadth);
        if (edge.grow > 0)
            draw_shape(picture, &here, &edge);
        draw_shape(picture, &here, &inside);
    }
}

static void draw_animal(canvas *picture, const scene *s, bool dog)
{
    const part *back = dog ? dog_back : cat_back, *front = dog ? dog_front : cat_front;

    for (int i = 0; i < TORSO_PARTS; i++)
        draw_part(picture, s, &s->torso, &torso[i]);
    for (int i = 0; i < BACK_PARTS; i++)
        draw_part(picture, s, &s->head, &back[i]);
    for (int i = 0; i < MARKINGS; i++)
        if (s->marked[i])
            draw_part(picture, s, &s->head, &markings[i]);
    for (int i = 0; i < FRONT_PARTS; i++)
        draw_part(picture, s, &s->head, &front[i]);
}

static bool draw_picture(const char *path, bool dog, uint64_t stream)
{
    static colour pixels[LONGEST_SIDE * LONGEST_SIDE];
    scene s = imagine(&stream);
    canvas picture = {s.width, s.height, pixels};

    draw_background(&picture, &s);
    draw_animal(&picture, &s, dog);
    add_texture(&picture, s.texture, s.texture_cell, s.grain);
    blur(&picture, s.blur);
    return save_jpeg(&picture, path, s.quality, s.noise, s.grain);
}

/* ---- folders and options ----------------------------------------------------------------------------------------- */

static bool make_directory(const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return true;
    fprintf(stderr, "draw: cannot make the directory %s: %s\n", path, strerror(errno));
    return false;
}

/* Cats and dogs take turns, each picture with a stream of its own. */
static bool draw_folder(const char *root, const char *name, int pictures, uint64_t stream)
{
    static const char *const classes[] = {"cat", "dog"};
    char path[4096];

    if (strlen(root) > sizeof path - 64) {
        fprintf(stderr, "draw: the directory's name is too long\n");
        return false;
    }
    snprintf(path, sizeof path, "%s/%s", root, name);
    if (!make_directory(root) || !make_directory(path))
        return false;
    for (int dog = 0; dog < 2; dog++) {
        snprintf(path, sizeof path, "%s/%s/%s", root, name, classes[dog]);
        if (!make_directory(path))
            return false;
    }
    for (int i = 0; i < pictures; i++) {
        snprintf(path, sizeof path, "%s/%s/%s/%04d.jpg", root, name, classes[i % 2], i / 2);
        if (!draw_picture(path, i % 2 == 1, next_number(&stream)))
            return false;
    }
    return true;
}

static bool read_number(const char *text, uint64_t highest, uint64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *value <= highest;
}

int main(int argc, char **argv)
{
    enum { TRAIN, VALIDATION, TEST, SEED };
    static const struct option options[] = {
        {"train", required_argument, NULL, TRAIN}, {"validation", required_argument, NULL, VALIDATION},
        {"test", required_argument, NULL, TEST}, {"seed", required_argument, NULL, SEED},
        {"help", no_argument, NULL, 'h'}, {0}};
    uint64_t values[] = {[TRAIN] = 640, [VALIDATION] = 160, [TEST] = 160, [SEED] = 1};
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) >= TRAIN && option <= SEED)
        if (!read_number(optarg, option == SEED ? UINT64_MAX : MAX_PICTURES, &values[option])) {
            fprintf(stderr, "draw: --%s does not take %s\n", options[option].name, optarg);
            return 2;
        }
    if (option != -1 || optind != argc - 1) {
        fprintf(option == 'h' ? stdout : stderr,
                "usage: draw [--train N] [--validation N] [--test N] [--seed S] DIRECTORY\n");
        return option == 'h' ? EXIT_SUCCESS : 2;
    }
    for (int i = TRAIN; i <= TEST; i++) {
        uint64_t stream = 3 * values[SEED] + (uint64_t)i;
        if (!draw_folder(argv[optind], options[i].name, (int)values[i], next_number(&stream)))
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
