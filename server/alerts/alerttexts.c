/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alerts/alerttexts.h"
#include "base/mem.h"
#include <stdlib.h>

static int compare_places(const void *a, const void *b)
{
    const struct catalog_alert_event *x = *(struct catalog_alert_event *const *)a;
    const struct catalog_alert_event *y = *(struct catalog_alert_event *const *)b;
    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1;
    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

void alerttexts_want(struct alerttexts *t, struct catalog_alert_event *ev)
{
    t->events = mem_grow(t->events, t->n, 1, &t->cap, sizeof(struct catalog_alert_event *));
    t->events[t->n++] = ev;
}

void alerttexts_fetch(struct alerttexts *t, struct eventtext *from, struct arena *a)
{
    if (t->n > 0)
        qsort(t->events, t->n, sizeof(struct catalog_alert_event *), compare_places);
    for (size_t i = 0; i < t->n; i++) {
        struct catalog_alert_event *ev = t->events[i];
        struct place at = {ev->stream, ev->partition, ev->offset};
        if (eventtext_get(from, &at, a, &ev->json, &ev->json_len) != ERR_OK)
            ev->json = NULL; /* gone by retention; the alert stands without it */
    }
    t->n = 0;
    eventtext_rest(from);
}

void alerttexts_fini(struct alerttexts *t)
{
    mem_free(t->events);
    *t = (struct alerttexts){0};
}
