/* SPDX-License-Identifier: Apache-2.0
 *
 * "sides":[{"stream":"p","rows":[{"partition":0,"offset":17,"time":"…","values":{…},"found":false}],"more":0},{…}]: rows that
 * wait for partners, the oldest first; `found`: it has had one. */
#include "cep/join/joinrun.h"
#include "cep/task/taskinspect.h"
#include <inttypes.h>
#include <string.h>

static void put_side(const struct join *j, const struct join_state *s, unsigned side,
                     unsigned items, struct bytes *out)
{
    const char *name = j->rule.plan->join.side[side].name;
    const struct join_pile *l = &s->rows[side];
    bytes_printf(out, "{\"stream\":");
    value_json_string(name, strlen(name), out);
    bytes_printf(out, ",\"rows\":[");
    for (uint32_t i = 0; i < l->n && i < items; i++) {
        const struct join_entry *e = &l->v[l->first + i];
        bytes_printf(out, "%s{\"partition\":%u,\"offset\":%" PRIu64 ",", i > 0 ? "," : "",
                     e->row->row.partition, e->row->row.offset);
        taskinspect_time("time", e->ts, out);
        bytes_printf(out, ",\"values\":");
        taskinspect_values(&j->side[side], e->row, out);
        bytes_printf(out, ",\"found\":%s}", e->found ? "true" : "false");
    }
    bytes_printf(out, "],\"more\":%u}", l->n > items ? l->n - items : 0);
}

void joininspect_key(const struct join *j, const struct keystate *state, unsigned items,
                     struct bytes *out)
{
    const struct join_state *s = (const struct join_state *)(const void *)state;
    bytes_printf(out, ",\"sides\":[");
    put_side(j, s, JOIN_LEFT, items, out);
    bytes_printf(out, ",");
    put_side(j, s, JOIN_RIGHT, items, out);
    bytes_printf(out, "]");
}
