/* knn_onednn: the convolutions, ReLUs and poolings of a net by oneDNN's primitives, one call after the other: what its kernels would need
 * without any framework around them, in the layout that they like best. Dense, Dropout, batch normalization, loss and update are left
 * out, so it is a bound from below. For oneDNN 2; its version 3 has another interface.
 *
 *     knn_onednn NET THREADS SECONDS
 */
#include "benchmark.h"

#include "model/model.h"

#include <dnnl.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CALLS = 64, MOST_ARGUMENTS = 4 };
static const size_t buffer_bytes = (size_t)1 << 29;

struct call {
    dnnl_primitive_t primitive;
    int count;
    dnnl_exec_arg_t arguments[MOST_ARGUMENTS];
};

/* All calls work on the same buffers, one a place among the arguments: what is in them makes no difference to the time. */
struct chain {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    float *buffers[MOST_ARGUMENTS];
    struct call calls[MOST_CALLS];
    int count;
};

static void must(dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return;
    fprintf(stderr, "knn_onednn: %s: status %d\n", what, (int)status);
    exit(EXIT_FAILURE);
}

static dnnl_memory_t make_memory(const struct chain *chain, const dnnl_memory_desc_t *shape, int place)
{
    dnnl_memory_t memory;
    size_t bytes = dnnl_memory_desc_get_size(shape);

    expect(bytes <= buffer_bytes, "a tensor is too large");
    for (size_t i = 0; i < bytes / sizeof(float); i++)          /* else it would be one page of zeros, again and again */
        chain->buffers[place][i] = 0.5f;
    must(dnnl_memory_create(&memory, shape, chain->engine, chain->buffers[place]), "memory");
    return memory;
}

/* Appends a call; arguments: DNNL_ARG_.., 0 for none. The description that is returned is a hint for the backward ones. */
static dnnl_primitive_desc_t append(struct chain *chain, const void *operation, dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t hint,
                                    const int arguments[MOST_ARGUMENTS])
{
    struct call *call = &chain->calls[chain->count++];
    dnnl_primitive_desc_t made;

    expect(chain->count < MOST_CALLS, "a net is too deep");
    must(dnnl_primitive_desc_create(&made, operation, attributes, chain->engine, hint), "choosing a kernel");
    must(dnnl_primitive_create(&call->primitive, made), "making a kernel");
    for (int i = 0; i < MOST_ARGUMENTS && arguments[i] != 0; i++)
        call->arguments[call->count++] = (dnnl_exec_arg_t){arguments[i],
            make_memory(chain, dnnl_primitive_desc_query_md(made, dnnl_query_exec_arg_md, arguments[i]), i)};
    return made;
}

static dnnl_memory_desc_t tensor(knn_shape shape)
{
    dnnl_memory_desc_t desc;
    const dnnl_dims_t sizes = {BATCH, shape.size[2], shape.size[0], shape.size[1]};
    must(dnnl_memory_desc_init_by_tag(&desc, 4, sizes, dnnl_f32, dnnl_format_tag_any), "a shape");
    return desc;
}

static dnnl_primitive_attr_t with_relu(void)
{
    dnnl_primitive_attr_t attributes;
    dnnl_post_ops_t then;
    must(dnnl_primitive_attr_create(&attributes), "attributes");
    must(dnnl_post_ops_create(&then), "attributes");
    must(dnnl_post_ops_append_eltwise(then, 1, dnnl_eltwise_relu, 0, 0), "attributes");
    must(dnnl_primitive_attr_set_post_ops(attributes, then), "attributes");
    return attributes;
}

static void append_relu_backward(struct chain *chain, dnnl_primitive_desc_t convolution)
{
    static const int arguments[MOST_ARGUMENTS] = {DNNL_ARG_DIFF_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_SRC};
    const dnnl_memory_desc_t *y = dnnl_primitive_desc_query_md(convolution, dnnl_query_dst_md, 0);
    dnnl_eltwise_desc_t forward, backward;
    dnnl_primitive_desc_t hint;

    must(dnnl_eltwise_forward_desc_init(&forward, dnnl_forward_training, dnnl_eltwise_relu, y, 0, 0), "relu");
    must(dnnl_primitive_desc_create(&hint, &forward, NULL, chain->engine, NULL), "relu");
    must(dnnl_eltwise_backward_desc_init(&backward, dnnl_eltwise_relu, y, y, 0, 0), "relu");
    append(chain, &backward, NULL, hint, arguments);
}

static dnnl_primitive_desc_t append_convolution(struct chain *chain, const knn__model_layer *layer, bool training, bool first)
{
    static const int forward[MOST_ARGUMENTS] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST};
    static const int by_data[MOST_ARGUMENTS] = {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST};
    static const int by_weights[MOST_ARGUMENTS] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_BIAS, DNNL_ARG_DIFF_DST};
    const int taps = ((const knn_conv2d_layer *)(const void *)layer->description)->kernel_height;      /* they are all square */
    const dnnl_dims_t kernel = {layer->out.size[2], layer->in.size[2], taps, taps}, filters = {layer->out.size[2]}, strides = {1, 1};
    const dnnl_dim_t around = (layer->out.size[0] - layer->in.size[0] + taps - 1) / 2;  /* SAME: taps / 2, VALID: 0 */
    const dnnl_dims_t padding = {around, around};
    dnnl_memory_desc_t x = tensor(layer->in), y = tensor(layer->out), w, b;
    dnnl_convolution_desc_t operation;

    must(dnnl_memory_desc_init_by_tag(&w, 4, kernel, dnnl_f32, dnnl_format_tag_any), "a shape");
    must(dnnl_memory_desc_init_by_tag(&b, 1, filters, dnnl_f32, dnnl_x), "a shape");
    must(dnnl_convolution_forward_desc_init(&operation, training ? dnnl_forward_training : dnnl_forward_inference, dnnl_convolution_auto,
                                            &x, &w, &b, &y, strides, padding, padding), "convolution");
    dnnl_primitive_desc_t made = append(chain, &operation, with_relu(), NULL, forward);
    if (!training)
        return made;
    append_relu_backward(chain, made);
    must(dnnl_convolution_backward_weights_desc_init(&operation, dnnl_convolution_auto, &x, &w, &b, &y, strides, padding, padding),
         "gradient of weights");
    append(chain, &operation, NULL, made, by_weights);
    if (!first) {
        must(dnnl_convolution_backward_data_desc_init(&operation, dnnl_convolution_auto, &x, &w, &y, strides, padding, padding),
             "gradient of data");
        append(chain, &operation, NULL, made, by_data);
    }
    return made;
}

/* x as the convolution before it has left it. */
static void append_pooling(struct chain *chain, const knn__model_layer *layer, dnnl_primitive_desc_t convolution, bool training)
{
    static const int forward[MOST_ARGUMENTS] = {DNNL_ARG_SRC, DNNL_ARG_DST}, kept[MOST_ARGUMENTS] = {DNNL_ARG_SRC, DNNL_ARG_DST,
        DNNL_ARG_WORKSPACE}, backward[MOST_ARGUMENTS] = {DNNL_ARG_DIFF_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_WORKSPACE};
    const dnnl_memory_desc_t *x = dnnl_primitive_desc_query_md(convolution, dnnl_query_dst_md, 0);
    const dnnl_dims_t two = {2, 2}, none = {0, 0};
    dnnl_memory_desc_t y = tensor(layer->out);
    dnnl_pooling_desc_t operation;

    must(dnnl_pooling_forward_desc_init(&operation, training ? dnnl_forward_training : dnnl_forward_inference, dnnl_pooling_max, x, &y,
                                        two, two, none, none), "pooling");
    dnnl_primitive_desc_t made = append(chain, &operation, NULL, NULL, training ? kept : forward);
    if (!training)
        return;
    must(dnnl_pooling_backward_desc_init(&operation, dnnl_pooling_max, x, dnnl_primitive_desc_query_md(made, dnnl_query_dst_md, 0), two,
                                         two, none, none), "pooling");
    append(chain, &operation, NULL, made, backward);
}

static void run(void *context)
{
    struct chain *chain = context;

    for (int i = 0; i < chain->count; i++)
        must(dnnl_primitive_execute(chain->calls[i].primitive, chain->stream, chain->calls[i].count, chain->calls[i].arguments), "running");
    must(dnnl_stream_wait(chain->stream), "running");
}

static void measure_chain(const struct settings *settings, const knn_model *model, const char *figure, bool training)
{
    struct chain chain = {0};
    dnnl_primitive_desc_t convolution = NULL;

    must(dnnl_engine_create(&chain.engine, dnnl_cpu, 0), "starting");
    must(dnnl_stream_create(&chain.stream, chain.engine, dnnl_stream_default_flags), "starting");
    for (int i = 0; i < MOST_ARGUMENTS; i++)
        expect((chain.buffers[i] = aligned_alloc(4096, buffer_bytes)) != NULL, "memory");
    for (size_t i = 0; i < model->layer_count; i++) {
        const knn__model_layer *layer = &model->layers[i];
        if (strcmp(layer->description->class_name, "Conv2D") == 0)
            convolution = append_convolution(&chain, layer, training, i == 0);
        if (strcmp(layer->description->class_name, "MaxPooling2D") == 0)
            append_pooling(&chain, layer, convolution, training);
    }
    struct timing timing = measure(settings->seconds, BATCH, run, &chain);
    print_line(settings, &timing, figure, "net=%s batch=%d", settings->net->name, BATCH);
    for (int i = 0; i < MOST_ARGUMENTS; i++)
        free(chain.buffers[i]);
}

int main(int argc, char **argv)
{
    char peer[64];
    struct settings settings = {.peer = peer};

    snprintf(peer, sizeof peer, "oneDNN %d.%d.%d", dnnl_version()->major, dnnl_version()->minor, dnnl_version()->patch);
    for (settings.net = nets; argc == 4 && settings.net->name != NULL && strcmp(settings.net->name, argv[1]) != 0; settings.net++)
        ;
    if (argc != 4 || settings.net->name == NULL || (settings.threads = atoi(argv[2])) < 1) {
        fputs("usage: knn_onednn NET THREADS SECONDS\n", stderr);
        return 2;
    }
    settings.seconds = atof(argv[3]);
    omp_set_num_threads(settings.threads);
    knn_model *model = make_model(&settings, "reference", NULL);
    measure_chain(&settings, model, "train", true);
    measure_chain(&settings, model, "predict", false);
    knn_model_free(model);
    return EXIT_SUCCESS;
}
