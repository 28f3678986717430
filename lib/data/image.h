/* Pictures: what kind a file is, its header, its 8-bit pixels. Does not know target sizes, data sets or numbers for
 * training. */
#ifndef KNN_DATA_IMAGE_H
#define KNN_DATA_IMAGE_H

#include <knn/status.h>

typedef enum knn__picture_format { KNN__JPEG, KNN__PNG, KNN__BMP, KNN__PPM } knn__picture_format;

/* What is known before anything is decoded. */
typedef struct knn__picture_header {
    knn__picture_format format;
    int width, height;
    bool grey16;                    /* 16-bit grey without alpha, which Pillow clips to 255 */
    int components;                 /* BMP: bits a pixel; else samples a pixel, of a palette's colours too */
    int maximum;                    /* PPM: the value of white */
    size_t pixels_at;               /* BMP, PPM: where the pixels begin */
    const uint8_t *exif;            /* TIFF block with the orientation, within the data; NULL: none */
    size_t exif_size;
} knn__picture_header;

/* pixels[height][width][channels], a knn__alloc block; 1 channel is grey, 3 are red, green, blue. */
typedef struct knn__picture {
    int width, height, channels;
    uint8_t *pixels;
} knn__picture;

/* What is asked of a picture. */
typedef struct knn__picture_wish {
    int channels;                   /* 1 or 3 */
    bool apply_orientation;         /* turn by Exif */
    size_t max_pixels;
} knn__picture_wish;

/* Reads the header of an encoded picture, whose kind the content decides, and refuses what could not be decoded as
 * wished. KNN_ERROR_DATA beginning with `name`. `data` may be the first part of a file. */
knn_status knn__read_picture_header(const uint8_t *data, size_t size, const char *name, const knn__picture_wish *wish,
                                    knn__picture_header *header);

/* The same for a file, of which no more is read than needed; the header has no Exif block then. */
knn_status knn__read_picture_file_header(const char *path, const knn__picture_wish *wish, knn__picture_header *header);

/* The largest file worth reading, in bytes; 0: any. */
size_t knn__picture_file_limit(size_t max_pixels);

/* Decodes; KNN_ERROR_DATA beginning with `name`. The picture's pixels are the caller's to free. */
knn_status knn__decode_picture(const uint8_t *data, size_t size, const char *name, const knn__picture_wish *wish,
                               knn__picture *picture);

/* The decoders: as many channels as the file has colours, upright as stored. */
knn_status knn__decode_jpeg(const uint8_t *data, size_t size, const char *name, const knn__picture_header *header,
                            knn__picture *picture);
knn_status knn__decode_stb(const uint8_t *data, size_t size, const char *name, const knn__picture_header *header,
                           knn__picture *picture);
knn_status knn__decode_ppm(const uint8_t *data, size_t size, const char *name, const knn__picture_header *header,
                           knn__picture *picture);

/* "libjpeg-turbo 2.1.5, stb_image": the decoders in this build. */
void knn__describe_decoders(char *text, size_t size);
const char *knn__jpeg_decoder(void);            /* "libjpeg-turbo 2.1.5"; exists where libjpeg does */

/* Allocates pixels for width x height x channels (not zeroed). */
knn_status knn__new_picture(const char *name, int width, int height, int channels, knn__picture *picture);

/* Grey to three equal channels, or colour to grey as Pillow weighs it (ITU-R 601-2). */
knn_status knn__set_channels(knn__picture *picture, int channels);

/* The Exif orientation 1..8 of a TIFF block; 1 where it has none. */
int knn__exif_orientation(const uint8_t *tiff, size_t size);

/* Mirrors and turns the pixels upright. */
knn_status knn__turn_picture(knn__picture *picture, int orientation);

/* "image file is truncated", Pillow's words. */
knn_status knn__truncated(const char *name);

#endif
