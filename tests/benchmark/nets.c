/* The nets that are measured, the same ones as in peers.py, and batches of noise for them. Times nothing. */
#include "benchmark.h"

#include "model/model.h"

#include <stdlib.h>

/* The dogs-vs-cats tutorial's. */
static void add_catdog(knn_model *model)
{
    static const int filters[] = {32, 64, 128, 128, 256};

    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        knn_add(model, knn_conv2d(filters[i], 3, .activation = KNN_RELU));
        knn_add(model, knn_max_pooling2d(2));
    }
    knn_add(model, knn_flatten());
    knn_add(model, knn_dropout(0.5));
    knn_add(model, knn_dense(512, .activation = KNN_RELU));
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID));
}

/* The habits of newer nets: padding, batch normalization, two convolutions before each pooling. */
static void add_vgg(knn_model *model)
{
    for (int filters = 32; filters <= 128; filters *= 2) {
        for (int i = 0; i < 2; i++) {
            knn_add(model, knn_conv2d(filters, 3, .padding = KNN_SAME));
            knn_add(model, knn_batch_normalization());
            knn_add(model, knn_activation(KNN_RELU));
        }
        knn_add(model, knn_max_pooling2d(2));
    }
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(256, .activation = KNN_RELU));
    knn_add(model, knn_dense(10, .activation = KNN_SOFTMAX));
}

static void add_mnist(knn_model *model)
{
    knn_add(model, knn_conv2d(32, 3, .activation = KNN_RELU));
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_conv2d(64, 3, .activation = KNN_RELU));
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dropout(0.5));
    knn_add(model, knn_dense(10, .activation = KNN_SOFTMAX));
}

static void add_cifar(knn_model *model)
{
    knn_add(model, knn_conv2d(32, 3, .activation = KNN_RELU));
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_conv2d(64, 3, .activation = KNN_RELU));
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_conv2d(64, 3, .activation = KNN_RELU));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(64, .activation = KNN_RELU));
    knn_add(model, knn_dense(10, .activation = KNN_SOFTMAX));
}

/* Larger kernels, as older nets have them. */
static void add_wide(knn_model *model)
{
    for (int filters = 32; filters <= 64; filters *= 2) {
        knn_add(model, knn_conv2d(filters, 5, .activation = KNN_RELU));
        knn_add(model, knn_max_pooling2d(2));
    }
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(128, .activation = KNN_RELU));
    knn_add(model, knn_dense(10, .activation = KNN_SOFTMAX));
}

static void compile_catdog(knn_model *model, const knn_optimizer *optimizer)
{
    knn_compile(model, .optimizer = optimizer != NULL ? optimizer : knn_rmsprop(), .loss = knn_binary_crossentropy(),
                .metrics = {knn_accuracy("acc")});
}

static void compile_others(knn_model *model, const knn_optimizer *optimizer)
{
    knn_compile(model, .optimizer = optimizer != NULL ? optimizer : knn_adam(), .loss = knn_categorical_crossentropy(),
                .metrics = {knn_accuracy()});
}

const struct net nets[] = {
    {"catdog", 150, 150, 3, 1, add_catdog, compile_catdog},
    {"vgg", 64, 64, 3, 10, add_vgg, compile_others},
    {"mnist", 28, 28, 1, 10, add_mnist, compile_others},
    {"cifar", 32, 32, 3, 10, add_cifar, compile_others},
    {"wide", 64, 64, 3, 10, add_wide, compile_others},
    {0}
};

knn_model *make_model(const struct settings *settings, const char *backend, const knn_optimizer *optimizer)
{
    const struct net *net = settings->net;
    knn_model *model = knn_sequential(.backend = backend, .threads = settings->threads, .seed = 1);

    expect(model != NULL, "making a model");
    if (settings->general)
        model->force_kernel = "im2col";
    model->training_slices = settings->slices;
    knn_add(model, knn_input(net->height, net->width, net->channels));
    net->add_layers(model);
    net->compile(model, optimizer);
    return model;
}

/* 0 to 1; the constants are Knuth's (MMIX). */
static float noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(*state >> 40) / (float)(1 << 24);
}

struct batch make_batch(const struct net *net, int images)
{
    size_t count = (size_t)images, length = (size_t)net->height * (size_t)net->width * (size_t)net->channels;
    size_t outputs = (size_t)net->outputs;
    struct batch batch = {.x = malloc(count * length * sizeof(float)), .y = calloc(count * outputs, sizeof(float))};
    uint64_t state = 1;

    expect(batch.x != NULL && batch.y != NULL, "memory");
    for (size_t i = 0; i < count * length; i++)
        batch.x[i] = noise(&state);
    for (size_t i = 0; i < count; i++)      /* the number of the class where there are two, else one-hot */
        batch.y[i * outputs + (outputs > 1 ? i % outputs : 0)] = outputs > 1 ? 1.0f : (float)(i % 2);
    return batch;
}
