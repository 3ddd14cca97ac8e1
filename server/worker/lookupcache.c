/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker/lookupcache.h"
#include "base/map.h"

struct cached {
    montime until;
    uint32_t key_n, row_n;
    bool missing;
    MAP_LINK;
    uint8_t bytes[]; /* key, row */
};

struct lookupcache {
    unsigned most;
    montime ttl_ns;
    struct cached *map; /* in order of use, the last one last */
    size_t bytes;
};

struct lookupcache *lookupcache_new(unsigned rows, int64_t ttl_ms)
{
    struct lookupcache *c = mem_new(sizeof *c);
    c->most = rows;
    c->ttl_ns = ttl_ms * 1000000;
    return c;
}

static void forget(struct lookupcache *c, struct cached *x)
{
    c->bytes -= sizeof *x + x->key_n + x->row_n;
    MAP_DEL(c->map, x);
    mem_free(x);
}

void lookupcache_free(struct lookupcache *c)
{
    struct cached *x = NULL, *next = NULL;
    if (c == NULL)
        return;
    MAP_EACH(c->map, x, next) {
        forget(c, x);
    }
    mem_free(c);
}

void lookupcache_put(struct lookupcache *c, const void *key, size_t key_n, const void *row,
                     size_t n, montime now)
{
    struct cached *old = MAP_GET(c->map, key, key_n);
    if (old != NULL)
        forget(c, old);
    if (c->most == 0)
        return;
    if (MAP_COUNT(c->map) >= c->most)
        forget(c, c->map);
    n = row == NULL ? 0 : n;
    struct cached *x = mem_alloc(sizeof *x + key_n + n);
    *x = (struct cached){.until = now + c->ttl_ns,
                         .key_n = (uint32_t)key_n,
                         .row_n = (uint32_t)n,
                         .missing = row == NULL};
    memcpy(x->bytes, key, key_n);
    if (n > 0)
        memcpy(x->bytes + key_n, row, n);
    c->bytes += sizeof *x + key_n + n;
    MAP_PUT(c->map, x, x->bytes, key_n);
}

bool lookupcache_get(struct lookupcache *c, const void *key, size_t key_n, montime now,
                     const uint8_t **row)
{
    struct cached *x = MAP_GET(c->map, key, key_n);
    if (x == NULL)
        return false;
    if (now >= x->until) {
        forget(c, x);
        return false;
    }
    if (MAP_COUNT(c->map) >= c->most) { /* used last; as long as there is room, nobody asks */
        MAP_DEL(c->map, x);
        MAP_PUT(c->map, x, x->bytes, x->key_n);
    }
    *row = x->missing ? NULL : x->bytes + x->key_n;
    return true;
}

size_t lookupcache_rows(const struct lookupcache *c)
{
    return MAP_COUNT(c->map);
}

size_t lookupcache_bytes(const struct lookupcache *c)
{
    return c->bytes;
}
