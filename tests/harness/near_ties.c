/* Finds near ties by running the beginnings of a chain in double. Runs nothing in float. */
#include "near_ties.h"

#include "chain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct search {
    const chain *of;
    int images;
    uint64_t seed;
    double margin;
    const double *x, *weights;
    double *dy;
    bool inner;                             /* a tie was met that dy cannot avoid */
} search;

/* The output of the first `count` nodes, to be freed. */
static double *values_behind(const search *s, int count)
{
    const knn_extent extent = count > 0 ? s->of->nodes[count - 1].out : s->of->nodes[0].in;
    double *y = calloc((size_t)s->images * knn__extent_length(extent), sizeof *y);
    chain_call call = {.nodes = s->of->nodes, .count = count, .images = s->images, .threads = 1, .training = true, .seed = s->seed,
        .weights_length = s->of->weights_length, .x = s->x, .weights = s->weights, .y = y};
    const char *error = y != NULL ? oracle_run(&call) : "no memory";
    if (error != NULL) {
        fprintf(stderr, "near ties: %s\n", error);
        exit(EXIT_FAILURE);
    }
    return y;
}

static bool is_maximum(const knn_node *n) { return n->op == KNN_OP_MAX_POOLING2D || n->op == KNN_OP_GLOBAL_MAX_POOLING2D; }
static bool is_relu(const knn_node *n) { return n->op == KNN_OP_ACTIVATION && n->activation == KNN_RELU; }

static bool is_rectifier(const knn_node *n) { return n->op == KNN_OP_RECTIFIER || n->op == KNN_OP_SCALED_ELU || n->op == KNN_OP_PRELU; }

/* Whether element i of node k's output only leads to element i of the chain's output. */
static bool leads_straight_out(const chain *of, int k)
{
    for (k++; k < of->count; k++) {
        const knn_node *n = &of->nodes[k];
        bool elementwise = n->op == KNN_OP_DROPOUT || n->op == KNN_OP_RESCALING || n->op == KNN_OP_FLATTEN
            || n->op == KNN_OP_ACTIVATION || is_rectifier(n);
        if (!elementwise || knn__is_over_rows(n))
            return false;
    }
    return true;
}

static void met(search *s, int k, size_t element)
{
    if (leads_straight_out(s->of, k))
        s->dy[element] = 0;
    else
        s->inner = true;
}

/* ---- Kinks of activations ---- */

static bool near(const search *s, double x, double kink) { return fabs(x - kink) < s->margin; }

static bool near_kink(const search *s, const knn_node *n, double x)
{
    if (is_rectifier(n))
        return near(s, x, n->threshold) || near(s, x, n->max_value);
    switch (n->activation) {
    case KNN_RELU:
    case KNN_LEAKY_RELU:
    case KNN_SELU:         return near(s, x, 0);
    case KNN_RELU6:        return near(s, x, 0) || near(s, x, 6);
    case KNN_HARD_SILU:
    case KNN_HARD_SIGMOID: return near(s, fabs(x), 3);
    case KNN_HARD_TANH:
    case KNN_SPARSE_SIGMOID: return near(s, fabs(x), 1);
    case KNN_HARD_SHRINK:
    case KNN_SOFT_SHRINK:  return near(s, fabs(x), 0.5);
    default:               return false;
    }
}

static void search_activation(search *s, int k)
{
    const knn_node *n = &s->of->nodes[k];
    if (is_relu(n) && k + 1 < s->of->count && is_maximum(n + 1))
        return;                                         /* only the winners matter: search_maximum looks at them */
    double *x = values_behind(s, k);
    for (size_t i = 0; i < (size_t)s->images * knn__extent_length(n->in); i++)
        if (near_kink(s, n, x[i]))
            met(s, k, i);
    free(x);
}

/* ---- Sparsemax: the order within its support, and what lies at the support's or the threshold's edge ---- */

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Sorts the row. */
static bool has_edge(const search *s, double *x, int length)
{
    double sum = 0, partial_sums = 0, edge = 0, threshold = 0;
    int support = 0;
    qsort(x, (size_t)length, sizeof *x, descending);
    for (int i = 0; i < length && x[i] - (sum + x[i] - 1) / (i + 1) > 0; i++) {
        sum += x[i];
        partial_sums += sum;
        support = i + 1;
        edge = (sum - 1) / support;
        threshold = (partial_sums - 1) / support;
    }
    for (int i = 0; i < length; i++)
        if (near(s, x[i], edge) || near(s, x[i], threshold) || (i > 0 && i < support && near(s, x[i], x[i - 1])))
            return length > 1;
    return false;
}

static void search_sparsemax(search *s, int k)
{
    const knn_node *n = &s->of->nodes[k];
    double *x = values_behind(s, k);
    for (size_t row = 0; row < (size_t)s->images * knn__extent_length(n->in); row += (size_t)n->length)
        s->inner |= has_edge(s, x + row, n->length);
    free(x);
}

/* ---- Candidates of windows ---- */

/* The two best numbers of the window of an output position; -infinity where there is none. */
typedef struct best { double first, second; } best;

static best best_of(const knn_node *n, const double *image, int row, int column, int channel)
{
    bool global = n->op == KNN_OP_GLOBAL_MAX_POOLING2D;
    int height = global ? n->in.height : n->kernel_height, width = global ? n->in.width : n->kernel_width;
    best b = {-INFINITY, -INFINITY};
    for (int i = 0; i < height; i++)
        for (int j = 0; j < width; j++) {
            int y = row * n->stride_height - n->pad_top + i, x = column * n->stride_width - n->pad_left + j;
            if (y < 0 || y >= n->in.height || x < 0 || x >= n->in.width)
                continue;
            double value = image[((long)y * n->in.width + x) * n->in.channels + channel];
            b = value > b.first ? (best){value, b.first} : (best){b.first, fmax(b.second, value)};
        }
    return b;
}

static bool is_tie(const search *s, best b, bool rectified)
{
    if (!rectified)
        return b.first - b.second < s->margin;
    return b.first > -s->margin && (b.first < s->margin || b.first - b.second < s->margin);      /* below: no gradient either way */
}

static void search_maximum(search *s, int k)
{
    const knn_node *n = &s->of->nodes[k];
    bool rectified = k > 0 && is_relu(n - 1);
    double *x = values_behind(s, rectified ? k - 1 : k);
    size_t element = 0;
    for (int image = 0; image < s->images; image++)
        for (int row = 0; row < n->out.height; row++)
            for (int column = 0; column < n->out.width; column++)
                for (int c = 0; c < n->out.channels; c++, element++)
                    if (is_tie(s, best_of(n, x + (size_t)image * knn__extent_length(n->in), row, column, c), rectified))
                        met(s, k, element);
    free(x);
}

bool avoid_near_ties(const chain *of, int images, uint64_t seed, double margin, const double *x, const double *weights, double *dy)
{
    search s = {of, images, seed, margin, x, weights, dy, false};
    for (int k = 0; k < of->count && !s.inner; k++) {
        if (of->nodes[k].op == KNN_OP_ACTIVATION && of->nodes[k].activation == KNN_SPARSEMAX)
            search_sparsemax(&s, k);
        else if (of->nodes[k].op == KNN_OP_ACTIVATION || is_rectifier(&of->nodes[k]))
            search_activation(&s, k);
        else if (is_maximum(&of->nodes[k]))
            search_maximum(&s, k);
    }
    return !s.inner;
}
