/* Runs the threads of a block: each to its next barrier, or to its end; on the way those of a warp may meet. A thread that waits keeps its
 * stack, and the next one gets another; those that never wait share one, so that only kernels with barriers pay for switching. */
#include "block.h"
#include "inside.h"
#include "launch.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace emulator {

/* Stacks end at different places of their pages: else they would take each other's place in the processor's cache. */
static const size_t STACK = (size_t)256 << 10, COLOURS = 61, LINE = 64 * 5;
static const int NAN_BYTE = 0xff;

/* A stack that threads of the kernel run on; or that of the caller of run_block. */
struct strand { void *state[5]; bool begun; void *stack; size_t size; };

struct thread {
    uint3 index;
    enum { FRESH, RUNNING, WAITING, MEETING, READY, DONE } state;      /* waiting for the block, for its warp, for its turn */
    strand *on;                             /* while it waits */
    const char *file;                       /* where it waits */
    int line;
};

uint3 thread_index;

static strand host = {{}, true, nullptr, 0}, *now = &host;
static std::vector<std::unique_ptr<strand>> strands;
static std::vector<strand *> spare;
static std::vector<thread> threads;         /* of the block, in the order that they run in */
static std::vector<size_t> ready;           /* of `threads`, those whose turn it is, in order */

/* Those of a warp that have come to where it meets, in order, and what they bring, by lane. */
struct warp { int count; size_t come[WARP]; void *brought[WARP]; };
static std::vector<warp> warps;
static size_t current;
static const std::function<void()> *kernel;
static std::vector<unsigned char> shared;

unsigned char *shared_memory() { return shared.data(); }
size_t shared_bytes() { return shared.size(); }

/* ---- Switching: the compiler's own setjmp and longjmp, since swapcontext calls the system each time, and the C library's longjmp may
 * refuse to leave for another stack. What does it is not for AddressSanitizer, which takes a jump for the end of all frames. ---- */

#define NOT_SANITIZED __attribute__((noinline, no_sanitize_address))

static void run_fresh_threads();

NOT_SANITIZED static void begin(strand *s)
{
    ucontext_t context;
    s->begun = true;
    getcontext(&context);
    context.uc_stack.ss_sp = s->stack;
    context.uc_stack.ss_size = s->size;
    makecontext(&context, run_fresh_threads, 0);
    setcontext(&context);
}

NOT_SANITIZED static void go_on_with(strand *to)
{
    if (to->begun)
        __builtin_longjmp(to->state, 1);
    begin(to);
}

NOT_SANITIZED static void leave_for(strand *to)
{
    strand *from = now;
    now = to;
    if (__builtin_setjmp(from->state) == 0)
        go_on_with(to);
}

#if defined(__SANITIZE_ADDRESS__)
static void arrived(void *fake_stack)
{
    const void *stack;
    size_t size;
    __sanitizer_finish_switch_fiber(fake_stack, &stack, &size);
    if (now != &host) {                     /* from there */
        host.stack = const_cast<void *>(stack);
        host.size = size;
    }
}

static void switch_to(strand *to)
{
    void *fake_stack;
    __sanitizer_start_switch_fiber(&fake_stack, to->stack, to->size);
    leave_for(to);
    arrived(fake_stack);
}
#else
static void arrived(void *) {}
static void switch_to(strand *to) { leave_for(to); }
#endif

static strand *spare_strand()
{
    if (!spare.empty()) {
        strand *s = spare.back();
        spare.pop_back();
        return s;
    }
    void *stack = mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED)
        abort();
    strands.emplace_back(new strand{{}, false, stack, STACK - strands.size() % COLOURS * LINE});
    return strands.back().get();
}

/* ---- Threads ---- */

static void enter(size_t number)
{
    current = number;
    threads[number].state = thread::RUNNING;
    thread_index = threads[number].index;
}

static size_t first_fresh(size_t from)
{
    while (from < threads.size() && threads[from].state != thread::FRESH)
        from++;
    return from;
}

/* What a strand does for ever: threads that have not begun, one after the other. */
static void run_fresh_threads()
{
    arrived(nullptr);
    for (;;) {
        for (size_t next; (next = first_fresh(current)) < threads.size();) {
            enter(next);
            (*kernel)();
            threads[current].state = thread::DONE;
        }
        spare.push_back(now);
        switch_to(&host);
    }
}

static void wait_as(decltype(thread::state) state)
{
    threads[current].state = state;
    threads[current].on = now;
    switch_to(&host);
}

static thread &come_to(const char *file, int line)
{
    threads[current].file = file;
    threads[current].line = line;
    return threads[current];
}

static bool same_place(const thread &a, const thread &b)
{
    return a.line == b.line && (a.file == b.file || strcmp(a.file, b.file) == 0);
}

void barrier(const char *file, int line)
{
    come_to(file, line);
    wait_as(thread::WAITING);
}

/* ---- Warps ---- */

static void get_ready(size_t number)
{
    threads[number].state = thread::READY;
    ready.push_back(number);
}

/* But for the last, who has not stopped. */
static void let_go(warp &w, const thread &last)
{
    for (int i = 0; i < WARP - 1; i++) {
        const thread &t = threads[w.come[i]];
        if (!same_place(t, last))
            complain("%s:%d: a divergent warp: thread %u is here, thread %u at %s:%d", last.file, last.line, last.index.x, t.index.x, t.file, t.line);
        get_ready(w.come[i]);
    }
    w.count = 0;
}

void meet(const char *file, int line, void *mine, warp_work *work)
{
    const thread &here = come_to(file, line);
    unsigned number = here.index.x + block_size.x * (here.index.y + block_size.y * here.index.z), lane = number % WARP;
    warp &w = warps[number / WARP];
    w.brought[lane] = mine;
    w.come[w.count++] = current;
    if (w.count < WARP) {
        wait_as(thread::MEETING);
        return;
    }
    work(w.brought);
    let_go(w, here);
}

/* The others of their warps have ended, or wait for the block. */
static void give_up_meetings()
{
    for (warp &w : warps) {
        for (int i = 0; i < w.count; i++) {
            const thread &t = threads[w.come[i]];
            complain("%s:%d: a divergent warp: thread %u is here, others are not", t.file, t.line, t.index.x);
            get_ready(w.come[i]);
        }
        w.count = 0;
    }
}

/* ---- Blocks ---- */

/* A barrier is for all threads of a block: none may have ended, or wait at another. */
static void expect_all_at_one_barrier()
{
    const thread *waiting = nullptr;
    for (const thread &t : threads)
        if (t.state == thread::WAITING)
            waiting = &t;
    for (const thread &t : threads)
        if (t.state == thread::DONE)
            complain("%s:%d: a divergent barrier: thread %u waits, thread %u has ended", waiting->file, waiting->line, waiting->index.x, t.index.x);
        else if (!same_place(t, *waiting))
            complain("%s:%d: a divergent barrier: thread %u waits, thread %u at %s:%d", waiting->file, waiting->line, waiting->index.x,
                     t.index.x, t.file, t.line);
}

static bool some_are(decltype(thread::state) state)
{
    for (const thread &t : threads)
        if (t.state == state)
            return true;
    return false;
}

/* Until none can go on by itself. */
static void run_ready_threads()
{
    for (size_t i = 0; i < ready.size(); i++) {             /* more get ready meanwhile */
        size_t number = ready[i];
        enter(number);
        switch_to(threads[number].on);
    }
    ready.clear();
}

static void pass_barrier()
{
    expect_all_at_one_barrier();
    check_barrier();
    for (size_t t = 0; t < threads.size(); t++)
        if (threads[t].state == thread::WAITING)
            get_ready(t);
}

void run_block(const std::vector<uint3> &order, size_t bytes, const std::function<void()> &of)
{
    shared.assign(bytes, NAN_BYTE);
    check_block(shared.data(), bytes);
    kernel = &of;
    threads.clear();
    for (uint3 index : order)
        threads.push_back({index, thread::FRESH, nullptr, "", 0});
    warps.assign((order.size() + WARP - 1) / WARP, warp{});
    for (current = 0; first_fresh(current) < threads.size();)
        switch_to(spare_strand());
    for (run_ready_threads(); some_are(thread::WAITING) || some_are(thread::MEETING); run_ready_threads())
        if (some_are(thread::MEETING))
            give_up_meetings();
        else
            pass_barrier();
    finish_requests();
}

}
