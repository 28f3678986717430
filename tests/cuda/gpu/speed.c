/* The tutorial's net on a GPU beside this machine's CPU, as a table for docs/cuda.md: least and median times. Checks no result. */
#include "benchmark.h"
#include "support/without_gpu.h"

#include <unistd.h>

static const struct figure { const char *name; void (*body)(void *work); int images; } figures[] = {
    {"training step", train, BATCH}, {"inference", predict, BATCH}, {"inference", predict, 1}};

static struct timing time_on(const char *backend, const struct settings *settings, const struct figure *f)
{
    struct work work = prepare(settings, backend, f->images);
    struct timing timing = measure(settings->seconds, f->images, f->body, &work);
    release(&work);
    return timing;
}

/* Times of so many images. */
static void print_row(const struct figure *f, int images, const char *of, const struct timing *cpu, const struct timing *cuda)
{
    printf("| %s, batch %d, ms%s | %.4g (%.4g) | %.4g (%.4g) | %.1f |\n", f->name, f->images, of, images * cpu->least, images * cpu->median,
           images * cuda->least, images * cuda->median, cpu->least / cuda->least);
}

int main(void)
{
    const struct settings settings = {.net = nets, .threads = (int)sysconf(_SC_NPROCESSORS_ONLN), .seconds = 3};
    int missing = without_gpu("cuda");
    if (missing != EXIT_SUCCESS)
        return missing;
    printf("%s\n\n| %s: least (median) | cpu, %d threads | cuda | cpu / cuda |\n|---|---|---|---|\n", knn_build_info(), settings.net->name,
           settings.threads);
    for (const struct figure *f = figures; f < figures + sizeof figures / sizeof *figures; f++) {
        struct timing cpu = time_on("cpu", &settings, f), cuda = time_on("cuda", &settings, f);
        if (f->images > 1)
            print_row(f, f->images, "", &cpu, &cuda);
        print_row(f, 1, f->images > 1 ? " an image" : "", &cpu, &cuda);
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}
