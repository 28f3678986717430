/* Reading, writing and walking, with what goes wrong there. Runs in a temporary folder of its own. */
#include "core/file.h"
#include "core/memory.h"
#include "core/status.h"
#include "support/check_run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static char folder[] = "/tmp/knn-core-file-XXXXXX", home[PATH_MAX];
static size_t blocks_before;

static void enter_folder(void)
{
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(getcwd(home, sizeof home));
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(chmod(folder, 0777), 0);
    umask(022);
    blocks_before = knn__live_blocks();
    knn__clear_error();
}

static void leave_folder(void)
{
    char command[64];
    ck_assert_uint_eq(knn__live_blocks(), blocks_before);
    ck_assert_int_eq(chdir(home), 0);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* ---- Small helpers, on stdio so that they do not lean on what they test ---- */

static void make_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void expect_contents(const char *path, const char *text)
{
    char got[256] = "";
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s is not there", path);
    size_t length = fread(got, 1, sizeof got - 1, file);
    fclose(file);
    got[length] = '\0';
    ck_assert_str_eq(got, text);
}

static bool is_there(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

static void expect_error(knn_status status, knn_status expected, const char *text)
{
    ck_assert_str_eq(knn_status_name(status), knn_status_name(expected));
    ck_assert_str_eq(knn_last_error(), text);
}

static void expect_unreadable(const char *path, size_t limit, knn_status expected, const char *text)
{
    void *data = &data;
    size_t size = 1;
    expect_error(knn__read_file(path, limit, &data, &size), expected, text);
    ck_assert_ptr_null(data);
    ck_assert_uint_eq(size, 0);
}

/* The names joined by blanks. */
static void expect_names(const knn__names *names, const char *expected)
{
    char got[1024] = "";
    for (size_t i = 0; i < names->count; i++) {
        strcat(got, names->name[i]);
        strcat(got, i + 1 < names->count ? " " : "");
    }
    ck_assert_str_eq(got, expected);
}

/* ---- Reading ---- */

START_TEST(a_file_is_read_whole_with_a_nul_behind_it)
{
    void *data;
    size_t size;
    make_file("a", "hello");
    ck_assert_int_eq(knn__read_file("a", 0, &data, &size), KNN_OK);
    ck_assert_uint_eq(size, 5);
    ck_assert_mem_eq(data, "hello\0", 6);
    knn__free(data);
}
END_TEST

START_TEST(an_empty_file_is_no_error)
{
    void *data;
    size_t size;
    make_file("a", "");
    ck_assert_int_eq(knn__read_file("a", 0, &data, &size), KNN_OK);
    ck_assert_uint_eq(size, 0);
    ck_assert_str_eq(data, "");
    knn__free(data);
}
END_TEST

START_TEST(the_limit_is_the_last_size_that_is_read)
{
    void *data;
    size_t size;
    make_file("a", "hello");
    ck_assert_int_eq(knn__read_file("a", 5, &data, &size), KNN_OK);
    knn__free(data);
    expect_unreadable("a", 4, KNN_ERROR_FORMAT, "a: has 5 bytes, expected at most 4");
}
END_TEST

START_TEST(a_head_is_at_most_the_file)
{
    static const size_t wanted[] = {0, 3, 5, 100}, got[] = {0, 3, 5, 5};
    make_file("a", "hello");
    for (int i = 0; i < 4; i++) {
        void *data;
        size_t size;
        ck_assert_int_eq(knn__read_head("a", wanted[i], &data, &size), KNN_OK);
        ck_assert_uint_eq(size, got[i]);
        ck_assert_mem_eq(data, "hello", size);
        ck_assert_int_eq(((char *)data)[size], '\0');
        knn__free(data);
    }
}
END_TEST

START_TEST(what_is_no_file_is_refused_by_name)
{
    ck_assert_int_eq(mkdir("d", 0755), 0);
    ck_assert_int_eq(mkfifo("f", 0644), 0);
    expect_unreadable("none", 0, KNN_ERROR_IO, "none: cannot open: No such file or directory");
    expect_unreadable("none/a", 0, KNN_ERROR_IO, "none/a: cannot open: No such file or directory");
    expect_unreadable("d", 0, KNN_ERROR_IO, "d: is a directory, expected a regular file");
    expect_unreadable("f", 0, KNN_ERROR_IO, "f: is a device, pipe or socket, expected a regular file");
    expect_unreadable("/dev/zero", 0, KNN_ERROR_IO, "/dev/zero: is a device, pipe or socket, expected a regular file");
}
END_TEST

START_TEST(no_memory_for_a_file_is_an_error_with_its_name)
{
    make_file("a", "hello");
    knn__fail_allocation(1);
    expect_unreadable("a", 0, KNN_ERROR_MEMORY, "a: no memory for 6 bytes");
}
END_TEST

START_TEST(the_reason_follows_even_a_very_long_path)
{
    char path[3001];
    memset(path, 'x', 3000);
    path[3000] = '\0';
    void *data;
    size_t size;
    ck_assert_int_eq(knn__read_file(path, 0, &data, &size), KNN_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "xxx: cannot open: File name too long"));
}
END_TEST

/* ---- Writing ---- */

START_TEST(a_new_file_has_the_bytes_and_the_usual_mode)
{
    struct stat info;
    ck_assert_int_eq(knn__write_file("a", "hello", 5), KNN_OK);
    expect_contents("a", "hello");
    ck_assert_int_eq(stat("a", &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0644);
    ck_assert(!is_there("a.tmp-libknn"));
    ck_assert_int_eq(knn__write_file("empty", NULL, 0), KNN_OK);
    expect_contents("empty", "");
}
END_TEST

START_TEST(a_large_file_comes_back)
{
    enum { SIZE = 5000000 };
    unsigned char *bytes = knn__alloc(SIZE, 1);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 13);
    void *data;
    size_t size;
    ck_assert_int_eq(knn__write_file("a", bytes, SIZE), KNN_OK);
    ck_assert_int_eq(knn__read_file("a", 0, &data, &size), KNN_OK);
    ck_assert_uint_eq(size, SIZE);
    ck_assert_int_eq(memcmp(data, bytes, SIZE), 0);
    knn__free(data);
    knn__free(bytes);
}
END_TEST

START_TEST(an_existing_file_is_replaced_and_keeps_its_mode)
{
    struct stat info;
    make_file("a", "a longer old text");
    ck_assert_int_eq(chmod("a", 0640), 0);
    ck_assert_int_eq(knn__write_file("a", "new", 3), KNN_OK);
    expect_contents("a", "new");
    ck_assert_int_eq(stat("a", &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0640);
}
END_TEST

START_TEST(who_has_the_old_file_open_keeps_it)
{
    char text[4] = "";
    make_file("a", "old");
    int descriptor = open("a", O_RDONLY);
    ck_assert_int_eq(knn__write_file("a", "new", 3), KNN_OK);
    ck_assert_int_eq(read(descriptor, text, 3), 3);
    close(descriptor);
    ck_assert_str_eq(text, "old");
}
END_TEST

START_TEST(a_stale_temporary_file_is_replaced)
{
    make_file("a.tmp-libknn", "what a killed run left, rather long");
    ck_assert_int_eq(chmod("a.tmp-libknn", 0400), 0);
    ck_assert_int_eq(knn__write_file("a", "new", 3), KNN_OK);
    expect_contents("a", "new");
    ck_assert(!is_there("a.tmp-libknn"));
}
END_TEST

START_TEST(a_stale_temporary_link_is_not_followed)
{
    make_file("precious", "precious");
    ck_assert_int_eq(symlink("precious", "a.tmp-libknn"), 0);
    ck_assert_int_eq(knn__write_file("a", "new", 3), KNN_OK);
    expect_contents("precious", "precious");
    expect_contents("a", "new");
}
END_TEST

START_TEST(a_second_writer_is_refused)
{
    make_file("a", "old");
    int other = open("a.tmp-libknn", O_WRONLY | O_CREAT, 0644);
    ck_assert_int_eq(flock(other, LOCK_EX), 0);
    expect_error(knn__write_file("a", "new", 3), KNN_ERROR_IO, "a: cannot write: another writer is at it");
    ck_assert(is_there("a.tmp-libknn"));
    close(other);
    ck_assert_int_eq(knn__write_file("a", "new", 3), KNN_OK);
    expect_contents("a", "new");
}
END_TEST

/* Two processes write the same file over and over: every read is one of the two texts, whole. */
START_TEST(racing_writers_never_mix)
{
    enum { SIZE = 100000, TIMES = 60 };
    static char mine[SIZE], theirs[SIZE];
    memset(mine, 'm', SIZE);
    memset(theirs, 't', SIZE);
    ck_assert_int_eq(knn__write_file("a", mine, SIZE), KNN_OK);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        for (int i = 0; i < TIMES; i++)
            (void)knn__write_file("a", theirs, SIZE);
        _exit(0);
    }
    int whole = 0;
    for (int i = 0; i < TIMES; i++) {
        void *data;
        size_t size;
        (void)knn__write_file("a", mine, SIZE);
        if (knn__read_file("a", 0, &data, &size) != KNN_OK)
            break;
        whole += size == SIZE && (memcmp(data, mine, SIZE) == 0 || memcmp(data, theirs, SIZE) == 0);
        knn__free(data);
    }
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(whole, TIMES);
    ck_assert(!is_there("a.tmp-libknn"));
}
END_TEST

START_TEST(links_are_followed_to_their_target)
{
    ck_assert_int_eq(mkdir("d", 0755), 0);
    make_file("d/real", "old");
    ck_assert_int_eq(symlink("real", "d/second"), 0);
    ck_assert_int_eq(symlink("d/second", "first"), 0);
    ck_assert_int_eq(knn__write_file("first", "new", 3), KNN_OK);
    expect_contents("d/real", "new");
    char target[16] = "";
    ck_assert_int_eq(readlink("first", target, sizeof target - 1), 8);
    ck_assert_str_eq(target, "d/second");
}
END_TEST

START_TEST(a_dangling_link_makes_its_target)
{
    char target[PATH_MAX];
    ck_assert_int_eq(mkdir("d", 0755), 0);
    snprintf(target, sizeof target, "%s/d/new", folder);        /* an absolute one */
    ck_assert_int_eq(symlink(target, "link"), 0);
    ck_assert_int_eq(knn__write_file("link", "new", 3), KNN_OK);
    expect_contents("d/new", "new");
}
END_TEST

START_TEST(a_loop_of_links_is_an_error)
{
    ck_assert_int_eq(symlink("b", "a"), 0);
    ck_assert_int_eq(symlink("a", "b"), 0);
    expect_error(knn__write_file("a", "x", 1), KNN_ERROR_IO, "a: cannot write: Too many levels of symbolic links");
}
END_TEST

START_TEST(places_that_cannot_be_written_are_errors)
{
    make_file("file", "text");
    ck_assert_int_eq(mkdir("d", 0755), 0);
    expect_error(knn__write_file("none/a", "x", 1), KNN_ERROR_IO, "none/a: cannot write: No such file or directory");
    expect_error(knn__write_file("file/a", "x", 1), KNN_ERROR_IO, "file/a: cannot write: Not a directory");
    expect_error(knn__write_file("d", "x", 1), KNN_ERROR_IO, "d: is a directory, expected a regular file");
    expect_error(knn__write_file("", "x", 1), KNN_ERROR_IO, ": cannot write: No such file or directory");
    expect_error(knn__try_path(""), KNN_ERROR_IO, ": cannot write: No such file or directory");
    expect_error(knn__write_file("/dev/full", "x", 1), KNN_ERROR_IO,
                 "/dev/full: is a device, pipe or socket, expected a regular file");
}
END_TEST

START_TEST(paths_that_are_too_long_are_errors)
{
    static char path[2 * PATH_MAX];
    memset(path, 'x', sizeof path - 1);
    for (size_t i = 100; i < sizeof path; i += 100)
        path[i] = '/';
    ck_assert_int_eq(knn__write_file(path, "x", 1), KNN_ERROR_IO);
    path[251] = '\0';                                           /* the name fits, the temporary one does not */
    path[100] = path[200] = 'x';
    ck_assert_int_eq(knn__write_file(path, "x", 1), KNN_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "File name too long"));
}
END_TEST

/* Root may write everywhere: these tests then act as nobody. */
static void drop_rights(void)
{
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(NOBODY), 0);
}

static void regain_rights(void)
{
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
}

START_TEST(a_folder_without_rights_is_an_error_and_the_old_file_stays)
{
    ck_assert_int_eq(mkdir("d", 0755), 0);
    make_file("d/a", "old");
    ck_assert_int_eq(chmod("d/a", 0666), 0);
    ck_assert_int_eq(chmod("d", 0555), 0);
    drop_rights();
    knn_status written = knn__write_file("d/a", "new", 3), tried = knn__try_path("d/b");
    regain_rights();
    ck_assert_int_eq(written, KNN_ERROR_IO);
    expect_error(tried, KNN_ERROR_IO, "d/b: cannot write: Permission denied");
    expect_contents("d/a", "old");
    ck_assert_int_eq(chmod("d", 0755), 0);
}
END_TEST

START_TEST(a_write_protected_file_is_not_replaced)
{
    make_file("a", "old");
    ck_assert_int_eq(chmod("a", 0444), 0);
    drop_rights();
    knn_status status = knn__write_file("a", "new", 3);
    regain_rights();
    expect_error(status, KNN_ERROR_IO, "a: cannot write: Permission denied");
    expect_contents("a", "old");
}
END_TEST

START_TEST(an_unreadable_file_is_an_error)
{
    make_file("a", "secret");
    ck_assert_int_eq(chmod("a", 0200), 0);
    drop_rights();
    void *data;
    size_t size;
    knn_status status = knn__read_file("a", 0, &data, &size);
    regain_rights();
    expect_error(status, KNN_ERROR_IO, "a: cannot open: Permission denied");
}
END_TEST

/* A limit on file sizes is a disk that fills in the middle of a write. */
START_TEST(a_write_that_fails_half_way_leaves_the_old_file)
{
    static char bytes[100000];
    struct rlimit old, low;
    make_file("a", "old");
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = 50000;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
    knn_status status = knn__write_file("a", bytes, sizeof bytes);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, handler);
    expect_error(status, KNN_ERROR_IO, "a: cannot write: File too large");
    expect_contents("a", "old");
    ck_assert(!is_there("a.tmp-libknn"));
}
END_TEST

START_TEST(trying_a_path_changes_nothing)
{
    make_file("a", "old");
    make_file("b.tmp-libknn", "stale");
    ck_assert_int_eq(knn__try_path("a"), KNN_OK);
    ck_assert_int_eq(knn__try_path("b"), KNN_OK);
    expect_contents("a", "old");
    ck_assert(!is_there("a.tmp-libknn"));
    ck_assert(!is_there("b"));
    expect_error(knn__try_path("none/a"), KNN_ERROR_IO, "none/a: cannot write: No such file or directory");
}
END_TEST

/* A host that closed its standard streams and prints all the same must not hit our files. */
START_TEST(descriptors_0_to_2_are_never_used)
{
    int saved[3], got[2];
    make_file("a", "text");
    for (int i = 0; i < 3; i++)
        saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
    for (int i = 0; i < 3; i++)
        close(i);
    for (int i = 0; i < 2; i++)
        got[i] = knn__open("a", O_RDONLY, 0);
    bool free_again = fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0;
    for (int i = 0; i < 3; i++)
        if (saved[i] >= 0) {
            dup2(saved[i], i);
            close(saved[i]);
        }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_ge(got[i], 3);
        ck_assert_int_ne(fcntl(got[i], F_GETFD) & FD_CLOEXEC, 0);
        close(got[i]);
    }
    ck_assert(free_again);
}
END_TEST

static int lowest_free_descriptor(void)
{
    int descriptor = open(".", O_RDONLY);
    close(descriptor);
    return descriptor;
}

START_TEST(no_descriptor_is_left_open)
{
    void *data;
    size_t size;
    knn__names names;
    int before = lowest_free_descriptor();
    ck_assert_int_eq(knn__write_file("a", "text", 4), KNN_OK);
    ck_assert_int_eq(knn__try_path("a"), KNN_OK);
    ck_assert_int_eq(knn__read_file("a", 0, &data, &size), KNN_OK);
    knn__free(data);
    ck_assert_int_eq(knn__read_file("a", 1, &data, &size), KNN_ERROR_FORMAT);
    ck_assert_int_eq(knn__read_file(".", 0, &data, &size), KNN_ERROR_IO);
    ck_assert_int_eq(knn__write_file(".", "text", 4), KNN_ERROR_IO);
    ck_assert_int_eq(knn__walk_files(".", true, &names), KNN_OK);
    knn__names_free(&names);
    ck_assert_int_eq(knn__list_directories("a", true, &names), KNN_ERROR_IO);
    ck_assert_int_eq(lowest_free_descriptor(), before);
}
END_TEST

/* ---- Directories ---- */

START_TEST(directories_are_listed_in_byte_order_without_hidden_ones)
{
    static const char *const made[] = {"b", "10", "2", "\xc3\xa4", "a", "B", ".hidden", "with blank"};
    knn__names names;
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        ck_assert_int_eq(mkdir(made[i], 0755), 0);
    make_file("file", "");
    ck_assert_int_eq(knn__list_directories(".", false, &names), KNN_OK);
    expect_names(&names, "10 2 B a b with blank \xc3\xa4");
    knn__names_free(&names);
    ck_assert_uint_eq(names.count, 0);
}
END_TEST

START_TEST(a_link_to_a_directory_counts_where_links_are_followed)
{
    knn__names names;
    ck_assert_int_eq(mkdir("d", 0755), 0);
    make_file("file", "");
    ck_assert_int_eq(symlink("d", "link"), 0);
    ck_assert_int_eq(symlink("file", "other"), 0);
    ck_assert_int_eq(symlink("none", "dangling"), 0);
    ck_assert_int_eq(knn__list_directories(".", false, &names), KNN_OK);
    expect_names(&names, "d");
    knn__names_free(&names);
    ck_assert_int_eq(knn__list_directories(".", true, &names), KNN_OK);
    expect_names(&names, "d link");
    knn__names_free(&names);
}
END_TEST

START_TEST(an_empty_directory_has_no_names)
{
    knn__names names;
    ck_assert_int_eq(knn__list_directories(folder, false, &names), KNN_OK);
    ck_assert_uint_eq(names.count, 0);
    knn__names_free(&names);
    ck_assert_int_eq(knn__walk_files(folder, false, &names), KNN_OK);
    ck_assert_uint_eq(names.count, 0);
    knn__names_free(&names);
}
END_TEST

START_TEST(what_is_no_directory_is_an_error)
{
    knn__names names;
    make_file("file", "");
    expect_error(knn__list_directories("none", false, &names), KNN_ERROR_IO,
                 "none: cannot read the directory: No such file or directory");
    expect_error(knn__walk_files("none", false, &names), KNN_ERROR_IO,
                 "none: cannot read the directory: No such file or directory");
    expect_error(knn__list_directories("file", false, &names), KNN_ERROR_IO,
                 "file: cannot read the directory: Not a directory");
    expect_error(knn__walk_files("file", false, &names), KNN_ERROR_IO, "file: cannot read the directory: Not a directory");
    ck_assert_ptr_null(names.name);
}
END_TEST

/* Directories by their whole path, '-' before '/', and files by name within each. */
START_TEST(a_walk_goes_through_sorted_directories)
{
    knn__names paths;
    ck_assert_int_eq(mkdir("d", 0755), 0);
    ck_assert_int_eq(mkdir("d/a", 0755), 0);
    ck_assert_int_eq(mkdir("d/a/x", 0755), 0);
    ck_assert_int_eq(mkdir("d/a-b", 0755), 0);
    ck_assert_int_eq(mkdir("d/.h", 0755), 0);
    make_file("d/a/x/1", "");
    make_file("d/a-b/2", "");
    make_file("d/a/3", "");
    make_file("d/z", "");
    make_file("d/Z", "");
    make_file("d/.h/4", "");
    ck_assert_int_eq(mkfifo("d/fifo", 0644), 0);
    ck_assert_int_eq(knn__walk_files("d", false, &paths), KNN_OK);
    expect_names(&paths, "d/Z d/z d/.h/4 d/a/3 d/a-b/2 d/a/x/1");
    knn__names_free(&paths);
    ck_assert_int_eq(knn__walk_files("d/a/", false, &paths), KNN_OK);
    expect_names(&paths, "d/a/3 d/a/x/1");
    knn__names_free(&paths);
}
END_TEST

START_TEST(links_to_files_count_always_and_those_to_directories_on_request)
{
    knn__names paths;
    ck_assert_int_eq(mkdir("d", 0755), 0);
    ck_assert_int_eq(mkdir("e", 0755), 0);
    make_file("e/1", "");
    ck_assert_int_eq(symlink("../e/1", "d/file"), 0);
    ck_assert_int_eq(symlink("../e", "d/link"), 0);
    ck_assert_int_eq(symlink("../e", "d/twin"), 0);
    ck_assert_int_eq(symlink("none", "d/dangling"), 0);
    ck_assert_int_eq(knn__walk_files("d", false, &paths), KNN_OK);
    expect_names(&paths, "d/file");
    knn__names_free(&paths);
    ck_assert_int_eq(knn__walk_files("d", true, &paths), KNN_OK);
    expect_names(&paths, "d/file d/link/1 d/twin/1");
    knn__names_free(&paths);
}
END_TEST

START_TEST(a_loop_of_linked_directories_ends)
{
    knn__names paths;
    ck_assert_int_eq(mkdir("d", 0755), 0);
    ck_assert_int_eq(mkdir("d/e", 0755), 0);
    make_file("d/e/1", "");
    ck_assert_int_eq(symlink("..", "d/e/up"), 0);
    ck_assert_int_eq(symlink(".", "d/self"), 0);
    ck_assert_int_eq(knn__walk_files("d", true, &paths), KNN_OK);
    expect_names(&paths, "d/e/1");
    knn__names_free(&paths);
}
END_TEST

START_TEST(every_failing_allocation_of_a_walk_is_an_error_without_a_leak)
{
    ck_assert_int_eq(mkdir("d", 0755), 0);
    ck_assert_int_eq(mkdir("d/e", 0755), 0);
    make_file("d/1", "");
    make_file("d/e/2", "");
    knn_status status = KNN_ERROR_MEMORY;
    int failures = 0;
    for (long n = 1; status != KNN_OK; n++) {
        knn__names paths;
        knn__fail_allocation(n);
        knn__clear_error();
        status = knn__walk_files("d", false, &paths);
        if (status != KNN_OK) {
            failures++;
            ck_assert_int_eq(status, KNN_ERROR_MEMORY);
            ck_assert_ptr_nonnull(strstr(knn_last_error(), "no memory for"));
            ck_assert_uint_eq(paths.count, 0);
            ck_assert_uint_eq(knn__live_blocks(), blocks_before);
        } else {
            expect_names(&paths, "d/1 d/e/2");
            knn__names_free(&paths);
        }
    }
    knn__fail_allocation(0);
    ck_assert_int_ge(failures, 8);
}
END_TEST

START_TEST(directories_are_told_from_files)
{
    make_file("file", "");
    ck_assert_int_eq(symlink(".", "link"), 0);
    ck_assert(knn__is_directory("."));
    ck_assert(knn__is_directory("link"));
    ck_assert(!knn__is_directory("file"));
    ck_assert(!knn__is_directory("none"));
}
END_TEST

static void add_reading(TCase *tests)
{
    tcase_add_test(tests, a_file_is_read_whole_with_a_nul_behind_it);
    tcase_add_test(tests, an_empty_file_is_no_error);
    tcase_add_test(tests, the_limit_is_the_last_size_that_is_read);
    tcase_add_test(tests, a_head_is_at_most_the_file);
    tcase_add_test(tests, what_is_no_file_is_refused_by_name);
    tcase_add_test(tests, no_memory_for_a_file_is_an_error_with_its_name);
    tcase_add_test(tests, the_reason_follows_even_a_very_long_path);
    tcase_add_test(tests, an_unreadable_file_is_an_error);
    tcase_add_test(tests, descriptors_0_to_2_are_never_used);
    tcase_add_test(tests, no_descriptor_is_left_open);
}

static void add_writing(TCase *tests)
{
    tcase_add_test(tests, a_new_file_has_the_bytes_and_the_usual_mode);
    tcase_add_test(tests, a_large_file_comes_back);
    tcase_add_test(tests, an_existing_file_is_replaced_and_keeps_its_mode);
    tcase_add_test(tests, who_has_the_old_file_open_keeps_it);
    tcase_add_test(tests, a_stale_temporary_file_is_replaced);
    tcase_add_test(tests, a_stale_temporary_link_is_not_followed);
    tcase_add_test(tests, a_second_writer_is_refused);
    tcase_add_test(tests, racing_writers_never_mix);
    tcase_add_test(tests, links_are_followed_to_their_target);
    tcase_add_test(tests, a_dangling_link_makes_its_target);
    tcase_add_test(tests, a_loop_of_links_is_an_error);
    tcase_add_test(tests, places_that_cannot_be_written_are_errors);
    tcase_add_test(tests, paths_that_are_too_long_are_errors);
    tcase_add_test(tests, a_folder_without_rights_is_an_error_and_the_old_file_stays);
    tcase_add_test(tests, a_write_protected_file_is_not_replaced);
    tcase_add_test(tests, a_write_that_fails_half_way_leaves_the_old_file);
    tcase_add_test(tests, trying_a_path_changes_nothing);
}

static void add_directories(TCase *tests)
{
    tcase_add_test(tests, directories_are_listed_in_byte_order_without_hidden_ones);
    tcase_add_test(tests, a_link_to_a_directory_counts_where_links_are_followed);
    tcase_add_test(tests, an_empty_directory_has_no_names);
    tcase_add_test(tests, what_is_no_directory_is_an_error);
    tcase_add_test(tests, a_walk_goes_through_sorted_directories);
    tcase_add_test(tests, links_to_files_count_always_and_those_to_directories_on_request);
    tcase_add_test(tests, a_loop_of_linked_directories_ends);
    tcase_add_test(tests, every_failing_allocation_of_a_walk_is_an_error_without_a_leak);
    tcase_add_test(tests, directories_are_told_from_files);
}

int main(void)
{
    void (*const add[])(TCase *) = {add_reading, add_writing, add_directories};
    const char *const names[] = {"reading", "writing", "directories"};
    Suite *suite = suite_create("core/file");
    for (int i = 0; i < 3; i++) {
        TCase *tests = tcase_create(names[i]);
        tcase_add_checked_fixture(tests, enter_folder, leave_folder);
        add[i](tests);
        suite_add_tcase(suite, tests);
    }
    return check_run(suite);
}
