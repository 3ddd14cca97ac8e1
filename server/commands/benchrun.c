/* SPDX-License-Identifier: Apache-2.0 */
#include "server/commands/benchrun.h"
#include "base/mem.h"
#include "base/timebase.h"
#include "io/codec_simd.h"
#include "io/paygen.h"
#include "server/eval/evalinput.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_BYTES = 64 << 10, WRITE_BYTES = 1 << 20 };

/* --- a process --------------------------------------------------------------------------------- */

static void become(const char *const args[], bool quiet, int out)
{
    char *argv[BENCHRUN_ARGS_MAX + 2] = {(char[]){"weir"}};
    for (int i = 0; i < BENCHRUN_ARGS_MAX && args[i]; i++)
        argv[i + 1] = (char *)args[i];
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(nowhere, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    if (quiet)
        dup2(nowhere, STDERR_FILENO);
    execv("/proc/self/exe", argv);
    _exit(127);
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

enum err benchrun_run(const char *const args[], bool quiet, struct bytes *out, struct benchrun *r)
{
    int ends[2], status = 0;
    struct rusage use;
    montime from = timebase_mono_ns();
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ERR_IO;
    pid_t child = fork();
    if (child == 0)
        become(args, quiet, ends[1]);
    close(ends[1]);
    ssize_t n = 1;
    while (child > 0 && n > 0) {
        n = read(ends[0], bytes_reserve(out, READ_BYTES), READ_BYTES);
        out->n += n > 0 ? (size_t)n : 0;
        n = n < 0 && errno == EINTR ? 1 : n;
    }
    close(ends[0]);
    if (child < 0 || wait4(child, &status, 0, &use) != child)
        return ERR_IO;
    r->wall_s = (double)(timebase_mono_ns() - from) / 1e9;
    r->cpu_s = seconds_of(use.ru_utime) + seconds_of(use.ru_stime);
    r->max_rss_bytes = (uint64_t)use.ru_maxrss * 1024;
    r->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ERR_OK;
}

/* --- the input --------------------------------------------------------------------------------- */

static bool write_all(int fd, const struct bytes *b)
{
    for (size_t at = 0; at < b->n;) {
        ssize_t n = write(fd, b->p + at, b->n - at);
        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool write_stream(int fd, uint64_t n)
{
    struct paygen_options o = PAYGEN_DEFAULTS;
    struct bytes b = {0};
    bool good = true;
    size_t length = 1;
    o.events = n;
    struct paygen *g = paygen_new(&o);
    while (good && length > 0) {
        length = paygen_next(g, (char *)bytes_reserve(&b, PAYGEN_LINE_MAX), NULL);
        b.n += length;
        if (b.n >= WRITE_BYTES || length == 0) {
            good = write_all(fd, &b);
            bytes_reset(&b);
        }
    }
    paygen_free(g);
    bytes_fini(&b);
    return good;
}

enum err benchrun_stream(const char *path, uint64_t n)
{
    if (access(path, R_OK) == 0)
        return ERR_OK;
    char *part = mem_printf("%s.part", path);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool good = fd >= 0 && write_stream(fd, n);
    if (fd >= 0)
        good &= close(fd) == 0;
    good = good && rename(part, path) == 0;
    mem_free(part);
    return good ? ERR_OK : ERR_IO;
}

enum err benchrun_decode(const char *path, uint64_t *lines)
{
    struct evalinput *in = NULL;
    const char *p;
    size_t n;
    uint64_t sum = 0;
    enum err e = evalinput_open(path, &in);
    if (e != ERR_OK)
        return e;
    *lines = 0;
    while (evalinput_block(in, 0, &p, &n)) {
        *lines += codec_simd_bare(p, n, &sum);
        evalinput_take(in, n);
    }
    e = evalinput_failed(in) ? ERR_IO : ERR_OK;
    evalinput_free(in);
    return e;
}
