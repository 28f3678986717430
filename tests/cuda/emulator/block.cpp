/* Runs the threads of a block: each to its next barrier, or to its end. A thread that waits keeps its stack, and the next one gets another;
 * those that meet no barrier share one, so that only kernels with barriers pay for switching. */
#include "block.h"
#include "inside.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace emulator {

static const size_t STACK = (size_t)256 << 10;
static const int NAN_BYTE = 0xff;

/* A stack that threads of the kernel run on; or that of the caller of run_block. */
struct strand { void *state[5]; bool begun; void *stack; size_t size; };

struct thread {
    uint3 index;
    enum { FRESH, RUNNING, WAITING, DONE } state;
    strand *on;                             /* while it waits */
    const char *file;                       /* where it waits */
    int line;
};

uint3 thread_index;

static strand host = {{}, true, nullptr, 0}, *now = &host;
static std::vector<std::unique_ptr<strand>> strands;
static std::vector<strand *> spare;
static std::vector<thread> threads;         /* of the block, in the order that they run in */
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
    strands.emplace_back(new strand{{}, false, stack, STACK});
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

void barrier(const char *file, int line)
{
    thread &t = threads[current];
    t.state = thread::WAITING;
    t.on = now;
    t.file = file;
    t.line = line;
    switch_to(&host);
}

static bool same_place(const thread &a, const thread &b)
{
    return a.line == b.line && (a.file == b.file || strcmp(a.file, b.file) == 0);
}

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

static bool some_wait()
{
    for (const thread &t : threads)
        if (t.state == thread::WAITING)
            return true;
    return false;
}

void run_block(const std::vector<uint3> &order, size_t bytes, const std::function<void()> &of)
{
    shared.assign(bytes, NAN_BYTE);
    check_block(shared.data(), bytes);
    kernel = &of;
    threads.clear();
    for (uint3 index : order)
        threads.push_back({index, thread::FRESH, nullptr, "", 0});
    for (current = 0; first_fresh(current) < threads.size();)
        switch_to(spare_strand());
    while (some_wait()) {
        expect_all_at_one_barrier();
        check_barrier();
        for (size_t t = 0; t < threads.size(); t++)
            if (threads[t].state == thread::WAITING) {
                enter(t);
                switch_to(threads[t].on);
            }
    }
    finish_requests();
}

}
