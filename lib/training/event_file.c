/* Event files as TensorFlow writes them (tsl/lib/io/record_writer.h, tensorflow/core/util/event.proto): framed records of Event messages.
 * Does not know what is in a summary. */
#include "training/event_file.h"

#include "core/checksum.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/status.h"
#include "training/protobuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_FILE_VERSION = 3, EVENT_SUMMARY = 5 };

/* A CRC of data that hold CRCs is weak: TFRecord rotates and shifts them. */
static uint32_t masked_crc(const char *bytes, size_t n)
{
    uint32_t crc = knn__crc32(KNN__CRC32C, 0, bytes, n);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/* Length, its checksum, the data, their checksum. */
static void frame(const knn__text *data, knn__text *record)
{
    knn__put_little_endian(record, data->length, 8);
    if (record->failed)
        return;
    knn__put_little_endian(record, masked_crc(record->data, 8), 4);
    knn__text_append(record, data->data, data->length);
    knn__put_little_endian(record, masked_crc(data->data, data->length), 4);
}

static knn_status write_all(const knn__event_file *file, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(file->descriptor, bytes, n);
        if (written < 0 && errno != EINTR)
            return knn__system_error(file->path, "write", errno);
        if (written > 0) {
            bytes += written;
            n -= (size_t)written;
        }
    }
    return KNN_OK;
}

static knn_status write_event(const knn__event_file *file, const knn__text *event)
{
    knn__text record = {0};
    if (!event->failed)
        frame(event, &record);
    knn_status status = event->failed || record.failed ? KNN_ERROR_MEMORY : write_all(file, record.data, record.length);
    knn__text_free(&record);
    return status;
}

static void put_time(knn__text *event)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    knn__put_double(event, EVENT_WALL_TIME, (double)now.tv_sec + (double)now.tv_nsec / 1e9);
}

static knn_status write_version(const knn__event_file *file)
{
    knn__text event = {0};
    put_time(&event);
    knn__put_text(&event, EVENT_FILE_VERSION, "brain.Event:2");
    knn_status status = write_event(file, &event);
    knn__text_free(&event);
    return status;
}

/* TensorBoard reads all files of a directory whose names hold "tfevents", sorted, as one run. */
static char *choose_path(const char *directory, int attempt)
{
    char host[64] = "";
    knn__text path = {0};
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    knn__text_add(&path, "%s/events.out.tfevents.%010lld.%s.%ld.%d.v2", directory, (long long)time(NULL), host, (long)getpid(), attempt);
    if (!path.failed)
        return path.data;
    knn__text_free(&path);
    return NULL;
}

knn_status knn__event_file_open(const char *directory, knn__event_file *file)
{
    enum { ATTEMPTS = 1000 };               /* fits that begin within one second */
    knn_status status = knn__make_directories(directory);
    for (int attempt = 0; status == KNN_OK && file->path == NULL; attempt++) {
        char *path = choose_path(directory, attempt);
        if (path == NULL)
            return KNN_ERROR_MEMORY;
        file->descriptor = knn__open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0666);
        if (file->descriptor >= 0)
            file->path = path;
        else {
            if (errno != EEXIST || attempt == ATTEMPTS)
                status = knn__system_error(path, "create", errno);
            knn__free(path);
        }
    }
    return status == KNN_OK ? write_version(file) : status;
}

knn_status knn__event_file_add(const knn__event_file *file, int64_t step, const knn__text *summary)
{
    knn__text event = {0};
    put_time(&event);
    knn__put_int(&event, EVENT_STEP, (uint64_t)step);
    event.failed = event.failed || summary->failed;
    knn__put_bytes(&event, EVENT_SUMMARY, summary->data, summary->length);
    knn_status status = write_event(file, &event);
    knn__text_free(&event);
    return status;
}

void knn__event_file_close(knn__event_file *file)
{
    if (file->path == NULL)
        return;
    close(file->descriptor);
    knn__free(file->path);
    *file = (knn__event_file){0};
}
