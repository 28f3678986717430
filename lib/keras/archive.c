/* The fence around libzip: buffers only, no file, no encryption, sizes checked before memory is asked for. Does not know what the
 * members are. */
#include "keras/archive.h"

#include "core/memory.h"
#include "core/status.h"

#ifdef KNN_HAVE_ZIP
#include <string.h>
#include <zip.h>

/* Deflate makes at most 1032 bytes of one. */
enum { COMPRESSION_LIMIT = 1032 };

struct knn__archive {
    zip_t *zip;
    size_t size;
};

static knn_status out_of_memory(void)
{
    return knn__fail(KNN_ERROR_MEMORY, "libzip: no memory");
}

/* ---- Reading ---- */

static knn_status unreadable(const zip_error_t *error, size_t size)
{
    if (zip_error_code_zip(error) == ZIP_ER_MEMORY)
        return out_of_memory();
    return knn__fail(KNN_ERROR_FORMAT, "a damaged or incomplete zip archive (%zu bytes)", size);
}

knn_status knn__archive_open(const void *bytes, size_t size, knn__archive **archive)
{
    zip_error_t error;
    knn_status status = KNN_OK;

    *archive = NULL;
    knn__archive *made = knn__alloc(1, sizeof *made);
    if (made == NULL)
        return KNN_ERROR_MEMORY;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &error);
    made->size = size;
    made->zip = source != NULL ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    if (made->zip == NULL) {
        status = unreadable(&error, size);
        zip_source_free(source);
        knn__free(made);
    } else
        *archive = made;
    zip_error_fini(&error);
    return status;
}

void knn__archive_close(knn__archive *archive)
{
    if (archive == NULL)
        return;
    zip_discard(archive->zip);
    knn__free(archive);
}

static knn_status find(const knn__archive *archive, const char *name, size_t limit, zip_stat_t *found)
{
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_INDEX | ZIP_STAT_ENCRYPTION_METHOD;

    if (zip_stat(archive->zip, name, 0, found) != 0) {
        if (zip_error_code_zip(zip_get_error(archive->zip)) == ZIP_ER_MEMORY)
            return out_of_memory();
        return knn__fail(KNN_ERROR_FORMAT, "the zip archive has no member %s", name);
    }
    if ((found->valid & needed) != needed)
        return knn__fail(KNN_ERROR_FORMAT, "%s: its entry in the zip archive is incomplete", name);
    if (found->encryption_method != ZIP_EM_NONE)
        return knn__fail(KNN_ERROR_UNSUPPORTED, "%s: encrypted", name);
    if (found->size > limit)
        return knn__fail(KNN_ERROR_FORMAT, "%s: %llu bytes, at most %zu are supported", name,
                         (unsigned long long)found->size, limit);
    if (found->comp_size > archive->size || found->size / COMPRESSION_LIMIT > found->comp_size)
        return knn__fail(KNN_ERROR_FORMAT, "%s: %llu bytes packed as %llu in an archive of %zu: a damaged zip archive", name,
                         (unsigned long long)found->size, (unsigned long long)found->comp_size, archive->size);
    return KNN_OK;
}

/* The sum is checked where the end is met: by a read behind the last byte. */
static knn_status read_all(zip_file_t *file, const char *name, char *bytes, size_t size)
{
    char behind;
    zip_int64_t got = 1;

    for (size_t done = 0; done < size && got > 0; done += (size_t)got)
        got = zip_fread(file, bytes + done, size - done);
    if (got > 0 && zip_fread(file, &behind, 1) == 0)
        return KNN_OK;
    if (zip_error_code_zip(zip_file_get_error(file)) == ZIP_ER_MEMORY)
        return out_of_memory();
    return knn__fail(KNN_ERROR_FORMAT, "%s: damaged: it does not unpack to what the zip archive says", name);
}

static knn_status cannot_open(const knn__archive *archive, const char *name)
{
    int code = zip_error_code_zip(zip_get_error(archive->zip));

    if (code == ZIP_ER_MEMORY)
        return out_of_memory();
    if (code == ZIP_ER_COMPNOTSUPP)
        return knn__fail(KNN_ERROR_UNSUPPORTED, "%s: packed by a method that libzip does not know", name);
    return knn__fail(KNN_ERROR_FORMAT, "%s: a damaged zip archive", name);
}

knn_status knn__archive_read(const knn__archive *archive, const char *name, size_t limit, void **data, size_t *size)
{
    zip_stat_t entry;
    knn_status status = find(archive, name, limit, &entry);

    *data = NULL;
    if (status != KNN_OK)
        return status;
    zip_file_t *file = zip_fopen_index(archive->zip, entry.index, 0);
    if (file == NULL)
        return cannot_open(archive, name);
    *size = (size_t)entry.size;
    char *bytes = knn__alloc(*size + 1, 1);
    status = bytes != NULL ? read_all(file, name, bytes, *size) : KNN_ERROR_MEMORY;
    zip_fclose(file);
    if (status == KNN_OK)
        *data = bytes;
    else
        knn__free(bytes);
    return status;
}

/* ---- Writing: what can fail is memory ---- */

static bool add_member(zip_t *zip, const knn__archive_member *member)
{
    zip_source_t *source = zip_source_buffer(zip, member->data, member->size, 0);
    zip_int64_t index = source != NULL ? zip_file_add(zip, member->name, source, ZIP_FL_ENC_UTF_8) : -1;

    if (index < 0) {
        zip_source_free(source);
        return false;
    }
    return zip_set_file_compression(zip, (zip_uint64_t)index, ZIP_CM_STORE, 0) == 0 &&
           zip_file_set_dostime(zip, (zip_uint64_t)index, 0, 1 << 5 | 1, 0) == 0;      /* the first day that zip knows, 1980-01-01 */
}

static knn_status copy_out(zip_source_t *written, void **bytes, size_t *size)
{
    zip_stat_t stat;
    zip_stat_init(&stat);

    if (zip_source_stat(written, &stat) != 0 || (stat.valid & ZIP_STAT_SIZE) == 0 || zip_source_open(written) != 0)
        return out_of_memory();
    *size = (size_t)stat.size;
    *bytes = knn__alloc(*size, 1);
    knn_status status = *bytes != NULL ? KNN_OK : KNN_ERROR_MEMORY;
    if (status == KNN_OK && zip_source_read(written, *bytes, *size) != (zip_int64_t)*size)
        status = out_of_memory();
    zip_source_close(written);
    return status;
}

/* Members go to `into`, which the caller keeps. */
static bool write_members(zip_source_t *into, const knn__archive_member *members, size_t count, zip_error_t *error)
{
    zip_source_keep(into);                  /* zip_close gives one up */
    zip_t *zip = zip_open_from_source(into, ZIP_CREATE | ZIP_TRUNCATE, error);
    bool done = zip != NULL;

    if (!done) {
        zip_source_free(into);
        return false;
    }
    for (size_t i = 0; i < count && done; i++)
        done = add_member(zip, &members[i]);
    done = done && zip_close(zip) == 0;
    if (!done)
        zip_discard(zip);
    return done;
}

knn_status knn__archive_make(const knn__archive_member *members, size_t count, void **bytes, size_t *size)
{
    zip_error_t error;

    *bytes = NULL;
    zip_error_init(&error);
    zip_source_t *into = zip_source_buffer_create(NULL, 0, 0, &error);
    bool done = into != NULL && write_members(into, members, count, &error);
    zip_error_fini(&error);
    knn_status status = done ? copy_out(into, bytes, size) : out_of_memory();
    zip_source_free(into);
    if (status != KNN_OK) {
        knn__free(*bytes);
        *bytes = NULL;
    }
    return status;
}

#else

static knn_status no_libzip(void)
{
    return knn__fail(KNN_ERROR_UNSUPPORTED, "a zip archive (Keras 3's .keras format): this build of libknn has no libzip; use .h5");
}

knn_status knn__archive_open(const void *bytes, size_t size, knn__archive **archive)
{
    (void)bytes, (void)size;
    *archive = NULL;
    return no_libzip();
}

void knn__archive_close(knn__archive *archive)
{
    (void)archive;
}

knn_status knn__archive_read(const knn__archive *archive, const char *name, size_t limit, void **data, size_t *size)
{
    (void)archive, (void)name, (void)limit, (void)size;
    *data = NULL;
    return no_libzip();
}

knn_status knn__archive_make(const knn__archive_member *members, size_t count, void **bytes, size_t *size)
{
    (void)members, (void)count, (void)size;
    *bytes = NULL;
    return no_libzip();
}
#endif
