/* SPDX-License-Identifier: Apache-2.0 */
#include "server/wire/inspectwire.h"
#include <string.h>

void inspectwire_put_ask(const struct inspectwire_ask *m, struct bytes *out)
{
    bytes_u64(out, m->number);
    bytes_u64(out, m->uid);
    bytes_u8(out, m->key != NULL);
    bytes_str(out, m->key, m->key != NULL ? m->key_n : 0);
    bytes_u64(out, m->from);
    bytes_u32(out, m->keys);
    bytes_u32(out, m->items);
    bytes_u64(out, (uint64_t)m->older_ms);
    bytes_str(out, m->at, m->at != NULL ? strlen(m->at) : 0);
    bytes_u8(out, m->counts);
    bytes_u32(out, m->nstates);
    for (uint32_t i = 0; i < m->nstates; i++) {
        bytes_u8(out, m->states[i].flags);
        bytes_u64(out, m->states[i].known);
        bytes_u64(out, m->states[i].next);
    }
}

static bool get_states(struct bytes_reader *r, struct arena *a, struct inspectwire_ask *out)
{
    enum { STATE_BYTES = 17, FLAGS = TASKCOUNT_LOST | TASKCOUNT_FRESH | TASKCOUNT_FRESH_NEXT };
    unsigned counts = bytes_get_u8(r);
    out->counts = counts == 1;
    out->nstates = bytes_get_u32(r);
    if (r->bad || counts > 1 || out->nstates > (size_t)(r->end - r->p) / STATE_BYTES)
        return false;
    struct taskcount_state *all = arena_zero(a, (out->nstates + 1) * sizeof *all);
    for (uint32_t i = 0; i < out->nstates; i++) {
        all[i] = (struct taskcount_state){.flags = (uint8_t)bytes_get_u8(r)};
        all[i].known = bytes_get_u64(r);
        all[i].next = bytes_get_u64(r);
        if ((all[i].flags & ~FLAGS) != 0)
            return false;
    }
    out->states = out->nstates > 0 ? all : NULL;
    return true;
}

enum err inspectwire_get_ask(const void *p, size_t n, struct arena *a, struct inspectwire_ask *out)
{
    struct bytes_reader r = bytes_read(p, n);
    size_t at_n = 0;
    out->number = bytes_get_u64(&r);
    out->uid = bytes_get_u64(&r);
    unsigned has_key = bytes_get_u8(&r);
    out->key = bytes_get_str(&r, &out->key_n);
    if (!has_key)
        out->key = NULL;
    out->from = bytes_get_u64(&r);
    out->keys = bytes_get_u32(&r);
    out->items = bytes_get_u32(&r);
    out->older_ms = (int64_t)bytes_get_u64(&r);
    const char *at = bytes_get_str(&r, &at_n);
    if (!get_states(&r, a, out))
        return ERR_CORRUPT;
    if (r.bad || r.p != r.end || has_key > 1 || out->older_ms < 0)
        return ERR_CORRUPT;
    out->at = at_n > 0 ? arena_dup(a, at, at_n) : NULL;
    return ERR_OK;
}

void inspectwire_put_answer(const struct inspectwire_answer *m, struct bytes *out)
{
    bytes_u64(out, m->number);
    bytes_u64(out, m->next);
    bytes_u32(out, m->keys);
    bytes_put(out, m->json, m->json_n);
}

enum err inspectwire_get_answer(const void *p, size_t n, struct inspectwire_answer *out)
{
    struct bytes_reader r = bytes_read(p, n);
    out->number = bytes_get_u64(&r);
    out->next = bytes_get_u64(&r);
    out->keys = bytes_get_u32(&r);
    if (r.bad)
        return ERR_CORRUPT;
    out->json = (const char *)r.p;
    out->json_n = (size_t)(r.end - r.p);
    return ERR_OK;
}
