/* What callbacks that watch a number of the logs share: which one, and when it is better. */
#include "core/text.h"
#include "training/callbacks.h"

#include <math.h>

const char *const knn__mode_names[] = {"auto", "min", "max", NULL};

/* Keras 3's directions of metrics: what is called after an error or a loss falls, all others grow. */
static bool metric_grows(const knn__metric *metric)
{
    static const char *const falling[] = {"Error", "Crossentropy", "Hinge", "KLDivergence", "Poisson"};
    for (size_t i = 0; i < sizeof falling / sizeof *falling; i++)
        if (knn__text_ends_with(metric->kind->class_name, falling[i], false))
            return false;
    return true;
}

/* The metric behind a log's place; NULL: a loss, the learning rate. */
static const knn__metric *metric_of(const knn__training *training, int log)
{
    const knn__compiled *compiled = &training->model->compiled;
    int index = (log < training->logs.training ? log : log - training->logs.training) - 1;
    return index >= 0 && index < compiled->metric_count && log < training->logs.rate ? &compiled->metrics[index] : NULL;
}

static bool grows_when_better(const knn__training *training, int log)
{
    const knn__metric *metric = metric_of(training, log);
    const char *key = training->logs.names[log];
    if (metric != NULL)
        return metric_grows(metric);
    return knn__text_ends_with(key, "acc", false) || knn__text_ends_with(key, "accuracy", false) ||
           knn__text_ends_with(key, "auc", false);
}

knn_status knn__monitor_resolve(const knn__training *training, const char *key, knn_mode mode, knn__monitor *monitor)
{
    if (key == NULL)
        key = "val_loss";
    monitor->log = knn__logs_find(&training->logs, key);
    if (monitor->log < 0)
        return knn__logs_unknown(&training->logs, "monitor", key);
    monitor->maximize = mode == KNN_MODE_MAX || (mode == KNN_MODE_AUTO && grows_when_better(training, monitor->log));
    return KNN_OK;
}

double knn__monitor_worst(const knn__monitor *monitor)
{
    return monitor->maximize ? -INFINITY : INFINITY;
}

double knn__monitor_value(const knn__monitor *monitor, const knn__training *training)
{
    return training->logs.values[monitor->log];
}

bool knn__monitor_improved(const knn__monitor *monitor, double value, double best, double delta)
{
    return monitor->maximize ? value - delta > best : value + delta < best;
}
