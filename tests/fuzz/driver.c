/* Replays files through a fuzz target, each in a process of its own with the limits that hold for hostile files. Does not make up any.
 *
 *     fuzz_TARGET FILE|FOLDER...
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SECONDS = 5,
    MEGABYTES = 1024                        /* resident */
};

static int replayed, failed;

static uint8_t *read_all(const char *path, size_t *size)
{
    FILE *stream = fopen(path, "rb");
    struct stat info;

    if (stream == NULL || fstat(fileno(stream), &info) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    *size = (size_t)info.st_size;
    uint8_t *data = malloc(*size > 0 ? *size : 1);      /* not a byte more: sanitizers see what is read behind the end */
    if (data == NULL || fread(data, 1, *size, stream) != *size) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    fclose(stream);
    return data;
}

static void run_in_child(const char *path)
{
    const struct rlimit limit = {SECONDS, SECONDS + 1};
    size_t size;

    setrlimit(RLIMIT_CPU, &limit);
    uint8_t *data = read_all(path, &size);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    exit(EXIT_SUCCESS);
}

static void replay_file(const char *path)
{
    struct rusage usage;
    int status;

    replayed++;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        run_in_child(path);
    if (child < 0 || wait4(child, &status, 0, &usage) != child) {
        perror("fork");
        exit(EXIT_FAILURE);
    }
    long megabytes = usage.ru_maxrss / 1024;
    if (status == 0 && megabytes <= MEGABYTES)
        return;
    failed++;
    if (WIFSIGNALED(status))
        fprintf(stderr, "%s: %s\n", path, strsignal(WTERMSIG(status)));
    else
        fprintf(stderr, "%s: exit status %d, %ld MB\n", path, WEXITSTATUS(status), megabytes);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void replay(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_visible, alphasort);

    if (count < 0)
        replay_file(path);
    for (int i = 0; i < count; i++) {
        char below[4096];
        snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name);
        replay(below);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%d inputs, %d failed\n", replayed, failed);
    return replayed > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
