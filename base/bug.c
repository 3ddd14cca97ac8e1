/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The heap or the log may be what is broken, so this takes a buffer on the stack and one write(2).
 */
void bug_abort(const char *file, int line, const char *fmt, ...)
{
    char text[512];
    int n = snprintf(text, sizeof text, "level=error msg=\"bug\" at=%s:%d pid=%d what=\"", file,
                     line, (int)getpid());
    size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;

    va_list ap;
    va_start(ap, fmt);
    n = vsnprintf(text + len, sizeof text - len, fmt, ap);
    va_end(ap);
    if (n > 0)
        len += (size_t)n < sizeof text - len ? (size_t)n : sizeof text - len - 1;
    if (len > sizeof text - 3)
        len = sizeof text - 3;
    text[len++] = '"';
    text[len++] = '\n';
    ssize_t written = write(STDERR_FILENO, text, len);
    (void)written; /* nobody is left to tell */
    abort();
}
