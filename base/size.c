/* SPDX-License-Identifier: Apache-2.0 */
#include "base/size.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

bool size_parse(const char *s, uint64_t *bytes)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } units[] = {{"", 1},          {"B", 1},       {"KiB", 1 << 10}, {"MiB", 1 << 20},
                 {"GiB", 1 << 30}, {"kB", 1000},   {"MB", 1000000},  {"GB", 1000000000},
                 {"K", 1 << 10},   {"M", 1 << 20}, {"G", 1 << 30}};
    char *end = NULL;
    errno = 0;
    if (*s < '0' || *s > '9')
        return false;
    uint64_t n = strtoull(s, &end, 10);
    end += strspn(end, " ");
    for (size_t i = 0; errno == 0 && i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].name) == 0)
            return !__builtin_mul_overflow(n, units[i].bytes, bytes);
    return false;
}
