/* PTX, as nvcc writes it: functions of instructions on registers of 64 bits. What is not known is refused when it is read, with its line. */
#ifndef TESTS_CUDA_EMULATOR_PTX_H
#define TESTS_CUDA_EMULATOR_PTX_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace emulator {
namespace ptx {

/* REGISTER: `index` of one; numbers and special registers such as %tid.x have some of their own. VECTOR: `count` operands from function.parts[index]
 * on. ADDRESS: a register's value and `offset` bytes; in what the block shares: from its beginning. PARAMETER: bytes from the beginning of what
 * the function was given. ARGUMENT: of what it gives to others. */
struct operand {
    enum : uint8_t { REGISTER, VECTOR, ADDRESS, PARAMETER, ARGUMENT } kind;
    uint8_t count;
    int32_t index, offset;
};

enum { MOST_OPERANDS = 5 };

struct machine;
struct instruction;
typedef void operation(machine &m, const instruction &i);

/* Small, since the interpreter reads little else. */
struct instruction {
    operation *does;                        /* NULL: jump, call or return */
    enum : uint8_t { PLAIN, JUMP, CALL, RETURN } flow;
    bool unless;                            /* the predicate must be false */
    mutable bool ran;
    int predicate;                          /* register; -1: always */
    int target;                             /* of a jump; of a call: function.callees */
    int line;                               /* of the .ptx file */
    int source, source_line;                /* where it comes from: function.sources */
    operand operands[MOST_OPERANDS];
};

struct parameter { size_t offset, bytes; };
struct special { int index, which; };       /* the register that has its value */

struct function {
    std::string name;
    std::shared_ptr<std::map<int, std::string>> sources;    /* names of files */
    std::vector<instruction> code;
    std::vector<operand> parts;
    std::vector<std::string> callees;
    std::vector<parameter> parameters;      /* behind the result, if there is one */
    std::vector<parameter> shared;          /* arrays that the block shares, with gaps between them */
    size_t result_bytes, parameter_bytes, argument_bytes, shared_bytes;
    std::vector<uint64_t> registers;        /* what they hold at first: 0, or a number that instructions use */
    std::vector<special> specials;
    std::set<int> numbers;                  /* registers that hold numbers */
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
/* A name of an operation that was found by one. */
std::string name_of(operation *does);
/* %tid.x and so on: which one; -1: no such. Its value for the thread that runs. */
int find_special(const std::string &name);
unsigned special_value(int which);

/* registration.cpp: of the kernels that objects of nvcc launch. */
program &loaded_program();

/* ptx_run.cpp */
void run(const program &all, const function &f, unsigned char *parameters);

}
}

#endif
