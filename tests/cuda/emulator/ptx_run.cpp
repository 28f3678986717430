/* Runs functions of PTX, for one thread, to their end. */
#include "inside.h"
#include "ptx.h"

#include <cstring>

namespace emulator {
namespace ptx {

/* The arguments were stored in the caller's; the result goes there, too. */
static void call(const program &all, const machine &m, const instruction &i)
{
    const function &callee = all.at(i.callee);
    std::vector<unsigned char> parameters(callee.parameter_bytes);
    size_t results = callee.result_bytes > 0 ? 1 : 0;
    for (size_t k = 0; k < callee.parameters.size(); k++)
        memcpy(&parameters[callee.parameters[k].offset], m.arguments + i.operands[results + k].number, callee.parameters[k].bytes);
    run(all, callee, parameters.data());
    if (results > 0)
        memcpy(m.arguments + i.operands[0].number, parameters.data(), callee.result_bytes);
}

static bool goes(const machine &m, const instruction &i)
{
    return i.predicate < 0 || ((m.registers[i.predicate] & 1) != 0) != i.unless;
}

void run(const program &all, const function &f, unsigned char *parameters)
{
    std::vector<uint64_t> registers((size_t)f.registers + 1);
    std::vector<unsigned char> arguments(f.argument_bytes + 1);
    machine m = {&f, registers.data(), parameters, arguments.data()};
    for (size_t at = 0;;) {
        const instruction &i = f.code[at++];
        i.runs++;
        if (!goes(m, i))
            continue;
        if (i.flow == instruction::PLAIN)
            i.does(m, i);
        else if (i.flow == instruction::JUMP)
            at = (size_t)i.target;
        else if (i.flow == instruction::CALL)
            call(all, m, i);
        else
            return;
    }
}

}
}
