/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/timebase.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_BYTES = 2048 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static char process_name[32] = "weir";
static enum log_level least_level = LOG_INFO_LEVEL;

void log_init(const char *process, enum log_level least)
{
    snprintf(process_name, sizeof process_name, "%s", process);
    least_level = least;
}

/* What snprintf left in a buffer with `room` bytes, whose last may be the NUL. */
static size_t kept(int n, size_t room)
{
    if (n < 0)
        return 0;
    return (size_t)n < room ? (size_t)n : room - 1;
}

void log_line(enum log_level level, const char *module, const char *message, const char *fmt, ...)
{
    if (level < least_level)
        return;
    int saved = errno; /* callers log first and look at errno afterwards */
    char line[LINE_BYTES], when[TIMEBASE_TEXT];
    timebase_format(timebase_now_ms(), when);
    size_t n = kept(snprintf(line, sizeof line, "time=%s level=%s process=%s module=%s msg=\"%s\" ",
                             when, level_names[level], process_name, module, message),
                    sizeof line);
    va_list ap;
    va_start(ap, fmt);
    n += kept(vsnprintf(line + n, sizeof line - n, fmt, ap), sizeof line - n);
    va_end(ap);
    while (n > 0 && line[n - 1] == ' ')
        n--;
    /* A value from outside must not be able to begin a line of its own. */
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    line[n++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, n);
    (void)written; /* a log that cannot be written has nowhere to say so */
    errno = saved;
}

int log_allow(struct log_limiter *l, unsigned long *dropped)
{
    enum { PERIOD_NS = 1000000000 };
    long long now = timebase_mono_ns();
    if (l->last_ns != 0 && now - l->last_ns < PERIOD_NS) {
        l->dropped++;
        return 0;
    }
    l->last_ns = now;
    *dropped = l->dropped;
    l->dropped = 0;
    return 1;
}
