/* SPDX-License-Identifier: Apache-2.0 */
#include "server/wire/wirefield.h"
#include <string.h>

bool wirefield_finished(const struct bytes_reader *r)
{
    return !r->bad && r->p == r->end;
}

unsigned wirefield_get_count(struct bytes_reader *r, size_t least_bytes)
{
    uint64_t n = bytes_get_varint(r);
    if (n > (size_t)(r->end - r->p) / least_bytes) {
        r->bad = true;
        return 0;
    }
    return (unsigned)n;
}

void wirefield_put_text(struct bytes *out, const char *s)
{
    bytes_str(out, s, strlen(s));
}

const char *wirefield_get_text(struct bytes_reader *r, struct arena *a)
{
    size_t n = 0;
    const char *p = bytes_get_str(r, &n);
    if (p == NULL || memchr(p, 0, n) != NULL) {
        r->bad = true;
        return "";
    }
    return arena_dup(a, p, n);
}
