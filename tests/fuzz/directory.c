/* Folders with any names and entries in them, made from a script: a line an entry, its kind first.
 *
 *     dNAME  a folder            pNAME  a picture          gNAME  garbage         eNAME  an empty file
 *     qNAME  a FIFO              lNAME>TARGET  a link      tNUMBER  what is asked for: bits, see options_of
 *
 * Names may hold any bytes but 0 and line ends, and folders that exist ("a/b"). */
#include "fuzz.h"

#include "core/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT "root"

enum { MOST_LINES = 200, LONGEST = 300 };

/* Whether a path, seen from `depth` folders below the root, stays in there. */
static bool stays_inside(const char *path, int depth)
{
    if (path[0] == '/' || strlen(path) > LONGEST)
        return false;
    while (*path != '\0') {
        size_t length = strcspn(path, "/");
        if (length == 2 && strncmp(path, "..", 2) == 0)
            depth--;
        else if (length > 0 && !(length == 1 && path[0] == '.'))
            depth++;
        if (depth < 0)
            return false;
        path += length + (path[length] == '/');
    }
    return true;
}

static int depth_of(const char *name)
{
    int depth = 0;
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
        depth++;
    return depth;
}

static void put_file(const char *name, const char *bytes)
{
    int file = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);       /* not one that is there: it may be a FIFO */
    if (file < 0)
        return;
    (void)!write(file, bytes, strlen(bytes));
    close(file);
}

static void put_link(char *name)
{
    char *target = strchr(name, '>');
    if (target == NULL)
        return;
    *target++ = '\0';
    if (stays_inside(name, 0) && strstr(name, "..") == NULL && stays_inside(target, depth_of(name)) && symlink(target, name) != 0)
        return;
}

static void put_entry(char kind, char *name, unsigned *asked)
{
    if (kind == 't')
        *asked = (unsigned)strtoul(name, NULL, 10);
    else if (kind == 'l')
        put_link(name);
    if (name[0] == '\0' || !stays_inside(name, 0) || strstr(name, "..") != NULL)
        return;
    if (kind == 'd')
        (void)!mkdir(name, 0700);
    else if (kind == 'q')
        (void)!mkfifo(name, 0600);
    else if (kind == 'p')
        put_file(name, "P5 2 2 255 abcd");
    else if (kind == 'g' || kind == 'e')
        put_file(name, kind == 'g' ? "\x89PNG\r\n\x1a\ngarbage" : "");
}

static void make_folder(char *script, unsigned *asked)
{
    fuzz_expect(mkdir(ROOT, 0700) == 0 && chdir(ROOT) == 0, "no folder for the input");
    for (int line = 0; *script != '\0' && line < MOST_LINES; line++) {
        size_t length = strcspn(script, "\n");
        bool last = script[length] == '\0';
        script[length] = '\0';
        put_entry(script[0], script + (script[0] != '\0'), asked);
        script += length + !last;
    }
    fuzz_expect(chdir("..") == 0, "the folder is gone");
}

static void load_all(const knn_dataset *data)
{
    char text[64];
    for (size_t i = 0; i < knn_dataset_samples(data); i++)
        snprintf(text, sizeof text, "%s", knn_dataset_path(data, i));
}

static void open_folder(unsigned asked)
{
    static const char *const classes[] = {"a", "b", NULL};
    knn_dataset *data =
        knn_flow_from_directory(ROOT, 2, 2, .class_mode = (knn_class_mode)(asked % 4), .follow_links = (asked & 4) != 0,
                                .skip_bad_files = (asked & 8) != 0, .classes = (asked & 16) != 0 ? classes : NULL,
                                .validation_split = (asked & 32) != 0 ? 0.5 : 0, .subset = (asked & 32) != 0 ? KNN_VALIDATION : 0);

    fuzz_expect(data != NULL || knn_last_error()[0] != '\0', "a failure without a word");
    if (data != NULL)
        load_all(data);
    knn_dataset_free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t before = knn__live_blocks();
    char *script = fuzz_text(data, size);
    unsigned asked = 0;

    fuzz_enter_folder();
    make_folder(script, &asked);
    open_folder(asked);
    fuzz_empty_folder(".");
    free(script);
    fuzz_expect(knn__live_blocks() == before, "memory is not given back");
    return 0;
}
