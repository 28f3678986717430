/* PTX, as nvcc writes it: functions of instructions on registers of 64 bits. What is not known is refused when it is read, with its line. */
#ifndef TESTS_CUDA_EMULATOR_PTX_H
#define TESTS_CUDA_EMULATOR_PTX_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace emulator {
namespace ptx {

/* REGISTER, SPECIAL: `index` of one. NUMBER: `number`, its bits. VECTOR: parts. ADDRESS: a register's value, or 0 where index is -1, and
 * `number` bytes; in what the block shares: from its beginning. PARAMETER: bytes from the beginning of what the function was given. ARGUMENT:
 * of what it gives to others. */
struct operand {
    enum { REGISTER, SPECIAL, NUMBER, VECTOR, ADDRESS, PARAMETER, ARGUMENT } kind;
    int index;
    uint64_t number;
    std::vector<operand> parts;
};

struct machine;
struct instruction;
typedef void operation(machine &m, const instruction &i);

struct instruction {
    operation *does;                        /* NULL: jump, call or return */
    enum { PLAIN, JUMP, CALL, RETURN } flow;
    int predicate;                          /* register; -1: always */
    bool unless;                            /* the predicate must be false */
    std::vector<operand> operands;
    int target;                             /* of a jump */
    std::string label, callee;
    int line;                               /* of the .ptx file */
    int source, source_line;                /* where it comes from: function.sources */
    mutable long runs;
};

struct parameter { size_t offset, bytes; };

struct function {
    std::string name;
    std::shared_ptr<std::map<int, std::string>> sources;    /* names of files */
    std::vector<instruction> code;
    std::vector<parameter> parameters;      /* behind the result, if there is one */
    size_t result_bytes, parameter_bytes, argument_bytes, shared_bytes;
    int registers;
};

/* "im2col.cu:25" */
std::string place_in_source(const function &f, const instruction &i);

/* What runs a function: one thread. */
struct machine {
    const function *of;
    uint64_t *registers;
    unsigned char *parameters, *arguments;
};

typedef std::map<std::string, function> program;

/* ptx_parse.cpp: adds the functions of a file; "" or what is wrong with it. */
std::string parse(const std::string &path, program &to);

/* ptx_operations.cpp: by its whole name: "setp.lt.u32"; NULL: none. */
operation *find_operation(const std::string &name);
/* The values of these registers: %tid.x and so on; -1: no such. */
int find_special(const std::string &name);

/* ptx_run.cpp */
void run(const program &all, const function &f, unsigned char *parameters);

}
}

#endif
