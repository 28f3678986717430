/* What the threads of a warp ask memory for at once: the 32-byte sectors that a request takes against the least that would do, and the turns in
 * which the banks of shared memory serve it. Threads run one by one: what they do at the same instruction, having been there equally often, is
 * taken for one request. For kernels in PTX. */
#include "emulator.h"
#include "inside.h"
#include "launch.h"
#include "ptx.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

namespace emulator {

static const size_t SECTOR = 32, BANKS = 32, WORD = 4;

/* Of a warp, by lane; nullptr: has not asked. */
struct request { const char *places[WARP]; size_t bytes; };

/* An instruction that accesses memory, in the block that runs. */
struct access {
    const ptx::function *function;
    const ptx::instruction *instruction;
    bool shared;
    std::vector<unsigned> times;                            /* for each thread */
    std::vector<std::vector<request>> warps;                /* by the time */
};

static std::vector<access> accesses;
static std::vector<int> numbers;                            /* of the running function's instructions in `accesses`; -1: none yet */
static const ptx::function *numbered;
static std::vector<emulator_requests> lines;

static access &access_of(const ptx::function &f, const ptx::instruction &i, bool shared)
{
    if (numbered != &f) {
        numbers.assign(f.code.size(), -1);
        for (size_t k = 0; k < accesses.size(); k++)
            if (accesses[k].function == &f)
                numbers[(size_t)(accesses[k].instruction - f.code.data())] = (int)k;
        numbered = &f;
    }
    int &number = numbers[(size_t)(&i - f.code.data())];
    if (number < 0) {
        unsigned threads = block_size.x * block_size.y * block_size.z;
        number = (int)accesses.size();
        accesses.push_back({&f, &i, shared, std::vector<unsigned>(threads), std::vector<std::vector<request>>((threads + WARP - 1) / WARP)});
    }
    return accesses[(size_t)number];
}

void count_request(const ptx::function &f, const ptx::instruction &i, const void *place, size_t bytes, bool shared)
{
    access &a = access_of(f, i, shared);
    size_t thread = (thread_index.z * block_size.y + thread_index.y) * block_size.x + thread_index.x, time = a.times[thread]++;
    std::vector<request> &warp = a.warps[thread / WARP];
    if (warp.size() <= time)
        warp.resize(time + 1);
    warp[time].places[thread % WARP] = (const char *)place;
    warp[time].bytes = bytes;
}

/* ---- What requests cost ---- */

/* How many different numbers there are. */
static size_t different(std::vector<size_t> &all)
{
    std::sort(all.begin(), all.end());
    return (size_t)(std::unique(all.begin(), all.end()) - all.begin());
}

/* The numbers of the pieces of this size that the lanes [first, last) touch. */
static void pieces(const request &r, size_t size, size_t first, size_t last, std::vector<size_t> &found)
{
    found.clear();
    for (size_t lane = first; lane < last; lane++)
        for (size_t at = 0; r.places[lane] != nullptr && at < r.bytes; at += std::min(size, r.bytes))
            found.push_back((size_t)(r.places[lane] + at) / size);
}

static void count_sectors(const request &r, emulator_requests &to)
{
    static std::vector<size_t> found;
    pieces(r, std::min(WORD, r.bytes), 0, WARP, found);
    to.needed += (different(found) * std::min(WORD, r.bytes) + SECTOR - 1) / SECTOR;
    pieces(r, SECTOR, 0, WARP, found);
    to.taken += different(found);
}

/* As many lanes at once as ask for 128 bytes. A turn serves a word of each bank. */
static void count_turns(const request &r, emulator_requests &to)
{
    static std::vector<size_t> found;
    size_t lanes = std::min((size_t)WARP, WARP * WORD / r.bytes);
    for (size_t first = 0; first < WARP; first += lanes) {
        size_t of_bank[BANKS] = {}, most = 0;
        pieces(r, WORD, first, first + lanes, found);
        found.resize(different(found));
        for (size_t word : found)
            most = std::max(most, ++of_bank[word % BANKS]);
        to.needed += most > 0;
        to.taken += most;
    }
}

static emulator_requests &line_of(const access &a)
{
    const std::string place = ptx::place_in_source(*a.function, *a.instruction);
    for (emulator_requests &line : lines)
        if (line.shared == a.shared && place == line.place && strcmp(kernel_name(), line.kernel) == 0)
            return line;
    lines.push_back({"", "", a.shared, 0, 0, 0});
    snprintf(lines.back().kernel, sizeof lines.back().kernel, "%s", kernel_name());
    snprintf(lines.back().place, sizeof lines.back().place, "%s", place.c_str());
    return lines.back();
}

void finish_requests()
{
    for (const access &a : accesses) {
        emulator_requests &line = line_of(a);
        for (const std::vector<request> &warp : a.warps)
            for (const request &r : warp) {
                line.requests++;
                (a.shared ? count_turns : count_sectors)(r, line);
            }
    }
    accesses.clear();
    numbered = nullptr;
}

void forget_requests() { lines.clear(); }

}

extern "C" size_t emulator_get_requests(emulator_requests *to, size_t most)
{
    using namespace emulator;
    std::copy(lines.begin(), lines.begin() + (std::ptrdiff_t)std::min(most, lines.size()), to);
    return lines.size();
}
