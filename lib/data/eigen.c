/* Eigenvalues and eigenvectors: Householder's reduction to a tridiagonal matrix, then QL with implicit shifts (Golub and Van Loan, Matrix
 * Computations, 8.3). The eigenvectors are rows, so that every loop runs along memory. */
#include "data/eigen.h"

#include "core/parallel.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { COLUMNS = 256, MOST_SWEEPS = 64 };   /* columns that are turned at a time; sweeps an eigenvalue */

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static void add(double factor, const double *x, double *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += factor * x[i];
}

/* ---- To a tridiagonal matrix ---- */

/* x becomes the v of length 1 (or 0) for which (1 - 2 v v') x = (beta, 0, 0, ..). */
static double reflector(double *x, size_t n)
{
    double norm = sqrt(dot(x, x, n)), beta = x[0] > 0 ? -norm : norm;
    x[0] -= beta;
    double length = sqrt(dot(x, x, n));
    for (size_t i = 0; i < n && length > 0; i++)
        x[i] /= length;
    return beta;
}

/* b[m][m], rows `stride` apart, becomes (1 - 2 v v') b (1 - 2 v v'); w: m numbers. */
static void reflect_both_sides(double *b, size_t stride, size_t m, const double *v, double *w)
{
    for (size_t i = 0; i < m; i++)
        w[i] = 2 * dot(b + i * stride, v, m);
    add(-dot(w, v, m), v, w, m);
    for (size_t i = 0; i < m; i++) {
        add(-v[i], w, b + i * stride, m);
        add(-w[i], v, b + i * stride, m);
    }
}

/* The diagonal, what is beside it, and in row k of a behind the diagonal the k-th reflector. */
static void reduce(size_t n, double *a, double *diagonal, double *beside, double *w)
{
    for (size_t k = 0; k < n; k++) {
        double *row = a + k * n;
        diagonal[k] = row[k];
        beside[k] = 0;
        if (k + 1 == n)
            break;
        beside[k] = reflector(row + k + 1, n - k - 1);
        reflect_both_sides(a + (k + 1) * (n + 1), n, n - k - 1, row + k + 1, w);
    }
}

/* a becomes the product of the reflectors, the last one first; built from the last row up, where their places are free again. */
static void multiply_reflectors(size_t n, double *a)
{
    for (size_t k = n; k-- > 0;) {
        const double *v = a + k * n + k + 1;
        for (size_t i = k + 1; i < n; i++) {
            double *row = a + i * n + k + 1;
            add(-2 * dot(row, v, n - k - 1), v, row, n - k - 1);
        }
        memset(a + k * n, 0, n * sizeof *a);
        a[k * n + k] = 1;
        for (size_t i = k + 1; i < n; i++)
            a[i * n + k] = 0;
    }
}

/* ---- To a diagonal one ---- */

/* The rotations of one sweep, of rows i and i + 1, from the last to the first. */
typedef struct sweep { double *a, *cosine, *sine; size_t n, first, last; int slices; } sweep;

static void turn_columns(int slice, void *context)
{
    const sweep *s = context;
    long begin, end;
    knn__share((long)s->n, slice, s->slices, &begin, &end);
    for (size_t i = s->last; i-- > s->first;) {
        double *upper = s->a + i * s->n, *lower = upper + s->n, c = s->cosine[i], sn = s->sine[i];
        for (long j = begin; j < end; j++) {
            double x = upper[j], y = lower[j];
            upper[j] = c * x - sn * y;
            lower[j] = sn * x + c * y;
        }
    }
}

/* One sweep over [first, last] with Wilkinson's shift; rotations go to s. */
static void turn(double *diagonal, double *beside, sweep *s)
{
    size_t first = s->first, last = s->last;
    double ratio = (diagonal[first + 1] - diagonal[first]) / (2 * beside[first]);
    double g = diagonal[last] - diagonal[first] + beside[first] / (ratio + copysign(hypot(ratio, 1), ratio)), sine = 1, cosine = 1, moved = 0;
    for (size_t i = last; i-- > first;) {
        double f = sine * beside[i], b = cosine * beside[i], r = hypot(f, g);
        beside[i + 1] = r;
        sine = r > 0 ? f / r : 0;
        cosine = r > 0 ? g / r : 1;
        g = diagonal[i + 1] - moved;
        r = (diagonal[i] - g) * sine + 2 * cosine * b;
        moved = sine * r;
        diagonal[i + 1] = g + moved;
        g = cosine * r - b;
        s->sine[i] = sine;
        s->cosine[i] = cosine;
    }
    diagonal[first] -= moved;
    beside[first] = g;
    beside[last] = 0;
}

/* Where the block that begins at `first` ends: the next number beside the diagonal is nothing beside the numbers on it. */
static size_t end_of_block(const double *diagonal, const double *beside, size_t first, size_t n)
{
    size_t last = first;
    while (last + 1 < n && fabs(beside[last]) > DBL_EPSILON * (fabs(diagonal[last]) + fabs(diagonal[last + 1])))
        last++;
    return last;
}

bool knn__eigen(size_t n, double *a, double *values, double *scratch, int threads)
{
    double *beside = scratch;
    sweep s = {.a = a, .cosine = scratch + n, .sine = scratch + 2 * n, .n = n, .slices = (int)((n + COLUMNS - 1) / COLUMNS)};

    reduce(n, a, values, beside, scratch + n);
    multiply_reflectors(n, a);
    for (s.first = 0; s.first < n; s.first++)
        for (int sweeps = 0; (s.last = end_of_block(values, beside, s.first, n)) > s.first; sweeps++) {
            if (sweeps == MOST_SWEEPS)
                return false;
            turn(values, beside, &s);
            knn__parallel(s.slices, threads, turn_columns, &s);
        }
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}
