/* knn_benchmark: measures one figure of the library, and prints a line for it that a script can read.
 * It compares nothing: benchmark.sh runs it side by side with the peers.
 *
 *     train        a training step on a batch of 32, ms an image
 *     predict      inference on a batch of 32, ms an image
 *     one          inference on a single image: the latency
 *     pictures     a sample of --data, decoded or from the cache, as it is or augmented, ms a picture
 *     epoch        catdog's whole job on --data: pictures, training, validation, ms an epoch
 *     cold         `catdog -f` from start to end, given a model: --program
 *     fma          what the processor's multipliers could do
 *
 * One figure is one process, so that the memory it needed (peak_mb) is its own. Before a net is timed, its results are held against the
 * reference backend (check.c).
 */
#include "benchmark.h"

#include "model/model.h"                    /* force_kernel and training_slices, which the public interface does not have */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void measure_net(const struct settings *settings, const char *figure, void (*body)(void *), int images)
{
    check_results(settings, images, body == train);
    struct work work = prepare(settings, "cpu", images);
    struct timing timing = measure(settings->seconds, images, body, &work);
    print_line(settings, &timing, figure, "net=%s batch=%d", settings->net->name, images);
    release(&work);
}

static void measure_train(const struct settings *settings)
{
    measure_net(settings, "train", train, BATCH);
}

static void measure_predict(const struct settings *settings)
{
    measure_net(settings, "predict", predict, BATCH);
}

static void measure_one(const struct settings *settings)
{
    measure_net(settings, "one", predict, 1);
}

static const struct figure {
    const char *name;
    void (*measure)(const struct settings *settings);
    bool of_pictures;                       /* wants --data */
} figures[] = {
    {"train", measure_train, false}, {"predict", measure_predict, false}, {"one", measure_one, false},
    {"pictures", measure_pictures, true}, {"epoch", measure_epoch, true}, {"cold", measure_cold, true},
    {"fma", measure_fma, false}
};

static const char usage[] =
    "usage: knn_benchmark [--net catdog|vgg|mnist|cifar|wide] [--threads N] [--kernels fused|general] [--slices N] [--seconds S]\n"
    "                     [--epochs N] [--data DIRECTORY] [--program CATDOG] train|predict|one|pictures|epoch|cold|fma\n";

static void misused(void)
{
    fputs(usage, stderr);
    exit(2);
}

static const struct net *find_net(const char *name)
{
    for (const struct net *net = nets; net->name != NULL; net++)
        if (strcmp(net->name, name) == 0)
            return net;
    misused();
    return NULL;
}

static const struct figure *find_figure(const char *name)
{
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (strcmp(figures[i].name, name) == 0)
            return &figures[i];
    misused();
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"net", required_argument, NULL, 'n'}, {"threads", required_argument, NULL, 't'}, {"kernels", required_argument, NULL, 'k'},
        {"slices", required_argument, NULL, 'S'}, {"seconds", required_argument, NULL, 's'}, {"epochs", required_argument, NULL, 'e'},
        {"data", required_argument, NULL, 'd'}, {"program", required_argument, NULL, 'p'}, {"help", no_argument, NULL, 'h'}, {0}};
    struct settings settings = {.net = nets, .threads = (int)sysconf(_SC_NPROCESSORS_ONLN), .seconds = 3, .epochs = 3};
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1)
        switch (option) {
        case 'n': settings.net = find_net(optarg); break;
        case 't': settings.threads = atoi(optarg); break;
        case 'k': settings.general = strcmp(optarg, "general") == 0; break;
        case 'S': settings.slices = atoi(optarg); break;
        case 's': settings.seconds = atof(optarg); break;
        case 'e': settings.epochs = atoi(optarg); break;
        case 'd': settings.data = optarg; break;
        case 'p': settings.program = optarg; break;
        case 'h': fputs(usage, stdout); return EXIT_SUCCESS;
        default: misused();
        }
    if (optind != argc - 1 || settings.threads < 1 || settings.epochs < 1)
        misused();
    const struct figure *figure = find_figure(argv[optind]);
    if (figure->of_pictures && settings.data == NULL)
        misused();
    figure->measure(&settings);
    return EXIT_SUCCESS;
}
