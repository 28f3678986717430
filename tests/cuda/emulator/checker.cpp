/* Finds races: within a launch no number may be touched by two threads, one of which writes it, whatever the order in which they happen to
 * run. The kernels have no barriers and no atomics, which could make it right. Slow: with EMULATOR_CHECK in the environment only. */
#include "inside.h"
#include "launch.h"

#include <cstdlib>
#include <unordered_map>

namespace emulator {

/* Threads are numbered from 1; 0: none. */
struct touched { unsigned writer, reader; bool several_readers; };

static const size_t CELL = 2;                               /* bytes: of the smallest numbers that kernels have */
static std::unordered_map<size_t, touched> cells;

static bool wanted()
{
    static const bool is = getenv("EMULATOR_CHECK") != nullptr;
    return is;
}

static unsigned this_thread()
{
    unsigned block = (block_index.z * grid_size.y + block_index.y) * grid_size.x + block_index.x;
    unsigned thread = (thread_index.z * block_size.y + thread_index.y) * block_size.x + thread_index.x;
    return block * block_size.x * block_size.y * block_size.z + thread + 1;
}

void check_launch() { cells.clear(); }

/* The other thread; 0: none. */
static unsigned conflict(const touched &t, unsigned me, bool writes)
{
    if (t.writer != 0 && t.writer != me)
        return t.writer;
    if (writes && t.reader != 0 && (t.reader != me || t.several_readers))
        return t.reader;
    return 0;
}

void check_access(const void *place, size_t bytes, bool writes, const std::function<std::string()> &where)
{
    if (!wanted())
        return;
    unsigned me = this_thread();
    for (size_t at = (size_t)place / CELL; at <= ((size_t)place + bytes - 1) / CELL; at++) {
        touched &t = cells[at];
        unsigned other = conflict(t, me, writes);
        if (other != 0)
            complain("%s: a race: thread %u %s %p, which thread %u touches, too", where().c_str(), me - 1, writes ? "writes" : "reads",
                     (const void *)(at * CELL), other - 1);
        if (writes)
            t.writer = me;
        else {
            t.several_readers = t.several_readers || (t.reader != 0 && t.reader != me);
            t.reader = me;
        }
    }
}

}
