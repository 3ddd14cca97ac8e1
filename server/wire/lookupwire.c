/* SPDX-License-Identifier: Apache-2.0 */
#include "server/wire/lookupwire.h"

enum { NUMBERS = 13 };

static void numbers_of(struct lookups_stats *s, uint64_t *out[NUMBERS])
{
    uint64_t *all[NUMBERS] = {&s->rows,        &s->hits,      &s->missing,  &s->asked,
                              &s->requests,    &s->retries,   &s->timeouts, &s->errors,
                              &s->latency_us,  &s->in_flight, &s->waiting,  &s->cached,
                              &s->cached_bytes};
    for (unsigned i = 0; i < NUMBERS; i++)
        out[i] = all[i];
}

void lookupwire_put(const struct lookupwire *m, struct bytes *out)
{
    bytes_varint(out, m->n);
    for (unsigned i = 0; i < m->n; i++) {
        struct lookups_stats s = m->tables[i].stats;
        uint64_t *numbers[NUMBERS];
        numbers_of(&s, numbers);
        bytes_u32(out, m->tables[i].uid);
        for (unsigned k = 0; k < NUMBERS; k++)
            bytes_varint(out, *numbers[k]);
    }
}

enum err lookupwire_get(const void *p, size_t n, struct lookupwire *out)
{
    struct bytes_reader r = bytes_read(p, n);
    struct lookupwire m = {0};
    uint64_t count = bytes_get_varint(&r);
    for (uint64_t i = 0; i < count && i < LOOKUPWIRE_TABLES && !r.bad; i++) {
        struct lookupwire_table *t = &m.tables[m.n++];
        uint64_t *numbers[NUMBERS];
        numbers_of(&t->stats, numbers);
        t->uid = bytes_get_u32(&r);
        for (unsigned k = 0; k < NUMBERS; k++)
            *numbers[k] = bytes_get_varint(&r);
    }
    if (r.bad || r.p != r.end || count > LOOKUPWIRE_TABLES)
        return ERR_CORRUPT;
    *out = m;
    return ERR_OK;
}
