/* What nvcc's objects call: their kernels register by name, and are launched by the interpreter of the PTX that was made with them.
 * The environment says where it lies: EMULATOR_PTX, a folder of .ptx files; with EMULATOR_COVERAGE the program ends with how many of the
 * instructions were run. */
#include "inside.h"
#include "launch.h"
#include "ptx.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <memory>
#include <vector>

namespace emulator {

struct configuration { dim3 grid, block; size_t shared; cudaStream_t stream; };

static thread_local configuration next;

/* Objects register before any constructor of ours may have run. */
static std::map<const void *, std::string> &kernels()
{
    static std::map<const void *, std::string> made;
    return made;
}

static ptx::program load_folder()
{
    ptx::program made;
    const char *path = getenv("EMULATOR_PTX");
    DIR *folder = path != nullptr ? opendir(path) : nullptr;
    if (folder == nullptr)
        complain("EMULATOR_PTX is no folder: %s", path != nullptr ? path : "not set");
    for (struct dirent *entry; folder != nullptr && (entry = readdir(folder)) != nullptr;) {
        std::string name = entry->d_name;
        if (name.size() < 4 || name.compare(name.size() - 4, 4, ".ptx") != 0)
            continue;
        std::string wrong = ptx::parse(std::string(path) + "/" + name, made);
        if (!wrong.empty())
            complain("%s", wrong.c_str());
    }
    if (folder != nullptr)
        closedir(folder);
    return made;
}

/* Never freed: it is looked at when the program ends. */
ptx::program &ptx::loaded_program()
{
    static ptx::program *made = new ptx::program(load_folder());
    return *made;
}

static const ptx::program &program() { return ptx::loaded_program(); }

/* The arguments where PTX expects them; pointers among them are checked as they are used. */
static std::shared_ptr<std::vector<unsigned char>> pack(const ptx::function &f, void **arguments)
{
    auto packed = std::make_shared<std::vector<unsigned char>>(f.parameter_bytes);
    for (size_t i = 0; i < f.parameters.size(); i++)
        memcpy(packed->data() + f.parameters[i].offset, arguments[i], f.parameters[i].bytes);
    return packed;
}

static void print_coverage()
{
    size_t reached = 0, all = 0;
    for (const auto &named : program()) {
        size_t of_this = 0;
        for (const ptx::instruction &i : named.second.code)
            of_this += i.ran;
        printf("%4zu of %4zu instructions: %s\n", of_this, named.second.code.size(), named.first.c_str());
        reached += of_this;
        all += named.second.code.size();
    }
    printf("%zu of %zu instructions of PTX were run\n", reached, all);
}

}

using namespace emulator;

extern "C" {

void **__cudaRegisterFatBinary(void *)
{
    static void *handle;
    return &handle;
}

void __cudaRegisterFatBinaryEnd(void **) {}

/* For each object, at the end of the program. */
void __cudaUnregisterFatBinary(void **)
{
    static bool printed;
    if (!printed && getenv("EMULATOR_COVERAGE") != nullptr)
        print_coverage();
    printed = true;
}

void __cudaRegisterFunction(void **, const char *host, char *, const char *device, int, uint3 *, uint3 *, dim3 *, dim3 *, int *)
{
    kernels()[host] = device;
}

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, struct CUstream_st *stream)
{
    next = {grid, block, shared, stream};
    return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream)
{
    *grid = next.grid;
    *block = next.block;
    *shared = next.shared;
    memcpy(stream, &next.stream, sizeof next.stream);
    return cudaSuccess;
}

cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *host)
{
    *kernel = (cudaKernel_t)host;
    return cudaSuccess;
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void **arguments, size_t, cudaStream_t stream)
{
    locked hold(lock);
    auto named = kernels().find((const void *)kernel);
    auto found = named != kernels().end() ? program().find(named->second) : program().end();
    if (found == program().end()) {
        complain("there is no PTX of the kernel %s", named != kernels().end() ? named->second.c_str() : "that was launched");
        return cudaErrorInvalidDeviceFunction;
    }
    const ptx::function &f = found->second;
    auto packed = pack(f, arguments);
    launch(f.name.c_str(), grid, block, f.shared_bytes, stream, [&f, packed] { ptx::run(program(), f, packed->data()); });
    return cudaSuccess;
}

}
