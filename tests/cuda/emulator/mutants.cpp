/* Mutants of the kernels in PTX: an instruction that does something else, has operands that are exchanged, another number or address, or is
 * left out. Which tests notice: tests/cuda/mutants.c. */
#include "emulator.h"
#include "inside.h"
#include "ptx.h"

#include <cstdio>
#include <cstring>
#include <random>

namespace emulator {

using namespace ptx;

/* ---- What can be done to an instruction ---- */

/* Operations that are taken for each other, by the beginnings of their names. */
static const struct { const char *from, *to; } exchanged[] = {
    {"add.", "sub."}, {"sub.", "add."}, {"mul.lo.", "add."}, {"mul.f", "add.f"}, {"div.rn.f", "mul.f"}, {"div.u32", "rem.u32"},
    {"rem.u32", "div.u32"}, {"min.", "max."}, {"max.", "min."}, {"shl.b32", "shr.u32"}, {"shr.u32", "shl.b32"}, {"and.", "or."}, {"or.", "and."},
    {"neg.", "abs."}, {"setp.lt.", "setp.le."}, {"setp.le.", "setp.lt."}, {"setp.gt.", "setp.ge."}, {"setp.ge.", "setp.gt."},
    {"setp.eq.", "setp.ne."}, {"setp.ne.", "setp.eq."}, {"setp.ltu.", "setp.leu."}, {"setp.leu.", "setp.ltu."},
    {"setp.gtu.", "setp.geu."}, {"setp.geu.", "setp.gtu."}};

/* What it may do instead. */
static std::string other_operation(const std::string &name)
{
    for (const auto &pair : exchanged)
        if (name.compare(0, strlen(pair.from), pair.from) == 0) {
            std::string other = pair.to + name.substr(strlen(pair.from));
            if (find_operation(other) != nullptr && find_operation(other) != find_operation(name))
                return other;
        }
    return "";
}

static bool begins(const std::string &name, const char *with) { return name.compare(0, strlen(with), with) == 0; }

/* a b + c becomes c b + a; the choice goes the other way. */
static bool can_exchange_operands(const std::string &name) { return begins(name, "fma.") || begins(name, "mad.") || begins(name, "selp."); }

static void exchange_operands(instruction &i, const std::string &name)
{
    std::swap(i.operands[1], i.operands[begins(name, "selp.") ? 2 : 3]);
}

static bool is_float(const std::string &name) { return name.find("f32") != std::string::npos || name.find("f64") != std::string::npos; }

/* The operand that is a number; -1: none. */
static int number_operand(const function &f, const instruction &i)
{
    for (int k = 1; k < MOST_OPERANDS; k++)
        if (i.operands[k].kind == operand::REGISTER && f.numbers.count(i.operands[k].index) > 0)
            return k;
    return -1;
}

/* Whole numbers become the next one, 0.0 becomes 1.0, and of the others' bits the highest of the fraction changes. */
static uint64_t other_number(uint64_t value, const std::string &name)
{
    if (!is_float(name))
        return value + 1;
    bool wide = name.find("f64") != std::string::npos;
    if (value == 0)
        return wide ? 0x3ff0000000000000u : 0x3f800000u;
    return value ^ (wide ? 1ull << 51 : 1ull << 22);
}

static void change_number(function &f, operand &o, const std::string &name)
{
    f.registers.push_back(other_number(f.registers[(size_t)o.index], name));
    o.index = (int)f.registers.size() - 1;
}

static int address_operand(const std::string &name)
{
    return begins(name, "ld.") ? 1 : begins(name, "st.") ? 0 : -1;
}

static std::vector<std::string> changes_of(const function &f, const instruction &i)
{
    std::vector<std::string> changes;
    if (i.predicate >= 0)
        changes.push_back("the other predicate");
    if (i.does == nullptr)
        return changes;
    std::string name = name_of(i.does);
    if (!other_operation(name).empty())
        changes.push_back(other_operation(name));
    if (can_exchange_operands(name))
        changes.push_back("operands exchanged");
    if (number_operand(f, i) >= 0 && !begins(name, "bar."))
        changes.push_back("another number");
    if (address_operand(name) >= 0)
        changes.push_back("4 bytes further");
    if (begins(name, "bar.") || begins(name, "st."))
        changes.push_back("left out");
    return changes;
}

static void nothing(machine &, const instruction &) {}

static void change(function &f, instruction &i, const std::string &how)
{
    std::string name = i.does != nullptr ? name_of(i.does) : "";
    if (how == "the other predicate")
        i.unless = !i.unless;
    else if (how == "operands exchanged")
        exchange_operands(i, name);
    else if (how == "another number")
        change_number(f, i.operands[number_operand(f, i)], name);
    else if (how == "4 bytes further")
        i.operands[address_operand(name)].offset += 4;
    else
        i.does = how == "left out" ? nothing : find_operation(how);
}

/* ---- Drawing ---- */

struct drawn { function *f; size_t at; std::string how; };

/* Kernels that have one at all: there may be functions that are only a return. */
static drawn draw_mutant(unsigned seed)
{
    std::mt19937 generator(seed);
    std::vector<function *> functions;
    for (auto &named : loaded_program())
        functions.push_back(&named.second);
    for (;;) {
        function *f = functions[generator() % functions.size()];
        size_t at = generator() % f->code.size();
        std::vector<std::string> changes = changes_of(*f, f->code[at]);
        if (!changes.empty())
            return {f, at, changes[generator() % changes.size()]};
    }
}

template <typename F> static void each_instruction(F visit)
{
    size_t number = 0;
    for (auto &named : loaded_program())
        for (instruction &i : named.second.code)
            visit(i, number++);
}

}

using namespace emulator;

extern "C" {

size_t emulator_instructions(void)
{
    size_t count = 0;
    each_instruction([&](instruction &, size_t number) { count = number + 1; });
    return count;
}

void emulator_get_runs(unsigned char *ran) { each_instruction([=](instruction &i, size_t number) { ran[number] = i.ran; }); }
void emulator_forget_runs(void) { each_instruction([](instruction &i, size_t) { i.ran = false; }); }

emulator_mutant emulator_draw_mutant(unsigned seed)
{
    emulator_mutant made;
    drawn d = draw_mutant(seed);
    instruction *changed = &d.f->code[d.at];
    std::string name = changed->does != nullptr ? name_of(changed->does) : changed->flow == instruction::JUMP ? "bra" : "ret";
    each_instruction([&](instruction &i, size_t number) { made.instruction = &i == changed ? number : made.instruction; });
    snprintf(made.text, sizeof made.text, "%s: %s -> %s, %.60s, line %d of its PTX", place_in_source(*d.f, *changed).c_str(), name.c_str(),
             d.how.c_str(), d.f->name.c_str(), changed->line);
    return made;
}

void emulator_make_mutant(unsigned seed)
{
    drawn d = draw_mutant(seed);
    change(*d.f, d.f->code[d.at], d.how);
}

}
