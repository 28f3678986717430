/* Decodes JPEG files with libjpeg-turbo, as Pillow uses it (accurate transform, smooth chroma). Never lets it print or
 * exit. */
#ifdef KNN_HAVE_JPEG

#include "data/image.h"

#include "core/memory.h"
#include "core/status.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

enum { MOST_SCANS = 500 };      /* a small progressive file could ask for thousands, each as long as a whole decoding */

/* libjpeg's structs, reachable from its callbacks through cinfo.client_data. */
typedef struct decoder {
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    const char *name;
    knn_status status;
    uint8_t *cmyk_row;          /* NULL unless the file is CMYK */
} decoder;

/* ---- What libjpeg calls ---- */

static void give_up(j_common_ptr cinfo)
{
    decoder *d = cinfo->client_data;
    char text[JMSG_LENGTH_MAX];
    switch (d->errors.msg_code) {
    case JERR_INPUT_EOF:
        d->status = knn__truncated(d->name);
        break;
    case JERR_OUT_OF_MEMORY:
        d->status = knn__fail(KNN_ERROR_MEMORY, "%.700s: no memory to decode it", d->name);
        break;
    default:
        d->errors.format_message(cinfo, text);
        d->status = knn__fail(KNN_ERROR_DATA, "%.700s: cannot be decoded: %s", d->name, text);
    }
    longjmp(d->failed, 1);
}

static void stay_silent(j_common_ptr cinfo)
{
    (void)cinfo;
}

static void nothing(j_decompress_ptr cinfo)
{
    (void)cinfo;
}

/* The whole file was given at once, so more is wanted where it was cut. libjpeg's own source would make up an end. */
static boolean end_of_data(j_decompress_ptr cinfo)
{
    ERREXIT(cinfo, JERR_INPUT_EOF);
    return FALSE;
}

static void skip(j_decompress_ptr cinfo, long count)
{
    struct jpeg_source_mgr *source = cinfo->src;
    if (count <= 0)
        return;
    if ((size_t)count > source->bytes_in_buffer)
        ERREXIT(cinfo, JERR_INPUT_EOF);
    source->next_input_byte += count;
    source->bytes_in_buffer -= (size_t)count;
}

static void count_scans(j_common_ptr cinfo)
{
    decoder *d = cinfo->client_data;
    if (d->cinfo.input_scan_number <= MOST_SCANS)
        return;
    d->status = knn__fail(KNN_ERROR_DATA, "%.700s: more than %d scans", d->name, MOST_SCANS);
    longjmp(d->failed, 1);
}

/* ---- Decoding ---- */

static void open_decoder(decoder *d, const uint8_t *data, size_t size)
{
    d->cinfo.err = jpeg_std_error(&d->errors);
    d->errors.error_exit = give_up;
    d->errors.output_message = stay_silent;
    d->cinfo.client_data = d;
    jpeg_create_decompress(&d->cinfo);
    d->source = (struct jpeg_source_mgr){.next_input_byte = data, .bytes_in_buffer = size,
        .init_source = nothing, .fill_input_buffer = end_of_data, .skip_input_data = skip,
        .resync_to_restart = jpeg_resync_to_restart, .term_source = nothing};
    d->cinfo.src = &d->source;
    d->progress.progress_monitor = count_scans;
    d->cinfo.progress = &d->progress;
}

/* x * y / 255, rounded. */
static int times(int x, int y)
{
    int product = x * y + 128;
    return ((product >> 8) + product) >> 8;
}

/* Adobe stores 255 - C, M, Y, K, and everybody follows. Pillow: colour = (255 - K) - C (255 - K) / 255. */
static void cmyk_to_rgb(const uint8_t *cmyk, int width, uint8_t *rgb)
{
    for (int i = 0; i < width; i++, cmyk += 4, rgb += 3)
        for (int c = 0; c < 3; c++)
            rgb[c] = (uint8_t)(cmyk[3] - times(255 - cmyk[c], cmyk[3]));
}

/* Grey and colour come as they are; what has four components comes as CMYK. */
static knn_status begin(decoder *d, const knn__picture_header *header, knn__picture *picture)
{
    jpeg_read_header(&d->cinfo, TRUE);
    int components = d->cinfo.num_components;
    d->cinfo.out_color_space = components == 1 ? JCS_GRAYSCALE : components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&d->cinfo);
    if (d->cinfo.output_width != (JDIMENSION)header->width || d->cinfo.output_height != (JDIMENSION)header->height)
        return knn__fail(KNN_ERROR_DATA, "%.700s: is a damaged JPEG file", d->name);

    if (components == 4) {
        d->cmyk_row = knn__realloc(NULL, (size_t)header->width, 4);
        if (d->cmyk_row == NULL)
            return knn__context(KNN_ERROR_MEMORY, "%.700s", d->name);
    }
    return knn__new_picture(d->name, header->width, header->height, components == 1 ? 1 : 3, picture);
}

static void read_rows(decoder *d, const knn__picture *picture)
{
    size_t row_bytes = (size_t)picture->width * (size_t)picture->channels;
    while (d->cinfo.output_scanline < d->cinfo.output_height) {
        uint8_t *row = picture->pixels + d->cinfo.output_scanline * row_bytes;
        JSAMPROW to = d->cmyk_row != NULL ? d->cmyk_row : row;
        jpeg_read_scanlines(&d->cinfo, &to, 1);
        if (d->cmyk_row != NULL)
            cmyk_to_rgb(d->cmyk_row, picture->width, row);
    }
    jpeg_finish_decompress(&d->cinfo);
}

knn_status knn__decode_jpeg(const uint8_t *data, size_t size, const char *name, const knn__picture_header *header,
                            knn__picture *picture)
{
    decoder d = {.name = name};
    *picture = (knn__picture){0};
    if (setjmp(d.failed) == 0) {        /* what changes from here on lies in `d` and `picture`, not in registers */
        open_decoder(&d, data, size);
        d.status = begin(&d, header, picture);
        if (d.status == KNN_OK)
            read_rows(&d, picture);
    }
    jpeg_destroy_decompress(&d.cinfo);
    knn__free(d.cmyk_row);
    return d.status;
}

#define QUOTE_(text) #text
#define QUOTE(text) QUOTE_(text)

const char *knn__jpeg_decoder(void)
{
#ifdef LIBJPEG_TURBO_VERSION
    return "libjpeg-turbo " QUOTE(LIBJPEG_TURBO_VERSION);
#else
    return "libjpeg " QUOTE(JPEG_LIB_VERSION);
#endif
}

#else
typedef int no_libjpeg;         /* ISO C wants something in every file */
#endif
