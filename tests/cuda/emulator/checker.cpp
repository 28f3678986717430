/* Finds races: within a launch no number may be touched by two threads, one of which writes it, whatever the order in which they happen to
 * run; unless they are of one block and a barrier lies between. There are no atomics, which could make it right, too. Slow: with
 * EMULATOR_CHECK in the environment only. */
#include "inside.h"
#include "launch.h"

#include <cstdlib>
#include <unordered_map>

namespace emulator {

/* The last touches. Threads are numbered from 1; 0: none. Time goes on with each block and each barrier. */
struct touched {
    unsigned writer, reader;
    unsigned long written, read;
    bool several_readers;                                   /* at that time */
    unsigned reader_before;                                 /* in a block before this one */
};

static const size_t CELL = 1;                               /* bytes: of the smallest numbers that kernels have */
static std::unordered_map<size_t, touched> cells;
static unsigned long now, block_began;

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

void check_block(const void *shared, size_t bytes)
{
    block_began = ++now;
    for (size_t at = (size_t)shared / CELL; at < ((size_t)shared + bytes) / CELL; at++)
        cells.erase(at);
}

void check_barrier() { now++; }

/* Whether a barrier of this block lies between that time and now. */
static bool is_over(unsigned long time) { return time >= block_began && time < now; }

/* The other thread; 0: none. */
static unsigned conflict(const touched &t, unsigned me, bool writes)
{
    if (t.writer != 0 && t.writer != me && !is_over(t.written))
        return t.writer;
    if (!writes)
        return 0;
    if (t.reader != 0 && (t.reader != me || t.several_readers) && !is_over(t.read))
        return t.reader;
    return t.reader_before;
}

static void remember(touched &t, unsigned me, bool writes)
{
    if (writes) {
        t.writer = me;
        t.written = now;
        return;
    }
    if (t.reader != 0 && t.read < block_began)
        t.reader_before = t.reader;
    t.several_readers = t.read == now && (t.several_readers || t.reader != me);
    t.reader = me;
    t.read = now;
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
        remember(t, me, writes);
    }
}

}
