/* Tensor cores. A product is exact; sums are rounded to fp32 after each addition: a GPU's own may differ in the last digits. */
#include "tensor_cores.h"
#include "block.h"
#include "inside.h"

#include <cstdint>
#include <cstring>

namespace emulator {

enum { DROPPED = 13, FIRST_CAPABILITY = 80 };              /* bits */
static const uint32_t SIGN = 0x80000000u, INFINITE = 0x7f800000u, KEPT = ~0u << DROPPED;

static uint32_t bits_of(float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static float number_of(uint32_t bits)
{
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

float rounded_to_tf32(float number)
{
    uint32_t bits = bits_of(number);
    bool is_nan = (bits & ~SIGN) > INFINITE;
    return number_of(is_nan ? ~SIGN : (bits + (1u << (DROPPED - 1))) & KEPT);
}

/* What is taken of an operand: bits that nobody has rounded away count for nothing. */
static float operand(float number) { return number_of(bits_of(number) & KEPT); }

struct matrices { float left[16][8], right[8][8], sums[16][8]; };

/* Where the i-th number of a lane is. Lane 4 g + t has: of left, rows g and g + 8 at depth t, then at depth t + 4; of right, column g at depths t
 * and t + 4; of the sums, columns 2 t and 2 t + 1 of row g, then of row g + 8. */
static float &left_of(matrices &m, int lane, int i) { return m.left[lane / 4 + i % 2 * 8][lane % 4 + i / 2 * 4]; }
static float &right_of(matrices &m, int lane, int i) { return m.right[lane % 4 + i * 4][lane / 4]; }
static float &sum_of(matrices &m, int lane, int i) { return m.sums[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2]; }

static matrices gather(void *const *brought)
{
    matrices m;
    for (int lane = 0; lane < WARP; lane++) {
        const tensor_lane &l = *(const tensor_lane *)brought[lane];
        for (int i = 0; i < 4; i++) {
            left_of(m, lane, i) = operand(l.left[i]);
            sum_of(m, lane, i) = l.sums[i];
        }
        for (int i = 0; i < 2; i++)
            right_of(m, lane, i) = operand(l.right[i]);
    }
    return m;
}

static void multiply(void *const *brought)
{
    matrices m = gather(brought);
    for (int row = 0; row < 16; row++)
        for (int k = 0; k < 8; k++)
            for (int column = 0; column < 8; column++)
                m.sums[row][column] += m.left[row][k] * m.right[k][column];
    for (int lane = 0; lane < WARP; lane++)
        for (int i = 0; i < 4; i++)
            ((tensor_lane *)brought[lane])->sums[i] = sum_of(m, lane, i);
}

void add_products_in_tf32(const char *file, int line, tensor_lane &mine)
{
    if (capability < FIRST_CAPABILITY)
        complain("%s:%d: tensor cores on a GPU of compute capability %d", file, line, capability);
    meet(file, line, &mine, multiply);
}

}
