/* Finds what kernels must not touch: bytes of no array, bytes that nobody wrote before they are read; and races: within a launch no byte may
 * be touched by two threads, one of which writes it, whatever the order in which they happen to run; unless they are of one block and a
 * barrier lies between. There are no atomics, which could make it right, too.
 *
 * Each byte of memory has a state and the threads that touched it last, at addresses that follow from its own. Nearly all accesses are to
 * whole words; only of words that are touched in parts these threads are kept byte by byte. */
#include "inside.h"
#include "launch.h"

#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace emulator {

bool checking = getenv("EMULATOR_CHECK") != nullptr;

enum state : unsigned char { NOBODYS, FRESH, WRITTEN };

/* The last touches of a word or byte. Threads are numbered from 1; 0: none. Time goes on with each block and each barrier. */
struct touched {
    unsigned writer, written, reader, read;
    unsigned reader_before;                                 /* in a block before this one */
    bool several_readers;                                   /* at that time */
    bool in_parts;                                          /* of a word: see its bytes */
};

static const size_t WORD = 4;

/* What is known of a range of addresses; those that are written nowhere cost nothing. */
struct shadow {
    const char *base;
    state *states;
    touched *words, *bytes;
};

static unsigned now = 1, launch_began, block_began;

static shadow make_shadow(const char *base, size_t bytes)
{
    return {base, lazy_room<state>(bytes), lazy_room<touched>(bytes / WORD), lazy_room<touched>(bytes)};
}

static shadow &of_device()
{
    static shadow made = make_shadow(device_range, DEVICE_RANGE);
    return made;
}

static const size_t MOST_SHARED = (size_t)256 << 10;

static shadow &of_block()
{
    static shadow made = make_shadow(nullptr, MOST_SHARED);
    return made;
}

/* ---- States ---- */

static void set_states(const void *block, size_t bytes, state s)
{
    if (checking && is_an_address_of_the_device(block))
        memset(of_device().states + ((const char *)block - device_range), s, bytes);
}

void check_allocated(const void *block, size_t bytes) { set_states(block, bytes, FRESH); }
void check_written(const void *block, size_t bytes) { set_states(block, bytes, WRITTEN); }

void check_freed(const void *block, size_t bytes)
{
    static const size_t PAGE = 4096;
    if (!checking)
        return;
    const shadow &s = of_device();
    size_t at = (size_t)((const char *)block - s.base), first = (at + PAGE - 1) / PAGE * PAGE, last = (at + bytes) / PAGE * PAGE;
    set_states(block, bytes, NOBODYS);
    if (first >= last)
        return;
    madvise(s.states + first, last - first, MADV_DONTNEED);
    madvise(s.words + first / WORD, (last - first) / WORD * sizeof *s.words, MADV_DONTNEED);
    madvise(s.bytes + first, (last - first) * sizeof *s.bytes, MADV_DONTNEED);
}

/* Behind each array within an allocation: bytes that are nobody's. */
static const size_t GAP = 64;

/* What is wrong with touching these bytes; NULL: nothing. */
static const char *judge(state *states, size_t bytes, bool writes)
{
    static const state written[16] = {WRITTEN, WRITTEN, WRITTEN, WRITTEN, WRITTEN, WRITTEN, WRITTEN, WRITTEN,
        WRITTEN, WRITTEN, WRITTEN, WRITTEN, WRITTEN, WRITTEN, WRITTEN, WRITTEN};
    if (memcmp(states, written, bytes) == 0)
        return nullptr;
    if (memchr(states, NOBODYS, bytes) != nullptr)
        return "which is of no array";
    if (!writes)
        return "which was never written";
    memset(states, WRITTEN, bytes);
    return nullptr;
}

/* ---- Races ---- */

static unsigned this_thread()
{
    unsigned block = (block_index.z * grid_size.y + block_index.y) * grid_size.x + block_index.x;
    unsigned thread = (thread_index.z * block_size.y + thread_index.y) * block_size.x + thread_index.x;
    return block * block_size.x * block_size.y * block_size.z + thread + 1;
}

void check_launch(const char *kernel)
{
    launch_began = ++now;
    if (counting)
        count_from(kernel);
}

void check_block(const void *shared, size_t bytes)
{
    block_began = ++now;
    if (!checking || bytes > MOST_SHARED)
        return;
    of_block().base = (const char *)shared;
    memset(of_block().states, FRESH, bytes);
}

void check_barrier() { now++; }

/* Whether a barrier of this block lies between that time and now. */
static bool is_over(unsigned time) { return time >= block_began && time < now; }

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

static unsigned touch(touched &t, unsigned me, bool writes)
{
    unsigned other = conflict(t, me, writes);
    remember(t, me, writes);
    return other;
}

/* `count` bytes of the word from `first` on. */
static unsigned touch_word(const shadow &s, size_t word, size_t first, size_t count, unsigned me, bool writes, unsigned began)
{
    touched &t = s.words[word], *bytes = &s.bytes[word * WORD];
    if (t.written < began && t.read < began)
        t = {};
    if (!t.in_parts && count == WORD)
        return touch(t, me, writes);
    if (!t.in_parts) {
        for (size_t k = 0; k < WORD; k++)
            bytes[k] = t;
        t.in_parts = true;
        t.written = now;
    }
    unsigned other = 0;
    for (size_t k = first; k < first + count; k++) {
        unsigned found = touch(bytes[k], me, writes);
        other = found != 0 ? found : other;
    }
    return other;
}

static unsigned touch_all(const shadow &s, size_t at, size_t bytes, unsigned me, bool writes, unsigned began)
{
    unsigned other = 0;
    for (size_t end = at + bytes; at < end;) {
        size_t first = at % WORD, count = WORD - first < end - at ? WORD - first : end - at;
        unsigned found = touch_word(s, at / WORD, first, count, me, writes, began);
        other = found != 0 ? found : other;
        at += count;
    }
    return other;
}

bool check_access(const void *place, size_t bytes, bool writes, const std::function<std::string()> &where)
{
    bool global = is_an_address_of_the_device(place);
    const shadow &s = global ? of_device() : of_block();
    size_t at = (size_t)((const char *)place - s.base);
    const char *wrong = judge(s.states + at, bytes, writes);
    if (wrong != nullptr)
        complain("%s: thread %u %s %p, %s", where().c_str(), this_thread() - 1, writes ? "writes" : "reads", place, wrong);
    if (wrong != nullptr && s.states[at] == NOBODYS)
        return false;
    if (global && counting)
        count_moved(place, bytes, writes);
    unsigned me = this_thread(), other = touch_all(s, at, bytes, me, writes, global ? launch_began : block_began);
    if (other != 0)
        complain("%s: a race: thread %u %s %p, which thread %u touches, too", where().c_str(), me - 1, writes ? "writes" : "reads", place, other - 1);
    return true;
}

}

extern "C" size_t knn__cuda_placed(void *array, size_t bytes)
{
    using namespace emulator;
    size_t slack = (GAP - bytes % GAP) % GAP, gap = GAP + (some_unaligned ? sizeof(double) : 0);
    if (array != nullptr)
        set_states((char *)array + bytes, slack + gap, NOBODYS);
    return gap;
}
