/* A web server for one file on the loopback that cuts its first answer half-way and knows the Range header.
 * Understands nothing else of HTTP; ends by itself after a minute.
 *
 *     cutting_server FILE LOG     prints its port; LOG gets one line a request: the Range header's value, or "whole"
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LIFETIME = 60 /* seconds */, LARGEST_FILE = 1 << 22 };

static void stop(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static size_t read_file(const char *path, char *bytes)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        stop(path);
    size_t size = fread(bytes, 1, LARGEST_FILE, file);
    fclose(file);
    return size;
}

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 5) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        stop("cannot listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

/* Up to the empty line that ends it. */
static void read_request(int connection, char *request, size_t capacity)
{
    size_t length = 0;
    ssize_t count;

    do {
        count = read(connection, request + length, capacity - 1 - length);
        length += count > 0 ? (size_t)count : 0;
        request[length] = '\0';
    } while (count > 0 && strstr(request, "\r\n\r\n") == NULL);
}

static void send_all(int connection, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = write(connection, bytes, count);
        if (sent <= 0)
            return;
        bytes += sent;
        count -= (size_t)sent;
    }
}

/* Sends the header of the whole rest, but only `share` of its bytes. */
static void answer(int connection, const char *bytes, size_t size, size_t first, double share)
{
    char header[256];
    int length = snprintf(header, sizeof header, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nAccept-Ranges: bytes\r\n",
                          first > 0 ? "206 Partial Content" : "200 OK", size - first);

    send_all(connection, header, (size_t)length);
    length = snprintf(header, sizeof header, "Content-Range: bytes %zu-%zu/%zu\r\n", first, size - 1, size);
    if (first > 0)
        send_all(connection, header, (size_t)length);
    send_all(connection, "Connection: close\r\n\r\n", 21);
    send_all(connection, bytes + first, (size_t)((double)(size - first) * share));
}

int main(int argc, char **argv)
{
    static char bytes[LARGEST_FILE], request[8192];

    if (argc != 3) {
        fprintf(stderr, "usage: cutting_server FILE LOG\n");
        return 2;
    }
    size_t size = read_file(argv[1], bytes);
    FILE *log = fopen(argv[2], "w");
    if (log == NULL)
        stop(argv[2]);
    signal(SIGPIPE, SIG_IGN);
    alarm(LIFETIME);

    int listener = listen_on_loopback();
    for (double share = 0.5;; share = 1) {
        int connection = accept(listener, NULL, NULL);
        if (connection < 0)
            stop("cannot accept");
        read_request(connection, request, sizeof request);

        const char *range = strstr(request, "Range: bytes=");
        size_t first = range != NULL ? strtoul(range + 13, NULL, 10) : 0;
        fprintf(log, range != NULL ? "from %zu\n" : "whole\n", first);
        fflush(log);
        answer(connection, bytes, size, first < size ? first : size, share);
        close(connection);
    }
}
