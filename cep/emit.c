/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/emit.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

enum { ARENA_FIRST = 64 << 10 };

void emit_init(struct emit *e)
{
    *e = (struct emit){.arena = arena_new(ARENA_FIRST, 0)};
}

void emit_fini(struct emit *e)
{
    arena_free(e->arena);
    mem_free(e->early);
    mem_free(e->keyed);
}

void emit_clear(struct emit *e)
{
    arena_reset(e->arena);
    e->nearly = e->nkeyed = e->sorted = 0;
}

struct result *emit_new(struct emit *e, bool early)
{
    struct result *r;
    if (early) {
        e->early = mem_grow(e->early, e->nearly, 1, &e->early_cap, sizeof *e->early);
        r = &e->early[e->nearly++];
    } else {
        e->keyed = mem_grow(e->keyed, e->nkeyed, 1, &e->keyed_cap, sizeof *e->keyed);
        r = &e->keyed[e->nkeyed++];
    }
    *r = (struct result){.window_start = EVTIME_MIN,
                         .window_end = EVTIME_MIN,
                         .early = early,
                         .late_w = EVTIME_MIN};
    e->made++;
    return r;
}

void emit_done(struct result *r)
{
    result_make_id(r);
}

struct value emit_value(struct emit *e, struct type t, bool null, union cell c)
{
    struct value v = {.type = t, .null = null};
    if (null)
        return v;
    v.c = c;
    if (t.kind == TYPE_STRING)
        v.c.s = (struct str){arena_dup(e->arena, c.s.p, c.s.n), c.s.n, 0};
    return v;
}

static int compare(const void *a, const void *b)
{
    return result_compare(a, b);
}

void emit_step(struct emit *e)
{
    if (e->nkeyed - e->sorted > 1)
        qsort(e->keyed + e->sorted, e->nkeyed - e->sorted, sizeof *e->keyed, compare);
    e->sorted = e->nkeyed;
}

const struct result *emit_all(struct emit *e, unsigned *n)
{
    *n = (unsigned)(e->nearly + e->nkeyed);
    if (e->nearly == 0)
        return e->keyed;
    if (e->nkeyed > 0) {
        e->early = mem_grow(e->early, e->nearly, e->nkeyed, &e->early_cap, sizeof *e->early);
        memcpy(e->early + e->nearly, e->keyed, e->nkeyed * sizeof *e->keyed);
    }
    return e->early;
}
