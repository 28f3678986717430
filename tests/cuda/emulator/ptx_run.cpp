/* Runs functions of PTX, for one thread, to their end. */
#include "inside.h"
#include "ptx.h"

#include <cstring>

namespace emulator {
namespace ptx {

/* The arguments were stored in the caller's; the result goes there, too. */
static void call(const program &all, const machine &m, const instruction &i)
{
    const function &callee = all.at(m.of->callees[(size_t)i.target]);
    std::vector<unsigned char> parameters(callee.parameter_bytes);
    size_t results = callee.result_bytes > 0 ? 1 : 0;
    for (size_t k = 0; k < callee.parameters.size(); k++)
        memcpy(&parameters[callee.parameters[k].offset], m.arguments + i.operands[results + k].offset, callee.parameters[k].bytes);
    run(all, callee, parameters.data());
    if (results > 0)
        memcpy(m.arguments + i.operands[0].offset, parameters.data(), callee.result_bytes);
}

static bool goes(const machine &m, const instruction &i)
{
    return i.predicate < 0 || ((m.registers[i.predicate] & 1) != 0) != i.unless;
}

void run(const program &all, const function &f, unsigned char *parameters)
{
    std::vector<uint64_t> registers(f.registers);
    std::vector<unsigned char> arguments(f.argument_bytes);
    machine m = {&f, registers.data(), parameters, arguments.data()};
    for (const special &s : f.specials)
        registers[(size_t)s.index] = special_value(s.which);
    for (const instruction *next = f.code.data();;) {
        const instruction &i = *next++;
        i.ran = true;
        if (!goes(m, i))
            continue;
        if (i.does != nullptr)
            i.does(m, i);
        else if (i.flow == instruction::JUMP)
            next = &f.code[(size_t)i.target];
        else if (i.flow == instruction::CALL)
            call(all, m, i);
        else
            return;
    }
}

}
}
