/* Reads PTX. Knows its grammar as far as nvcc uses it for the library's kernels; which instructions there are: ptx_operations.cpp. */
#include "ptx.h"

#include <cctype>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

namespace emulator {
namespace ptx {

/* What is wrong, found anywhere within a file. */
struct mistake { int line; std::string what; };

/* ---- Text ---- */

/* Words, one of "{}[](),;:" each, or runs of other characters. */
struct word { std::string text; int line; };

static std::vector<word> split(const std::string &text)
{
    std::vector<word> words;
    int line = 1;
    for (size_t i = 0; i < text.size();) {
        if (text.compare(i, 2, "//") == 0)
            i = text.find('\n', i);
        else if (text[i] == '\n')
            line++, i++;
        else if (isspace((unsigned char)text[i]))
            i++;
        else if (std::string("{}[](),;:").find(text[i]) != std::string::npos)
            words.push_back({std::string(1, text[i++]), line});
        else {
            size_t end = text[i] == '"' ? text.find('"', i + 1) + 1 : text.find_first_of(" \t\n{}[](),;:", i);
            words.push_back({text.substr(i, end - i), line});
            i = end;
        }
    }
    return words;
}

static size_t bytes_of_type(const std::string &type)
{
    static const std::map<std::string, size_t> bytes = {{".b8", 1}, {".u8", 1}, {".s8", 1}, {".b16", 2}, {".u16", 2}, {".s16", 2},
        {".b32", 4}, {".u32", 4}, {".s32", 4}, {".f32", 4}, {".b64", 8}, {".u64", 8}, {".s64", 8}, {".f64", 8}};
    auto found = bytes.find(type);
    return found != bytes.end() ? found->second : 0;
}

/* ---- A file being read ---- */

struct reader {
    const std::vector<word> &words;
    size_t at;
    program &to;
    std::shared_ptr<std::map<int, std::string>> sources;
    int source, source_line;                /* of the last .loc */
    function f;
    std::map<std::string, int> registers, labels;
    std::map<uint64_t, int> numbers;                        /* registers that hold them */
    std::vector<std::string> targets;                       /* labels that jumps name */
    std::set<std::string> declared;                         /* registers: names, or names without their numbers */
    std::map<std::string, size_t> parameters, arguments, shared;    /* offsets by name */

    [[noreturn]] void fail(const std::string &what) const { throw mistake{at < words.size() ? words[at].line : 0, what}; }

    const std::string &now() const
    {
        if (at >= words.size())
            fail("the file ends too early");
        return words[at].text;
    }

    std::string take() { std::string text = now(); at++; return text; }
    bool take_if(const char *text) { return now() == text && ++at != 0; }
    void expect(const char *text) { if (!take_if(text)) fail("expected " + std::string(text) + ", got " + now()); }
    void skip_to(const char *text) { while (!take_if(text)) at++; }
    bool same_line() const { return at < words.size() && words[at].line == words[at - 1].line; }
    void skip_line() { for (at++; same_line(); at++) ; }

    static const size_t SHARED_GAP = 64;

    /* .param .align 8 .b8 NAME[120], or .param .u32 NAME, or .shared ..: behind the `end` of those before it. */
    parameter declare(const char *space, size_t &end, std::map<std::string, size_t> &by_name)
    {
        size_t bytes = 0, align = 0;
        expect(space);
        while (now()[0] == '.') {
            std::string part = take();
            if (part == ".align")
                align = strtoul(take().c_str(), nullptr, 10);
            else if (bytes_of_type(part) > 0)
                bytes = bytes_of_type(part);
        }
        std::string name = take();
        align = align > 0 ? align : bytes;
        if (take_if("[")) {
            bytes *= strtoul(take().c_str(), nullptr, 10);
            expect("]");
        }
        if (bytes == 0)
            fail("a variable without a size: " + name);
        parameter made = {(end + align - 1) / align * align, bytes};
        end = made.offset + bytes;
        by_name[name] = made.offset;
        return made;
    }

    /* .reg .b32 %r<13>, %temp; */
    void declare_registers()
    {
        expect(".reg");
        take();
        do {
            std::string name = take();
            declared.insert(name.substr(0, name.find('<')));
        } while (take_if(","));
        expect(";");
    }

    int new_register(uint64_t value)
    {
        f.registers.push_back(value);
        return (int)f.registers.size() - 1;
    }

    int number(uint64_t value)
    {
        auto found = numbers.find(value);
        if (found != numbers.end())
            return found->second;
        f.numbers.insert((int)f.registers.size());
        return numbers[value] = new_register(value);
    }

    int special_register(const std::string &name)
    {
        int which = find_special(name);
        for (const special &s : f.specials)
            if (s.which == which)
                return s.index;
        f.specials.push_back({new_register(0), which});
        return f.specials.back().index;
    }

    int register_of(const std::string &name)
    {
        if (declared.count(name) == 0 && declared.count(name.substr(0, name.find_last_not_of("0123456789") + 1)) == 0)
            fail("a register that is not declared: " + name);
        auto found = registers.find(name);
        return found != registers.end() ? found->second : registers[name] = new_register(0);
    }

    /* ---- Operands ---- */

    uint64_t bits(const std::string &text) const
    {
        bool written_as_bits = text[0] == '0' && text.size() > 2 && strchr("fFdD", text[1]) != nullptr;        /* 0f3F800000: of 1 */
        return written_as_bits ? strtoull(text.c_str() + 2, nullptr, 16) : (uint64_t)strtoll(text.c_str(), nullptr, 0);
    }

    /* "%rd1+4", "NAME_param_0+8", "param0" */
    operand address(const std::string &text)
    {
        size_t plus = text.find('+');
        std::string base = text.substr(0, plus);
        int offset = plus != std::string::npos ? atoi(text.c_str() + plus + 1) : 0;
        if (base[0] == '%')
            return {operand::ADDRESS, 0, register_of(base), offset};
        if (parameters.count(base) > 0)
            return {operand::PARAMETER, 0, -1, (int)parameters[base] + offset};
        if (arguments.count(base) > 0)
            return {operand::ARGUMENT, 0, -1, (int)arguments[base] + offset};
        if (shared.count(base) > 0)
            return {operand::ADDRESS, 0, number(0), (int)shared[base] + offset};
        fail("an address of another kind: " + text);
    }

    /* {%f1, %f2} */
    operand vector()
    {
        std::vector<operand> parts;
        do
            parts.push_back(read_operand(false));
        while (take_if(","));
        expect("}");
        f.parts.insert(f.parts.end(), parts.begin(), parts.end());
        return {operand::VECTOR, (uint8_t)parts.size(), (int)(f.parts.size() - parts.size()), 0};
    }

    /* takes_places: the place of a parameter is an operand, too. */
    operand read_operand(bool takes_places)
    {
        if (take_if("{"))
            return vector();
        if (take_if("[")) {
            operand made = address(take());
            expect("]");
            return made;
        }
        if (find_special(now()) >= 0)
            return {operand::REGISTER, 0, special_register(take()), 0};
        if (now()[0] == '%')
            return {operand::REGISTER, 0, register_of(take()), 0};
        if (isdigit((unsigned char)now()[0]) || now()[0] == '-')
            return {operand::REGISTER, 0, number(bits(take())), 0};
        if (shared.count(now()) > 0)
            return {operand::REGISTER, 0, number(shared[take()]), 0};
        if (takes_places && parameters.count(now()) > 0)
            return address(take());
        fail("an operand of another kind: " + now());
    }

    /* ---- Instructions ---- */

    void add(instruction &i, size_t &count, const operand &o) const
    {
        if (count == MOST_OPERANDS)
            fail("too many operands");
        i.operands[count++] = o;
    }

    /* call.uni (retval0), NAME, (param0, param1); */
    void read_call(instruction &i)
    {
        size_t count = 0;
        i.flow = instruction::CALL;
        if (take_if("(")) {
            add(i, count, address(take()));
            expect(")");
            expect(",");
        }
        i.target = (int)f.callees.size();
        f.callees.push_back(take());
        if (take_if(",")) {
            expect("(");
            do
                add(i, count, address(take()));
            while (take_if(","));
            expect(")");
        }
    }

    void read_plain(instruction &i, const std::string &name)
    {
        size_t count = 0;
        i.does = find_operation(name);
        if (i.does == nullptr)
            fail("an instruction that is not known: " + name);
        do
            add(i, count, read_operand(name == "mov.b64"));
        while (take_if(","));
    }

    void read_instruction()
    {
        instruction i = {nullptr, instruction::PLAIN, false, false, -1, -1, words[at].line, source, source_line, {}};
        if (now()[0] == '@') {
            std::string predicate = take().substr(1);
            i.unless = predicate[0] == '!';
            i.predicate = register_of(predicate.substr(i.unless ? 1 : 0));
        }
        std::string name = take();
        if (name == "ret")
            i.flow = instruction::RETURN;
        else if (name == "bra" || name == "bra.uni") {
            i.flow = instruction::JUMP;
            i.target = (int)targets.size();
            targets.push_back(take());
        } else if (name == "call.uni")
            read_call(i);
        else
            read_plain(i, name);
        expect(";");
        f.code.push_back(i);
    }

    /* .loc 1 25 9, function_name $L__info_string0, inlined_at 1 9 9 */
    void read_location()
    {
        expect(".loc");
        source = atoi(take().c_str());
        source_line = atoi(now().c_str());
        skip_line();
    }

    void read_statement()
    {
        if (now() == ".loc")
            read_location();
        else if (now() == ".reg")
            declare_registers();
        else if (now() == ".param") {
            declare(".param", f.argument_bytes, arguments);
            expect(";");
        } else if (now() == ".shared") {
            f.shared_bytes += f.shared.empty() ? 0 : SHARED_GAP;
            f.shared.push_back(declare(".shared", f.shared_bytes, shared));
            expect(";");
        } else if (now() == ".pragma")
            skip_to(";");
        else if (now()[0] == '.')
            fail("a directive that is not known: " + now());
        else if (now()[0] == '$') {
            labels[take()] = (int)f.code.size();
            expect(":");
        } else
            read_instruction();
    }

    /* ---- Functions ---- */

    void read_body()
    {
        for (int depth = 1; depth > 0;) {
            if (take_if("{"))
                depth++;
            else if (take_if("}"))
                depth--;
            else
                read_statement();
        }
        for (instruction &i : f.code)
            if (i.flow == instruction::JUMP) {
                const std::string &label = targets[(size_t)i.target];
                if (labels.count(label) == 0)
                    throw mistake{i.line, "no label " + label};
                i.target = labels[label];
            }
        if (f.code.empty() || f.code.back().flow != instruction::RETURN)
            fail(f.name + " does not end with ret");
    }

    void read_function(bool entry)
    {
        f = {};
        f.sources = sources;
        registers.clear(), declared.clear(), labels.clear(), numbers.clear(), targets.clear();
        parameters.clear(), arguments.clear(), shared.clear();
        if (!entry && take_if("(")) {
            declare(".param", f.parameter_bytes, parameters);
            f.result_bytes = f.parameter_bytes;
            expect(")");
        }
        f.name = take();
        if (take_if("(") && !take_if(")")) {
            do
                f.parameters.push_back(declare(".param", f.parameter_bytes, parameters));
            while (take_if(","));
            expect(")");
        }
        while (now() != "{" && now() != ";")
            at++;                                           /* .maxntid 256, 1, 1 */
        if (take_if(";"))
            return;                                         /* declared only */
        expect("{");
        read_body();
        to[f.name] = f;
    }

    void read_file()
    {
        while (at < words.size()) {
            if (take_if(".entry"))
                read_function(true);
            else if (take_if(".func"))
                read_function(false);
            else if (take_if(".section")) {
                skip_to("{");
                skip_to("}");
            } else if (take_if(".file")) {
                int number = atoi(take().c_str());
                std::string path = take();                  /* in quotes */
                (*sources)[number] = path.substr(path.rfind('/') + 1, path.size() - path.rfind('/') - 2);
            } else if (now() == ".version" || now() == ".target" || now() == ".address_size")
                skip_line();
            else if (!take_if(".visible") && !take_if(".weak"))
                fail("a directive that is not known: " + now());
        }
    }
};

std::string place_in_source(const function &f, const instruction &i)
{
    auto found = f.sources->find(i.source);
    return found != f.sources->end() ? found->second + ":" + std::to_string(i.source_line) : f.name;
}

std::string parse(const std::string &path, program &to)
{
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    if (!file)
        return path + ": cannot be read";
    const std::vector<word> words = split(text.str());
    try {
        reader r = {words, 0, to, std::make_shared<std::map<int, std::string>>(), 0, 0, {}, {}, {}, {}, {}, {}, {}, {}, {}};
        r.read_file();
    } catch (const mistake &m) {
        return path + ":" + std::to_string(m.line) + ": " + m.what;
    }
    return "";
}

}
}
