/* SPDX-License-Identifier: Apache-2.0 */
#include "server/args.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

bool args_number(const char *command, const char *option, const char *text, uint64_t least,
                 uint64_t most, uint64_t *out)
{
    uint64_t v = 0;
    bool good = *text >= '0' && *text <= '9';
    for (const char *p = text; good && *p; p++) {
        if (*p == '_')
            continue;
        good = *p >= '0' && *p <= '9' && !__builtin_mul_overflow(v, (uint64_t)10, &v) &&
               !__builtin_add_overflow(v, (uint64_t)(*p - '0'), &v);
    }
    if (!good || v < least || v > most) {
        args_complain(command, "%s: '%.60s' is not a whole number from %" PRIu64 " to %" PRIu64,
                      option, text, least, most);
        return false;
    }
    *out = v;
    return true;
}

int args_complain(const char *command, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fprintf(stderr, "weir %s: %s\n", command, text);
    return ARGS_USAGE;
}
