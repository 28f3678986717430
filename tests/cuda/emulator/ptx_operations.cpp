/* What each instruction of PTX does, by its whole name with all modifiers, so that one that is not known is not taken for another. After
 * NVIDIA's "Parallel Thread Execution ISA". Approximations are exact here: a GPU's may differ in the last digits. */
#include "inside.h"
#include "launch.h"
#include "ptx.h"
#include "tensor_cores.h"

#include <cfenv>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <unordered_map>

namespace emulator {
namespace ptx {

/* ---- Values: the low bytes of 64 bits ---- */

unsigned special_value(int which)
{
    const unsigned values[] = {thread_index.x, thread_index.y, thread_index.z, block_size.x, block_size.y, block_size.z,
        block_index.x, block_index.y, block_index.z, grid_size.x, grid_size.y, grid_size.z};
    return values[which];
}

int find_special(const std::string &name)
{
    static const char *const names[] = {"%tid.x", "%tid.y", "%tid.z", "%ntid.x", "%ntid.y", "%ntid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z",
        "%nctaid.x", "%nctaid.y", "%nctaid.z"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (name == names[i])
            return (int)i;
    return -1;
}

template <typename T> static T get(const machine &m, const operand &o)
{
    T value;
    memcpy(&value, &m.registers[o.index], sizeof value);
    return value;
}

template <typename T> static void set(machine &m, const operand &o, T value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    m.registers[o.index] = bits;
}

/* A predicate is the lowest bit. */
template <> bool get(const machine &m, const operand &o) { return (m.registers[o.index] & 1) != 0; }

/* ---- Memory ---- */

static unsigned char *place_of(const machine &m, const operand &o)
{
    if (o.kind == operand::PARAMETER)
        return m.parameters + o.offset;
    if (o.kind == operand::ARGUMENT)
        return m.arguments + o.offset;
    return (unsigned char *)(uintptr_t)(m.registers[o.index] + (uint64_t)(int64_t)o.offset);
}

/* Where so many bytes may be touched; NULL: there they may not, which was complained about. */
typedef unsigned char *space(const machine &m, const instruction &i, const operand &o, size_t bytes, bool writes);

static unsigned char *checked(const machine &m, const instruction &i, unsigned char *place, size_t bytes, bool writes)
{
    if (counting)
        count_request(*m.of, i, place, bytes, !is_an_address_of_the_device(place));
    if ((uintptr_t)place % bytes != 0) {
        complain("%s: %p is not aligned to %zu bytes", place_in_source(*m.of, i).c_str(), (const void *)place, bytes);
        return nullptr;
    }
    return !checking || check_access(place, bytes, writes, [&] { return place_in_source(*m.of, i); }) ? place : nullptr;
}

/* Through a pointer that was hidden in a struct, too. */
static unsigned char *in_global(const machine &m, const instruction &i, const operand &o, size_t bytes, bool writes)
{
    unsigned char *place = place_of(m, o);
    if (is_an_address_of_the_device(place))
        return checked(m, i, place, bytes, writes);
    complain("%s: a kernel touches %p, which is not in the device's memory", place_in_source(*m.of, i).c_str(), (const void *)place);
    return nullptr;
}

static bool is_of_one_array(const function &f, size_t at, size_t bytes)
{
    for (const parameter &array : f.shared)
        if (at >= array.offset && at + bytes <= array.offset + array.bytes)
            return true;
    return false;
}

static unsigned char *in_shared(const machine &m, const instruction &i, const operand &o, size_t bytes, bool writes)
{
    size_t at = (uint32_t)(uintptr_t)place_of(m, o);
    if (is_of_one_array(*m.of, at, bytes))
        return checked(m, i, shared_memory() + at, bytes, writes);
    complain("%s: a kernel touches byte %zu of the %zu that its block shares, which is of no array", place_in_source(*m.of, i).c_str(), at,
             shared_bytes());
    return nullptr;
}

template <typename T> static void load(machine &m, const operand &to, const unsigned char *from)
{
    T value;
    memcpy(&value, from, sizeof value);
    set(m, to, value);
}

template <typename T> static void store(const machine &m, const operand &from, unsigned char *to)
{
    T value = get<T>(m, from);
    memcpy(to, &value, sizeof value);
}

static const operand &part_of(const machine &m, const operand &vector, size_t k) { return m.of->parts[(size_t)vector.index + k]; }

template <typename T> static void load_all(machine &m, const operand &to, const unsigned char *from)
{
    for (size_t k = 0; k < to.count; k++)
        load<T>(m, part_of(m, to, k), from + k * sizeof(T));
}

template <typename T, space S> static void load_from(machine &m, const instruction &i)
{
    const unsigned char *from = S(m, i, i.operands[1], sizeof(T), false);
    if (from != nullptr)
        load<T>(m, i.operands[0], from);
}

template <typename T, space S> static void load_vector(machine &m, const instruction &i)
{
    const unsigned char *from = S(m, i, i.operands[1], i.operands[0].count * sizeof(T), false);
    if (from != nullptr)
        load_all<T>(m, i.operands[0], from);
}

template <typename T, space S> static void store_to(machine &m, const instruction &i)
{
    unsigned char *to = S(m, i, i.operands[0], sizeof(T), true);
    if (to != nullptr)
        store<T>(m, i.operands[1], to);
}

template <typename T, space S> static void store_vector(machine &m, const instruction &i)
{
    const operand &from = i.operands[1];
    unsigned char *to = S(m, i, i.operands[0], from.count * sizeof(T), true);
    for (size_t k = 0; to != nullptr && k < from.count; k++)
        store<T>(m, part_of(m, from, k), to + k * sizeof(T));
}

template <typename T> static void load_parameter(machine &m, const instruction &i) { load<T>(m, i.operands[0], place_of(m, i.operands[1])); }
/* Into a register that may be wider. */
static void load_signed_parameter(machine &m, const instruction &i)
{
    int32_t value;
    memcpy(&value, place_of(m, i.operands[1]), sizeof value);
    set(m, i.operands[0], (int64_t)value);
}

template <typename T> static void load_parameters(machine &m, const instruction &i) { load_all<T>(m, i.operands[0], place_of(m, i.operands[1])); }
template <typename T> static void store_parameter(machine &m, const instruction &i) { store<T>(m, i.operands[1], place_of(m, i.operands[0])); }

/* ---- Barriers and warps ---- */

static const char *source_of(const machine &m, const instruction &i)
{
    auto found = m.of->sources->find(i.source);
    return found != m.of->sources->end() ? found->second.c_str() : m.of->name.c_str();
}

static void wait_for_block(machine &m, const instruction &i) { barrier(source_of(m, i), i.source_line); }

/* mma.m16n8k8: d = a b + c; tensor_cores.cpp knows which numbers a lane has. */
static void multiply_in_tf32(machine &m, const instruction &i)
{
    tensor_lane mine;
    for (size_t k = 0; k < 4; k++) {
        mine.left[k] = get<float>(m, part_of(m, i.operands[1], k));
        mine.sums[k] = get<float>(m, part_of(m, i.operands[3], k));
    }
    for (size_t k = 0; k < 2; k++)
        mine.right[k] = get<float>(m, part_of(m, i.operands[2], k));
    add_products_in_tf32(source_of(m, i), i.source_line, mine);
    for (size_t k = 0; k < 4; k++)
        set(m, part_of(m, i.operands[0], k), mine.sums[k]);
}

/* ---- Moving and choosing ---- */

template <typename T> static void move(machine &m, const instruction &i) { set(m, i.operands[0], get<T>(m, i.operands[1])); }

/* Between 64 bits and two registers of 32; the place of a parameter. */
static void move_64(machine &m, const instruction &i)
{
    const operand &to = i.operands[0], &from = i.operands[1];
    if (to.kind == operand::VECTOR) {
        uint64_t value = get<uint64_t>(m, from);
        set(m, part_of(m, to, 0), (uint32_t)value);
        set(m, part_of(m, to, 1), (uint32_t)(value >> 32));
    } else if (from.kind == operand::PARAMETER)                 /* where it is, for ld.param */
        set(m, to, (uint64_t)(uintptr_t)place_of(m, from));
    else if (from.kind == operand::VECTOR)
        set(m, to, (uint64_t)get<uint32_t>(m, part_of(m, from, 0)) | (uint64_t)get<uint32_t>(m, part_of(m, from, 1)) << 32);
    else
        move<uint64_t>(m, i);
}

template <typename T> static void choose(machine &m, const instruction &i)
{
    set(m, i.operands[0], get<T>(m, i.operands[get<bool>(m, i.operands[3]) ? 1 : 2]));
}

template <typename From, typename To> static void convert(machine &m, const instruction &i) { set(m, i.operands[0], (To)get<From>(m, i.operands[1])); }

/* To the nearest whole number below; what does not fit becomes the last that does, NaN 0. */
template <typename From> static void convert_to_s32(machine &m, const instruction &i)
{
    double x = std::trunc((double)get<From>(m, i.operands[1]));
    set(m, i.operands[0], (int32_t)(std::isnan(x) ? 0 : x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : x));
}

/* ---- Arithmetic: functions of one, two and three numbers ---- */

template <typename T, T F(T)> static void one(machine &m, const instruction &i) { set(m, i.operands[0], F(get<T>(m, i.operands[1]))); }

template <typename T, T F(T, T)> static void two(machine &m, const instruction &i)
{
    set(m, i.operands[0], F(get<T>(m, i.operands[1]), get<T>(m, i.operands[2])));
}

template <typename T, T F(T, T, T)> static void three(machine &m, const instruction &i)
{
    set(m, i.operands[0], F(get<T>(m, i.operands[1]), get<T>(m, i.operands[2]), get<T>(m, i.operands[3])));
}

template <typename T> static T sum(T a, T b) { return a + b; }
template <typename T> static T difference(T a, T b) { return a - b; }
template <typename T> static T product(T a, T b) { return a * b; }
template <typename T> static T quotient(T a, T b) { return a / b; }
template <typename T> static T both(T a, T b) { return a & b; }
template <typename T> static T either(T a, T b) { return a | b; }
template <typename T> static T differing(T a, T b) { return a ^ b; }
template <typename T> static T inverse(T a) { return ~a; }
template <typename T> static T negative(T a) { return -a; }
template <typename T> static T reciprocal(T a) { return 1 / a; }
template <typename T> static T least(T a, T b) { return a < b ? a : b; }
template <typename T> static T most(T a, T b) { return a > b ? a : b; }
template <typename T> static T sum_of_product(T a, T b, T c) { return a * b + c; }
static bool negated(bool a) { return !a; }

template <typename T> static T whole_quotient(T a, T b)
{
    if (b == 0)
        complain("a kernel divides by 0");
    return b != 0 ? a / b : (T)-1;
}

static uint32_t unsigned_remainder(uint32_t a, uint32_t b)
{
    if (b == 0)
        complain("a kernel divides by 0");
    return b != 0 ? a % b : a;
}

/* All of them but fma.rm and add.rz round to nearest. */
template <typename F> static float rounding(int direction, F compute)
{
    int before = fegetround();
    fesetround(direction);
    volatile float result = compute();
    fesetround(before);
    return result;
}

static float sum_toward_zero(float a, float b)
{
    volatile float x = a, y = b;
    return rounding(FE_TOWARDZERO, [&] { return x + y; });
}

static float fma_downward(float a, float b, float c)
{
    volatile float x = a, y = b, z = c;
    return rounding(FE_DOWNWARD, [&] { return fmaf(x, y, z); });
}

static float with_sign_of(float sign, float value) { return copysignf(value, sign); }
static double with_sign_of_64(double sign, double value) { return copysign(value, sign); }
static float saturated(float a) { return a > 0 ? (a < 1 ? a : 1) : 0; }           /* NaN becomes 0 */
static float to_whole(float a) { return nearbyintf(a); }
static double cut_off(double a) { return std::trunc(a); }

/* The upper half of the result only: what a division begins with. */
static double rough_reciprocal(double a)
{
    double exact = 1 / a;
    uint64_t bits;
    memcpy(&bits, &exact, sizeof bits);
    bits &= 0xffffffff00000000u;
    memcpy(&exact, &bits, sizeof bits);
    return exact;
}

template <typename From, typename To> static void wide_product(machine &m, const instruction &i)
{
    set(m, i.operands[0], (To)get<From>(m, i.operands[1]) * (To)get<From>(m, i.operands[2]));
}

/* By more than all bits: nothing is left, or the sign. */
template <typename T> static void shift_left(machine &m, const instruction &i)
{
    uint32_t by = get<uint32_t>(m, i.operands[2]);
    set(m, i.operands[0], (T)(by < 8 * sizeof(T) ? get<T>(m, i.operands[1]) << by : 0));
}

template <typename T> static void shift_right(machine &m, const instruction &i)
{
    uint32_t by = get<uint32_t>(m, i.operands[2]), last = 8 * sizeof(T) - 1;
    T value = get<T>(m, i.operands[1]);
    set(m, i.operands[0], (T)(by <= last ? value >> by : std::is_signed<T>::value ? value >> last : 0));
}

/* bfi d, a, b, position, length: the low bits of a into b. */
template <typename T> static void insert_bits(machine &m, const instruction &i)
{
    const uint32_t most = 8 * sizeof(T);
    uint32_t position = get<uint32_t>(m, i.operands[3]) & 0xff, length = get<uint32_t>(m, i.operands[4]) & 0xff;
    T low = length < most ? ((T)1 << length) - 1 : ~(T)0, mask = position < most ? low << position : 0;
    T bits = position < most ? get<T>(m, i.operands[1]) << position : 0;
    set(m, i.operands[0], (T)((get<T>(m, i.operands[2]) & ~mask) | (bits & mask)));
}

/* ---- Comparing; those that end with u are true of NaN, too ---- */

template <typename T, bool F(T, T)> static void compare(machine &m, const instruction &i)
{
    set(m, i.operands[0], F(get<T>(m, i.operands[1]), get<T>(m, i.operands[2])));
}

template <typename T> static bool equal(T a, T b) { return a == b; }
template <typename T> static bool not_equal(T a, T b) { return a < b || a > b; }
template <typename T> static bool less(T a, T b) { return a < b; }
template <typename T> static bool less_or_equal(T a, T b) { return a <= b; }
template <typename T> static bool greater(T a, T b) { return a > b; }
template <typename T> static bool greater_or_equal(T a, T b) { return a >= b; }
template <typename T> static bool equal_u(T a, T b) { return !(a < b || a > b); }
template <typename T> static bool not_equal_u(T a, T b) { return !(a == b); }
template <typename T> static bool less_u(T a, T b) { return !(a >= b); }
template <typename T> static bool less_or_equal_u(T a, T b) { return !(a > b); }
template <typename T> static bool greater_u(T a, T b) { return !(a <= b); }
template <typename T> static bool greater_or_equal_u(T a, T b) { return !(a < b); }

#define COMPARISONS(type, T) \
    {"setp.eq." type, compare<T, equal>}, {"setp.ne." type, compare<T, not_equal>}, {"setp.lt." type, compare<T, less>}, \
    {"setp.le." type, compare<T, less_or_equal>}, {"setp.gt." type, compare<T, greater>}, {"setp.ge." type, compare<T, greater_or_equal>}
#define COMPARISONS_OF_NAN(type, T) \
    {"setp.equ." type, compare<T, equal_u>}, {"setp.neu." type, compare<T, not_equal_u>}, {"setp.ltu." type, compare<T, less_u>}, \
    {"setp.leu." type, compare<T, less_or_equal_u>}, {"setp.gtu." type, compare<T, greater_u>}, {"setp.geu." type, compare<T, greater_or_equal_u>}

typedef std::unordered_map<std::string, operation *> by_name;

static const by_name &all_operations()
{
    static const by_name operations = {
        {"ld.global.f32", load_from<float, in_global>}, {"ld.global.u16", load_from<uint16_t, in_global>},
        {"ld.global.f64", load_from<double, in_global>}, {"ld.global.u32", load_from<uint32_t, in_global>},
        {"ld.global.u64", load_from<uint64_t, in_global>}, {"ld.global.v2.u32", load_vector<uint32_t, in_global>},
        {"ld.global.v2.f32", load_vector<float, in_global>}, {"ld.global.v4.f32", load_vector<float, in_global>}, {"ld.global.v4.u16", load_vector<uint16_t, in_global>},
        {"st.global.u64", store_to<uint64_t, in_global>},
        {"st.global.f32", store_to<float, in_global>}, {"st.global.f64", store_to<double, in_global>},
        {"st.global.u16", store_to<uint16_t, in_global>}, {"st.global.u32", store_to<uint32_t, in_global>},
        {"ld.global.u8", load_from<uint8_t, in_global>}, {"ld.global.v2.u8", load_vector<uint8_t, in_global>},
        {"ld.global.v4.u8", load_vector<uint8_t, in_global>}, {"st.global.u8", store_to<uint8_t, in_global>},
        {"st.global.v4.f32", store_vector<float, in_global>}, {"st.global.v4.u16", store_vector<uint16_t, in_global>},
        {"st.global.v4.u8", store_vector<uint8_t, in_global>},
        {"ld.shared.f32", load_from<float, in_shared>}, {"ld.shared.v2.f32", load_vector<float, in_shared>},
        {"ld.shared.v4.f32", load_vector<float, in_shared>}, {"st.shared.f32", store_to<float, in_shared>},
        {"ld.shared.v2.u32", load_vector<uint32_t, in_shared>}, {"ld.shared.v4.u32", load_vector<uint32_t, in_shared>},
        {"st.shared.u32", store_to<uint32_t, in_shared>},
        {"bar.sync", wait_for_block}, {"mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", multiply_in_tf32},
        {"ld.param.f32", load_parameter<float>}, {"ld.param.f64", load_parameter<double>}, {"ld.param.u8", load_parameter<uint8_t>},
        {"ld.param.u32", load_parameter<uint32_t>}, {"ld.param.s32", load_signed_parameter}, {"ld.param.u64", load_parameter<uint64_t>},
        {"ld.param.v2.f32", load_parameters<float>}, {"ld.param.v2.u32", load_parameters<uint32_t>}, {"ld.param.v2.u8", load_parameters<uint8_t>},
        {"ld.param.v4.u8", load_parameters<uint8_t>},
        {"st.param.f64", store_parameter<double>},

        {"mov.u16", move<uint16_t>}, {"mov.b32", move<uint32_t>}, {"mov.u32", move<uint32_t>}, {"mov.f32", move<float>}, {"mov.pred", move<bool>},
        {"mov.b64", move_64}, {"mov.u64", move<uint64_t>}, {"mov.f64", move<double>}, {"cvta.to.global.u64", move<uint64_t>},
        {"selp.b16", choose<uint16_t>}, {"selp.u16", choose<uint16_t>}, {"selp.b32", choose<uint32_t>}, {"selp.u32", choose<uint32_t>}, {"selp.f32", choose<float>}, {"selp.b64", choose<uint64_t>},
        {"selp.f64", choose<double>},

        {"cvt.f64.f32", convert<float, double>}, {"cvt.rn.f32.f64", convert<double, float>}, {"cvt.rn.f32.s32", convert<int32_t, float>},
        {"cvt.rn.f32.u32", convert<uint32_t, float>}, {"cvt.rn.f64.s32", convert<int32_t, double>}, {"cvt.s64.s32", convert<int32_t, int64_t>},
        {"cvt.u32.u64", convert<uint64_t, uint32_t>}, {"cvt.u64.u32", convert<uint32_t, uint64_t>}, {"cvt.rzi.s32.f32", convert_to_s32<float>},
        {"cvt.rni.f32.f32", one<float, to_whole>}, {"cvt.rzi.f64.f64", one<double, cut_off>}, {"cvt.rzi.s32.f64", convert_to_s32<double>},
        {"cvt.rmi.f32.f32", one<float, floorf>}, {"cvt.rzi.f32.f32", one<float, truncf>}, {"cvt.rn.f64.u64", convert<uint64_t, double>},
        {"cvt.sat.f32.f32", one<float, saturated>}, {"cvt.u32.u16", convert<uint16_t, uint32_t>}, {"cvt.u16.u32", convert<uint32_t, uint16_t>},
        {"cvt.rn.f32.u16", convert<uint16_t, float>},
        {"cvt.sat.f32.f32", one<float, saturated>}, {"cvt.rna.tf32.f32", one<float, rounded_to_tf32>},

        {"add.s32", two<uint32_t, sum>}, {"add.s64", two<uint64_t, sum>}, {"add.u64", two<uint64_t, sum>}, {"add.f32", two<float, sum>},
        {"add.rn.f32", two<float, sum>}, {"add.f64", two<double, sum>},
        {"add.rn.f64", two<double, sum>}, {"add.rz.f32", two<float, sum_toward_zero>}, {"add.s16", two<uint16_t, sum>},
        {"sub.s32", two<uint32_t, difference>}, {"sub.s64", two<uint64_t, difference>}, {"sub.f32", two<float, difference>}, {"sub.f64", two<double, difference>},
        {"mul.lo.s32", two<uint32_t, product>}, {"mul.lo.s64", two<uint64_t, product>}, {"mul.f32", two<float, product>}, {"mul.rn.f32", two<float, product>},
        {"mul.f64", two<double, product>}, {"mul.rn.f64", two<double, product>},
        {"mul.wide.s32", wide_product<int32_t, int64_t>}, {"mul.wide.u32", wide_product<uint32_t, uint64_t>},
        {"mul.wide.u16", wide_product<uint16_t, uint32_t>},
        {"mad.lo.s32", three<uint32_t, sum_of_product>},
        {"fma.rn.f32", three<float, fmaf>}, {"fma.rm.f32", three<float, fma_downward>}, {"fma.rn.f64", three<double, fma>},
        {"div.s32", two<int32_t, whole_quotient>}, {"div.u32", two<uint32_t, whole_quotient>}, {"rem.u32", two<uint32_t, unsigned_remainder>},
        {"div.rn.f32", two<float, quotient>}, {"div.rn.f64", two<double, quotient>},
        {"rcp.rn.f32", one<float, reciprocal>}, {"rcp.rn.f64", one<double, reciprocal>}, {"rcp.approx.ftz.f32", one<float, reciprocal>},
        {"rcp.approx.ftz.f64", one<double, rough_reciprocal>},
        {"sqrt.rn.f32", one<float, sqrtf>}, {"sqrt.rn.f64", one<double, sqrt>},
        {"ex2.approx.f32", one<float, exp2f>}, {"ex2.approx.ftz.f32", one<float, exp2f>},
        {"neg.s32", one<uint32_t, negative>}, {"neg.f32", one<float, negative>}, {"neg.f64", one<double, negative>}, {"abs.f32", one<float, fabsf>}, {"abs.f64", one<double, fabs>},
        {"copysign.f32", two<float, with_sign_of>}, {"copysign.f64", two<double, with_sign_of_64>},
        {"min.u32", two<uint32_t, least>}, {"max.u32", two<uint32_t, most>}, {"min.f32", two<float, fminf>}, {"max.s32", two<int32_t, most>}, {"max.f32", two<float, fmaxf>}, {"max.f64", two<double, fmax>},

        {"and.b32", two<uint32_t, both>}, {"and.b64", two<uint64_t, both>}, {"and.pred", two<bool, both>},
        {"or.b32", two<uint32_t, either>}, {"or.b64", two<uint64_t, either>}, {"or.pred", two<bool, either>},
        {"xor.b32", two<uint32_t, differing>}, {"xor.b64", two<uint64_t, differing>}, {"xor.pred", two<bool, differing>},
        {"not.b32", one<uint32_t, inverse>}, {"not.pred", one<bool, negated>},
        {"shl.b32", shift_left<uint32_t>}, {"shl.b64", shift_left<uint64_t>},
        {"shr.u32", shift_right<uint32_t>}, {"shr.s32", shift_right<int32_t>}, {"shr.u64", shift_right<uint64_t>},

        {"bfi.b32", insert_bits<uint32_t>}, {"bfi.b64", insert_bits<uint64_t>},

        COMPARISONS("s16", int16_t), COMPARISONS("s32", int32_t), COMPARISONS("s64", int64_t), COMPARISONS("u32", uint32_t),
        COMPARISONS("u64", uint64_t),
        COMPARISONS("f32", float), COMPARISONS("f64", double), COMPARISONS_OF_NAN("f32", float), COMPARISONS_OF_NAN("f64", double),
        {"setp.eq.b32", compare<uint32_t, equal>}, {"setp.eq.b64", compare<uint64_t, equal>},
    };
    return operations;
}

operation *find_operation(const std::string &name)
{
    auto found = all_operations().find(name);
    return found != all_operations().end() ? found->second : nullptr;
}

std::string name_of(operation *does)
{
    for (const auto &named : all_operations())
        if (named.second == does)
            return named.first;
    return "";
}

}
}
