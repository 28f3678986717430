/* The harness as a program: knn_harness [test | tensor | grad | speed | support] [backend] [group] [images]. */
#include "harness.h"

#include "support/without_gpu.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A kernel has touched the page beside its buffers (or jumped into nowhere): say which. Only write() may be called here. */
static void crashed(int signal_number)
{
    static const char text[] = "CRASHED (reads or writes beyond a buffer?): ";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    ignored += write(STDERR_FILENO, harness_now, strlen(harness_now));
    ignored += write(STDERR_FILENO, "\n", 1);
    (void)ignored;
    _exit(128 + signal_number);
}

static int finish(const harness_report *report, const char *mode)
{
    printf("%s: %d cases, %d of them refused, %d runs, %d failures\n", mode, report->cases, report->refused, report->runs, report->failures);
    return report->failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "test", *backend = argc > 2 ? argv[2] : "auto", *group = argc > 3 ? argv[3] : NULL;
    int images = argc > 4 ? atoi(argv[4]) : 32;
    harness_report report = {.to = stdout};
    int missing = strncmp(backend, "cuda", 4) == 0 ? without_gpu(backend) : EXIT_SUCCESS;
    if (missing != EXIT_SUCCESS)
        return missing;
    signal(SIGSEGV, crashed);
    signal(SIGBUS, crashed);
    if (strcmp(mode, "test") == 0) {
        harness_test(backend, group, &report);
        if (group == NULL) {
            harness_test_plan(&report);
            harness_test_learning(backend, &report);
            harness_test_steps(backend, &report);
            harness_test_pictures(backend, &report);
        }
    } else if (strcmp(mode, "tensor") == 0) {
        report.tensor = true;
        harness_test(backend, group != NULL ? group : "convolution", &report);
        printf("largest error in TF32: %.2g\n", report.largest_error);
    } else if (strcmp(mode, "grad") == 0) {
        harness_grad(group, &report);
        if (group == NULL)
            harness_grad_losses(&report);
    } else if (strcmp(mode, "support") == 0)
        harness_support(backend, &report);
    else if (strcmp(mode, "speed") == 0 && images > 0)
        harness_speed(backend, group != NULL ? group : "catdog", images, stdout);
    else {
        fprintf(stderr, "usage: knn_harness [test | tensor | grad | speed | support] [backend] [group] [images]\n");
        return EXIT_FAILURE;
    }
    return strcmp(mode, "speed") == 0 ? EXIT_SUCCESS : finish(&report, mode);
}
