/* Values of summaries: a tag, a tensor, and the name of TensorBoard's plugin that shows it (tensorflow/core/framework/summary.proto,
 * tensor.proto; the layouts of the tensors are those of tensorboard/plugins). */
#include "training/summary.h"

#include "data/image_png.h"
#include "training/protobuf.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_TENSOR = 8, VALUE_METADATA = 9 };
enum { METADATA_PLUGIN = 1, METADATA_DATA_CLASS = 4, PLUGIN_NAME = 1, PLUGIN_CONTENT = 2 };
enum { TENSOR_TYPE = 1, TENSOR_SHAPE = 2, TENSOR_CONTENT = 4, TENSOR_FLOAT = 5, TENSOR_STRING = 8 };
enum { SHAPE_DIMENSION = 2, DIMENSION_SIZE = 1 };
enum { TYPE_FLOAT = 1, TYPE_DOUBLE = 2, TYPE_STRING = 7 };
enum { CLASS_NONE = 0, CLASS_SCALAR = 1, CLASS_TENSOR = 2, CLASS_BLOB_SEQUENCE = 3 };

/* Type and shape; the values follow. */
static void begin_tensor(knn__text *tensor, int type, const int *shape, int rank)
{
    knn__text sizes = {0};
    knn__put_int(tensor, TENSOR_TYPE, (uint64_t)type);
    for (int i = 0; i < rank; i++) {
        knn__text dimension = {0};
        knn__put_int(&dimension, DIMENSION_SIZE, (uint64_t)shape[i]);
        knn__put_message(&sizes, SHAPE_DIMENSION, &dimension);
    }
    knn__put_message(tensor, TENSOR_SHAPE, &sizes);
}

static void put_metadata(knn__text *value, const char *plugin, const char *content, int data_class)
{
    knn__text metadata = {0}, data = {0};
    knn__put_text(&data, PLUGIN_NAME, plugin);
    knn__put_text(&data, PLUGIN_CONTENT, content);
    knn__put_message(&metadata, METADATA_PLUGIN, &data);
    if (data_class != CLASS_NONE)
        knn__put_int(&metadata, METADATA_DATA_CLASS, (uint64_t)data_class);
    knn__put_message(value, VALUE_METADATA, &metadata);
}

/* Takes the tensor. */
static void put_value(knn__text *summary, const char *tag, const char *plugin, const char *content, int data_class, knn__text *tensor)
{
    knn__text value = {0};
    knn__put_text(&value, VALUE_TAG, tag);
    knn__put_message(&value, VALUE_TENSOR, tensor);
    put_metadata(&value, plugin, content, data_class);
    knn__put_message(summary, SUMMARY_VALUE, &value);
}

void knn__summary_scalar(knn__text *summary, const char *tag, float value)
{
    knn__text tensor = {0};
    begin_tensor(&tensor, TYPE_FLOAT, NULL, 0);
    knn__put_float(&tensor, TENSOR_FLOAT, value);
    put_value(summary, tag, "scalars", "", CLASS_SCALAR, &tensor);
}

/* ---- Histograms ---- */

enum { BUCKETS = 30, COLUMNS = 3 };         /* left edge, right edge, count */

typedef struct histogram { double least, most, width, counts[BUCKETS]; } histogram;

/* Of the values that are finite; all 0 where none is. */
static void count_values(const float *values, size_t n, histogram *h)
{
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < n; i++)
        if (isfinite(values[i])) {
            least = fmin(least, (double)values[i]);
            most = fmax(most, (double)values[i]);
        }
    *h = least > most ? (histogram){0} : (histogram){.least = least, .most = most, .width = (most - least) / BUCKETS};
    for (size_t i = 0; i < n; i++)
        if (isfinite(values[i])) {
            int bucket = h->width > 0.0 ? (int)(((double)values[i] - least) / h->width) : BUCKETS - 1;
            h->counts[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
        }
}

static void put_fixed64(knn__text *content, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    knn__put_little_endian(content, bits, sizeof bits);
}

void knn__summary_histogram(knn__text *summary, const char *tag, const float *values, size_t n)
{
    static const int shape[] = {BUCKETS, COLUMNS};
    histogram h;
    knn__text tensor = {0}, content = {0};
    count_values(values, n, &h);
    for (int i = 0; i < BUCKETS; i++) {
        put_fixed64(&content, h.least + i * h.width);
        put_fixed64(&content, i == BUCKETS - 1 ? h.most : h.least + (i + 1) * h.width);
        put_fixed64(&content, h.counts[i]);
    }
    begin_tensor(&tensor, TYPE_DOUBLE, shape, 2);
    knn__put_message(&tensor, TENSOR_CONTENT, &content);
    put_value(summary, tag, "histograms", "", CLASS_TENSOR, &tensor);
}

/* ---- Pictures and graphs ---- */

static void put_number_as_text(knn__text *tensor, int number)
{
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    knn__put_text(tensor, TENSOR_STRING, text);
}

/* A vector of texts: width, height, then a file each. */
void knn__summary_images(knn__text *summary, const char *tag, const uint8_t *pixels, int count, int height, int width, int channels)
{
    const int length = 2 + count;
    size_t size = (size_t)height * (size_t)width * (size_t)channels;
    knn__text tensor = {0};
    begin_tensor(&tensor, TYPE_STRING, &length, 1);
    put_number_as_text(&tensor, width);
    put_number_as_text(&tensor, height);
    for (int i = 0; i < count; i++) {
        knn__text png = {0};
        knn__encode_png(pixels + (size_t)i * size, height, width, channels, &png);
        knn__put_message(&tensor, TENSOR_STRING, &png);
    }
    put_value(summary, tag, "images", "", CLASS_BLOB_SEQUENCE, &tensor);
}

void knn__summary_keras_model(knn__text *summary, const char *tag, const char *json)
{
    knn__text tensor = {0};
    begin_tensor(&tensor, TYPE_STRING, NULL, 0);
    knn__put_text(&tensor, TENSOR_STRING, json);
    put_value(summary, tag, "graph_keras_model", "1", CLASS_NONE, &tensor);
}
