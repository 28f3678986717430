/* Nothing ever exits or prints: the whole job and every mistake that we know, in a child process, once with its standard streams going to a
 * pipe that must stay empty, once with them closed: files that are then opened as 0 to 2 must stay whole. */
#include "failures/miniature.h"
#include "support/check_run.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AS_IT_SHOULD = 42, JOB_FAILED = 43, MISTAKE_SUCCEEDED = 44 };

static char folder[64];

static void setup(void) { miniature_make(folder, sizeof folder); }
static void teardown(void) { miniature_remove(folder); }

typedef void child_fn(void);

static void job_and_mistakes(void)
{
    if (miniature_run(folder) != KNN_OK)
        _exit(JOB_FAILED);
    if (miniature_mistakes(folder) != 0)
        _exit(MISTAKE_SUCCEEDED);
    if (miniature_run(folder) != KNN_OK)        /* and it works as before */
        _exit(JOB_FAILED);
}

static void job_and_a_line(void)
{
    puts("a line that must be noticed");
    fflush(stdout);
}

static void an_exit(void) { exit(0); }

/* Runs `child` with its streams on a pipe (or closed); what it wrote goes to `text`; returns its exit status, or -signal. */
static int run_child(child_fn *child, bool closed, char *text, size_t size)
{
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        signal(SIGPIPE, SIG_DFL);
        for (int fd = 0; fd <= 2; fd++)
            if (closed)
                close(fd);
            else
                dup2(ends[1], fd);
        close(ends[0]);
        close(ends[1]);
        child();
        _exit(AS_IT_SHOULD);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; length + 1 < size && (got = read(ends[0], text + length, size - 1 - length)) > 0;)
        length += (size_t)got;
    text[length] = '\0';
    close(ends[0]);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

START_TEST(nothing_ever_exits_or_prints)
{
    char text[4096];
    ck_assert_int_eq(run_child(job_and_mistakes, false, text, sizeof text), AS_IT_SHOULD);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(closed_standard_streams_do_no_harm)
{
    char text[4096];
    ck_assert_int_eq(run_child(job_and_mistakes, true, text, sizeof text), AS_IT_SHOULD);
}
END_TEST

START_TEST(this_test_would_notice_a_line_and_an_exit)
{
    char text[4096];
    ck_assert_int_eq(run_child(job_and_a_line, false, text, sizeof text), AS_IT_SHOULD);
    ck_assert_str_eq(text, "a line that must be noticed\n");
    ck_assert_int_ne(run_child(an_exit, false, text, sizeof text), AS_IT_SHOULD);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failures/silence");
    TCase *tests = tcase_create("silence");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, nothing_ever_exits_or_prints);
    tcase_add_test(tests, closed_standard_streams_do_no_harm);
    tcase_add_test(tests, this_test_would_notice_a_line_and_an_exit);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
