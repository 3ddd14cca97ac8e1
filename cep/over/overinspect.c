/* SPDX-License-Identifier: Apache-2.0
 *
 * "rows":3,"first":"…","last":"…","frames":[{"call":"COUNT(*)","rows":3,"value":3}]: rows that are kept, and what each call
 * gave, or would have given, at the key's last row. */
#include "cep/over/overrun.h"
#include "cep/task/taskinspect.h"
#include <inttypes.h>

static void put_call(struct over *o, struct over_cell *c, unsigned i, struct bytes *out)
{
    const struct overprog_call *call = &o->p->calls[i];
    const struct overprog_frame *f = &o->p->frames[call->frame];
    struct overacc acc = over_acc(o, c, i);
    uint64_t start = c->words[f->start];
    struct value v = overacc_result(&acc, start, c->ring.tail);
    struct bytes text = {0};
    taskinspect_agg(&call->c->agg, o->k->schema, &text);
    bytes_printf(out, "{\"call\":");
    value_json_string((const char *)text.p, text.n, out);
    bytes_printf(out, ",\"rows\":%" PRIu64 ",\"value\":", c->ring.tail - start);
    value_json(&v, out);
    bytes_printf(out, "}");
    bytes_fini(&text);
}

void overinspect_key(struct over *o, struct keystate *state, struct bytes *out)
{
    struct over_cell *c = (struct over_cell *)(void *)state;
    const struct overacc_ring *r = &c->ring;
    bool some = r->tail > r->head;
    const char *comma = "";
    bytes_printf(out, ",\"rows\":%" PRIu64 ",", r->tail - r->head);
    taskinspect_time("first", some ? (evtime)overacc_entry(r, r->head)[0] : EVTIME_MIN, out);
    bytes_printf(out, ",");
    taskinspect_time("last", some ? (evtime)overacc_entry(r, r->tail - 1)[0] : EVTIME_MIN, out);
    bytes_printf(out, ",\"frames\":[");
    for (unsigned i = 0; some && i < o->p->ncalls; i++) {
        if (o->p->calls[i].c->kind != OVER_AGG)
            continue;
        bytes_printf(out, "%s", comma);
        put_call(o, c, i, out);
        comma = ",";
    }
    bytes_printf(out, "]");
    arena_reset(o->scratch);
}
