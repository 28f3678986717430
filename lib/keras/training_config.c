/* Reads and writes training_config: loss, metrics, optimizer. Whatever it does not understand it says, and compiles
 * nothing. */
#include "keras/training_config.h"

#include "core/memory.h"

#include <stdio.h>
#include <string.h>

/* ---- Reading ---- */

/* Options that are on where Keras has them and the library has not. */
static const char *const refused_when_on[] = {"loss_scale_factor", "schedule_decay", NULL};

static const char *class_of(const cJSON *item)
{
    return knn__json_text(cJSON_IsObject(item) ? knn__json_get(item, "class_name") : item);
}

static bool unknown(knn__reading *reading, const char *what, const char *class_name)
{
    return knn__unsupported(reading, "%s %.60s", what, class_name != NULL ? class_name : "without a class");
}

/* Keras before 2.11: rate / (1 + decay * step), an option there and a schedule here. */
static bool read_decay(knn__reading *reading, const knn__kind *kind, const cJSON *config, void *optimizer)
{
    double decay = 0, rate = 0;

    if (!knn__json_real(knn__json_get(config, "decay"), &decay) || decay == 0 ||
        !knn__json_real(knn__config_get(config, "learning_rate"), &rate))
        return true;
    knn_exponential_decay_schedule *schedule = knn__reading_alloc(reading, 1, sizeof *schedule);
    if (schedule == NULL)
        return false;
    *schedule = (knn_exponential_decay_schedule){{"InverseTimeDecay", sizeof *schedule, NULL}, rate, 1, decay, false};
    for (const knn_field *field = kind->fields; field->name != NULL; field++)
        if (field->kind == KNN_FIELD_NESTED)
            *(const knn_schedule **)knn__member(optimizer, field) = &schedule->schedule;
    return true;
}

static void read_extras(const knn__kind *kind, const cJSON *ours, void *optimizer)
{
    for (const knn_field *field = kind->fields; field->name != NULL; field++)
        if (strcmp(field->name, "epsilon_outside") == 0)
            knn__json_bool(knn__json_get(ours, field->name), knn__member(optimizer, field));
}

static bool read_optimizer(knn__reading *reading, const cJSON *item, const cJSON *ours, const knn_optimizer **optimizer)
{
    const knn__kind *kind = knn__find_class(knn__optimizer_kinds, class_of(item));
    const cJSON *config = knn__json_get(item, "config");

    if (kind == NULL)
        return unknown(reading, "optimizer", class_of(item));
    for (const char *const *key = refused_when_on; *key != NULL; key++) {
        bool on = true;
        const cJSON *option = knn__json_get(config, *key);
        if (option != NULL && !(knn__json_bool(option, &on) && !on))
            return unknown(reading, "optimizer option", *key);
    }
    void *made = knn__read_description(reading, kind, config);
    if (made == NULL || !read_decay(reading, kind, config, made))
        return false;
    read_extras(kind, ours, made);
    *optimizer = made;
    return true;
}

/* A name, an object, or a list of one of these. */
static bool read_loss(knn__reading *reading, const cJSON *item, const knn_loss **loss)
{
    if (cJSON_IsArray(item) && cJSON_GetArraySize(item) == 1)
        item = cJSON_GetArrayItem(item, 0);
    const cJSON *config = knn__json_get(item, "config");
    int axis = 0;
    const knn__kind *kind = knn__find_class(knn__loss_kinds, class_of(item));
    if (kind == NULL)
        return unknown(reading, "loss", class_of(item));
    if (knn__json_get(config, "ignore_class") != NULL)
        return unknown(reading, "loss option", "ignore_class");
    if (knn__json_get(config, "axis") != NULL && !(knn__json_int(knn__json_get(config, "axis"), &axis) && axis == -1))
        return unknown(reading, "loss option", "axis");
    return (*loss = knn__read_description(reading, kind, config)) != NULL;
}

static bool is_accuracy(const char *name)
{
    return knn__text_equal(name, "acc") || knn__text_equal(name, "accuracy");
}

/* Options that are lists or on where the library has no such thing. */
static bool refuses_option(knn__reading *reading, const cJSON *config)
{
    static const char *const keys[] = {"multi_label", "label_weights", "num_labels", "ignore_class"};
    bool on = true;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const cJSON *option = knn__json_get(config, keys[i]);
        if (option != NULL && !(knn__json_bool(option, &on) && !on))
            return !unknown(reading, "metric option", keys[i]);
    }
    return cJSON_IsArray(knn__json_get(config, "thresholds")) && !unknown(reading, "metric option", "several thresholds");
}

/* "acc"; {"class_name": "BinaryAccuracy", "config": {"name": "acc"}}; tf.keras: a MeanMetricWrapper around a function.
 * What it wraps for "acc" is a guess where the model has not been trained yet. */
static bool read_metric(knn__reading *reading, const cJSON *item, const knn_metric **metric)
{
    const cJSON *config = cJSON_IsObject(item) ? knn__json_get(item, "config") : NULL;
    const char *class_name = class_of(item), *name = config != NULL ? knn__json_text(knn__json_get(config, "name")) : class_name;

    if (class_name != NULL && knn__same_class(class_name, "MeanMetricWrapper"))
        class_name = is_accuracy(name) ? name : knn__json_text(knn__json_get(config, "fn"));
    const knn__kind *kind = knn__find_class(knn__metric_kinds, class_name);
    if (kind == NULL)
        return unknown(reading, "metric", class_name);
    void *made = refuses_option(reading, config) ? NULL : knn__read_description(reading, kind, config);
    if (made == NULL)
        return false;
    *(const char **)(void *)((char *)made + kind->name_offset) = name;
    *metric = made;
    return true;
}

/* A list; tf.keras has one such list for each output. */
static bool read_metrics(knn__reading *reading, const cJSON *list, const knn_metric **metrics)
{
    const cJSON *item;
    int count = 0;

    if (cJSON_IsArray(list) && cJSON_GetArraySize(list) == 1 && cJSON_IsArray(cJSON_GetArrayItem(list, 0)))
        list = cJSON_GetArrayItem(list, 0);
    cJSON_ArrayForEach(item, list) {
        if (count == KNN_MAX_METRICS)
            return knn__unsupported(reading, "more than %d metrics", KNN_MAX_METRICS);
        if (!read_metric(reading, item, &metrics[count++]))
            return false;
    }
    return true;
}

static bool is_empty(const cJSON *item)
{
    if (cJSON_IsArray(item) && cJSON_GetArraySize(item) == 1)
        item = cJSON_GetArrayItem(item, 0);
    return item == NULL || cJSON_IsNull(item) || (cJSON_IsArray(item) && cJSON_GetArraySize(item) == 0);
}

bool knn__training_config_read(knn__reading *reading, const cJSON *json, const cJSON *ours,
                               knn_compile_options *options)
{
    *options = (knn_compile_options){.size = sizeof *options};
    if (!is_empty(knn__json_get(json, "loss_weights")))
        return unknown(reading, "option", "loss_weights");
    const cJSON *optimizer = knn__json_get(json, "optimizer_config");
    return read_optimizer(reading, optimizer != NULL ? optimizer : knn__json_get(json, "optimizer"), ours, &options->optimizer) &&
           read_loss(reading, knn__json_get(json, "loss"), &options->loss) &&
           read_metrics(reading, knn__json_get(json, "metrics"), options->metrics) &&
           read_metrics(reading, knn__json_get(json, "weighted_metrics"), options->weighted_metrics);
}

/* ---- Writing ---- */

/* Keras 3 knows "binary_crossentropy", but no short names. */
void knn__write_loss(const knn__loss *loss, const char *key, bool modules, knn__text *text)
{
    char name[64];

    if (loss->kind == NULL)
        knn__json_put_text(text, key, loss->description->custom->class_name);
    else if (!knn__all_normal(loss->kind->fields, loss->description))
        knn__write_object(text, key, modules ? "keras.losses" : NULL, loss->kind->class_name, loss->kind->fields, loss->description);
    else {
        knn__snake_case(loss->kind->class_name, name, sizeof name);
        knn__json_put_text(text, key, name);
    }
}

/* The class that "accuracy" turned out to be, for names that Keras does not take for accuracy. */
static const char *metric_class(const knn__metric *metric)
{
    if (strcmp(metric->kind->class_name, "accuracy") != 0)
        return metric->kind->class_name;
    return metric->op == KNN_METRIC_BINARY_ACCURACY ? "BinaryAccuracy"
           : metric->op == KNN_METRIC_CATEGORICAL_ACCURACY ? "CategoricalAccuracy" : "SparseCategoricalAccuracy";
}

/* A name alone only for those that all versions of Keras have as functions of the same name. */
void knn__write_metric(const knn__metric *metric, bool modules, knn__text *text)
{
    char name[64];
    const char *class_name = metric_class(metric);
    bool accuracy = strcmp(metric->kind->class_name, "accuracy") == 0;
    bool mean = metric->op == KNN_METRIC_LOSS &&
                (metric->loss.op == KNN_LOSS_MEAN_SQUARED_ERROR || metric->loss.op == KNN_LOSS_MEAN_ABSOLUTE_ERROR);
    bool function = metric->op <= KNN_METRIC_SPARSE_CATEGORICAL_ACCURACY || mean;

    knn__snake_case(class_name, name, sizeof name);
    if (function && knn__all_normal(metric->kind->fields, metric->description) &&
        (strcmp(metric->key, name) == 0 || (accuracy && is_accuracy(metric->key)))) {
        knn__json_put_text(text, NULL, metric->key);
        return;
    }
    knn__json_begin(text, NULL, '{');
    if (modules)
        knn__json_put_text(text, "module", "keras.metrics");
    knn__json_put_text(text, "class_name", class_name);
    knn__json_begin(text, "config", '{');
    knn__json_put_text(text, "name", metric->key);
    knn__json_put_text(text, "dtype", "float32");
    knn__write_fields(text, metric->kind->fields, metric->description);
    knn__json_end(text, '}');
    knn__json_end(text, '}');
}

/* Keras 3 finds a schedule only where its module is named; Keras 2 does not mind. */
static void write_schedule(const knn_schedule *schedule, knn__text *text)
{
    const knn__kind *kind = knn__find_kind(knn__schedule_kinds, schedule->class_name);

    knn__json_begin(text, "learning_rate", '{');
    knn__json_put_text(text, "module", "keras.optimizers.schedules");
    knn__json_put_text(text, "class_name", kind->class_name);
    knn__json_begin(text, "config", '{');
    knn__write_fields(text, kind->fields, schedule);
    knn__json_end(text, '}');
    knn__json_put_text(text, "registered_name", NULL);
    knn__json_end(text, '}');
}

void knn__write_optimizer(const knn__optimizer *optimizer, const char *key, bool modules, bool with_rate, knn__text *text)
{
    const knn_field *fields = optimizer->kind->fields;
    char class_name[64];

    /* tf.keras from 2.11 on keeps optimizers that decay or average weights, and newer ones, under such names; of the
     * others it has older twins of the plain name, which every version loads. */
    bool newer = optimizer->weight_decay != 0 || optimizer->use_ema || optimizer->update.op == KNN_UPDATE_LION ||
                 optimizer->update.op == KNN_UPDATE_ADAFACTOR;
    snprintf(class_name, sizeof class_name, "%s%s", newer && !modules ? "Custom>" : "", optimizer->kind->class_name);
    while (strcmp(fields->name, "learning_rate") == 0)      /* the table begins with them */
        fields++;
    knn__json_begin(text, key, '{');
    if (modules)
        knn__json_put_text(text, "module", "keras.optimizers");
    knn__json_put_text(text, "class_name", class_name);
    knn__json_begin(text, "config", '{');
    knn__json_put_text(text, "name", optimizer->kind->class_name);
    /* knn_set_learning_rate may have replaced what the description says. */
    if (with_rate && optimizer->schedule != NULL)
        write_schedule(optimizer->schedule, text);
    else if (with_rate)
        knn__json_put_real(text, "learning_rate", optimizer->rate);
    knn__write_fields(text, fields, optimizer->description);
    knn__json_end(text, '}');
    knn__json_end(text, '}');
}

bool knn__has_training_config(const knn_model *model)
{
    return model->compiled.done && model->compiled.loss.kind != NULL;
}

static bool has_weighted(const knn__compiled *compiled)         /* they are the last ones */
{
    return compiled->metric_count > 0 && compiled->metrics[compiled->metric_count - 1].weighted;
}

static void write_metrics(const knn__compiled *compiled, const char *key, bool weighted, bool modules, knn__text *text)
{
    knn__json_begin(text, key, '[');
    for (int i = 0; i < compiled->metric_count; i++)
        if (compiled->metrics[i].weighted == weighted)
            knn__write_metric(&compiled->metrics[i], modules, text);
    knn__json_end(text, ']');
}

static void write_compiled(const knn__compiled *compiled, const char *optimizer, bool modules, knn__text *text)
{
    knn__write_optimizer(&compiled->optimizer, optimizer, modules, true, text);
    knn__write_loss(&compiled->loss, "loss", modules, text);
    write_metrics(compiled, "metrics", false, modules, text);
    if (has_weighted(compiled))
        write_metrics(compiled, "weighted_metrics", true, modules, text);
    else
        knn__json_put_text(text, "weighted_metrics", NULL);
    knn__json_put_text(text, "loss_weights", NULL);
}

void knn__training_config_write(const knn_model *model, knn__text *text)
{
    knn__json_begin(text, NULL, '{');
    write_compiled(&model->compiled, "optimizer_config", false, text);
    knn__json_put_text(text, "sample_weight_mode", NULL);
    knn__json_end(text, '}');
}

void knn__compile_config_write(const knn_model *model, knn__text *text)
{
    knn__json_begin(text, "compile_config", '{');
    write_compiled(&model->compiled, "optimizer", true, text);
    knn__json_end(text, '}');
}

void knn__write_optimizer_extras(const knn_model *model, knn__text *text)
{
    if (model->compiled.done && model->compiled.optimizer.update.epsilon_outside)
        knn__json_put_bool(text, "epsilon_outside", true);
}
