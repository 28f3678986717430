/* Prints what a training step of the tutorial's net moves in a GPU's memory: bytes that threads ask for, and bytes of different sectors, for each
 * kernel, counted with one and with two pictures, and from these for a batch; then the lines whose warps ask for it worst.
 *
 *     traffic [SIDE]         of the pictures: 150 */
#include "counted_step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_KERNELS = 64, WORST_LINES = 16 };
static const double MB = 1e6;

/* All launches of a kernel; counted with one picture and with two. */
typedef struct kernel { const char *name; long launches[2]; size_t requested[2], moved[2]; } kernel;

static kernel *find(kernel *all, const char *name)
{
    while (all->name != NULL && strcmp(all->name, name) != 0)
        all++;
    all->name = name;
    return all;
}

/* The last one has no name. */
static void add_up(const counted_step steps[2], kernel all[MOST_KERNELS + 1])
{
    for (int s = 1; s >= 0; s--)
        for (size_t i = 0; i < steps[s].launch_count; i++) {
            const emulator_traffic *from = &steps[s].launches[i];
            kernel *to = find(all, from->kernel);
            to->launches[s]++;
            to->requested[s] += from->requested;
            to->moved[s] += from->moved;
        }
}

static void print_kernel(const kernel *k)
{
    printf("%-40.40s %4ld %9.2f %9.2f %9.2f %9.2f %9.1f %9.1f\n", k->name, k->launches[1], (double)k->requested[0] / MB,
           (double)k->requested[1] / MB, (double)k->moved[0] / MB, (double)k->moved[1] / MB, of_batch(k->requested[0], k->requested[1]) / MB,
           of_batch(k->moved[0], k->moved[1]) / MB);
}

static void print_kernels(const kernel *k)
{
    kernel all = {.name = "all"};
    printf("%-40s %4s %19s %19s %19s\n%-40s %4s %9s %9s %9s %9s %9s %9s\n", "MB a training step", "", "requested by", "sectors by", "of 32 pictures",
           "kernel", "", "1", "2", "1", "2", "requested", "sectors");
    for (; k->name != NULL; k++) {
        print_kernel(k);
        for (int s = 0; s < 2; s++) {
            all.launches[s] += k->launches[s];
            all.requested[s] += k->requested[s];
            all.moved[s] += k->moved[s];
        }
    }
    print_kernel(&all);
}

/* Sectors or turns that were not needed. */
static size_t wasted(const emulator_requests *line) { return line->taken - line->needed; }

static int compare_lines(const void *a, const void *b)
{
    size_t x = wasted(a), y = wasted(b);
    return (x < y) - (x > y);
}

static void print_lines(counted_step *step)
{
    qsort(step->lines, step->line_count, sizeof *step->lines, compare_lines);
    printf("\n%-40s %-28s %10s %10s %6s\n", "the worst lines", "", "needed", "taken", "");
    for (size_t i = 0; i < step->line_count && i < WORST_LINES; i++) {
        const emulator_requests *line = &step->lines[i];
        printf("%-40.40s %-28s %10zu %10zu %5.1f%% %s\n", line->kernel, line->place, line->needed, line->taken,
               100 * (double)line->needed / (double)line->taken, line->shared ? "turns of the banks" : "sectors");
    }
}

int main(int words, char **word)
{
    static counted_step steps[2];
    static kernel kernels[MOST_KERNELS + 1];
    struct net net = nets[0];
    const char *complaint = "";
    if (words > 1)
        net.height = net.width = atoi(word[1]);
    for (int s = 0; s < 2 && complaint[0] == '\0'; s++)
        complaint = count_step(&net, s + 1, &steps[s]);
    add_up(steps, kernels);
    print_kernels(kernels);
    print_lines(&steps[1]);
    fprintf(stderr, "%s", complaint);
    return complaint[0] == '\0' ? EXIT_SUCCESS : EXIT_FAILURE;
}
