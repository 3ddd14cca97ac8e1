/* SPDX-License-Identifier: Apache-2.0
 *
 * {"start":"…","end":"…","aggregates":[{"aggregate":"COUNT(*)","value":3}],"having":true,"told":0}: windows that hold rows and may still give a result, by their end;
 * `having`: does HAVING hold for what is there (true if there is none); `told`: results that it has given. Of windows by panes those whose last pane has come; values are the aggregates. */
#include "base/mem.h"
#include "cep/output.h"
#include "cep/task/taskinspect.h"
#include "cep/window/windowkey.h"
#include "cep/window/windowlist.h"
#include <string.h>

static void put_time(const char *name, evtime t, struct bytes *out)
{
    taskinspect_time(name, t >= WINDOWLIST_UNBOUNDED ? EVTIME_MAX : t, out);
}

/* Slots as windowgive fills them: keys, bounds, then aggregates, which are there already. */
static bool having_holds(const struct window *w, const struct key *key, evtime start, evtime end,
                         struct value *slots, struct arena *scratch)
{
    const evtime bounds[3] = {start, end, end - (end != EVTIME_MIN)};
    if (w->p->having == NULL)
        return true;
    keyed_values(w->k, key, slots);
    for (unsigned i = 0; i < 3; i++)
        slots[w->p->plan->key.n + i] = (struct value){.type = {.kind = TYPE_TIMESTAMP},
                                                      .null = end == EVTIME_MIN,
                                                      .c.i = end == EVTIME_MIN ? 0 : bounds[i]};
    return output_holds(w->p->having, slots, scratch);
}

static void put_window(const struct window *w, const struct key *key, evtime start, evtime end,
                       const uint64_t *acc, uint32_t told, struct bytes *out)
{
    struct arena *scratch = arena_new(0, 0);
    struct value *slots = mem_array(w->p->nslots, sizeof *slots);
    bytes_printf(out, "{");
    put_time("start", start, out);
    bytes_printf(out, ",");
    put_time("end", end, out);
    bytes_printf(out, ",\"aggregates\":[");
    for (unsigned i = 0; i < w->p->naggs; i++) {
        const struct agg_call *call = &w->p->w->aggs[i];
        struct value v = {.type = w->p->aggs[i].agg.type};
        struct bytes text = {0};
        v.null = !agg_result(&w->p->aggs[i].agg, &acc[w->p->aggs[i].at], scratch, &v.c);
        slots[w->p->plan->key.n + 3 + i] = v;
        taskinspect_agg(call, w->k->schema, &text);
        bytes_printf(out, "%s{\"aggregate\":", i > 0 ? "," : "");
        value_json_string((const char *)text.p, text.n, out);
        bytes_printf(out, ",\"value\":");
        value_json(&v, out);
        bytes_printf(out, "}");
        bytes_fini(&text);
    }
    bool holds = having_holds(w, key, start, end, slots, scratch);
    bytes_printf(out, "],\"having\":%s,\"told\":%u}", holds ? "true" : "false", told);
    mem_free(slots);
    arena_free(scratch);
}

/* A window is made of its panes anew, as when it fires. */
static size_t put_panes(const struct window *w, const struct windowpanes_cell *c, unsigned items,
                        struct bytes *out)
{
    const struct windowpane *panes = &w->p->panes;
    size_t n = 0;
    if (c->n == 0)
        return 0;
    int64_t first = windowpane_first_window(panes, windowkey_pane(w, c, 0)->pane);
    int64_t last = windowpane_last_window(panes, windowkey_pane(w, c, c->n - 1u)->pane);
    for (int64_t k = first; k <= last; k++) {
        uint64_t sum[WINDOWPROG_WORDS_MAX] = {0};
        bool any = false;
        for (unsigned i = 0; i < c->n; i++) {
            const struct windowkey_pane *p = windowkey_pane(w, c, i);
            if (p->pane < windowpane_first(panes, k) || p->pane > windowpane_last(panes, k))
                continue;
            if (n < items)
                windowprog_merge(w->p, sum, p->acc);
            any = true;
        }
        if (any && n < items) {
            bytes_printf(out, n > 0 ? "," : "");
            put_window(w, c->state.key, windowpane_start(panes, k), windowpane_end(panes, k), sum,
                       0, out);
        }
        n += any;
        windowprog_clear(w->p, sum);
    }
    return n;
}

static size_t put_list(const struct window *w, const struct windowlist_cell *c, unsigned items,
                       struct bytes *out)
{
    size_t n = 0;
    for (const struct windowlist_one *one = c->first; one != NULL; one = one->next, n++) {
        if (n >= items)
            continue;
        bytes_printf(out, n > 0 ? "," : "");
        put_window(w, c->state.key, one->start, one->end, one->acc, one->told.results, out);
    }
    return n;
}

void windowinspect_key(const struct window *w, const struct keystate *state, unsigned items,
                       struct bytes *out)
{
    bytes_printf(out, ",\"windows\":[");
    size_t n = w->p->by_panes ? put_panes(w, (const void *)state, items, out)
                              : put_list(w, (const void *)state, items, out);
    bytes_printf(out, "],\"more\":%zu", n > items ? n - items : 0);
}
