/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows that wait are this worker's alone: they have been read, and are in no frame. So before a barrier says that no more
 * rows of a stage come, they are waited for; a table's time-out bounds that. */
#include "server/worker/workerlookup.h"
#include "cep/table.h"
#include "server/wire/lookupwire.h"

/* The coordinator finds the event's text by its place. */
static void set_aside(void *ctx, const struct place *at, const char *reason)
{
    const struct control_bad_row bad = {at->stream, at->partition, at->offset, "lookup", reason, "",
                                        0};
    worker_bad_row(ctx, &bad);
}

void workerlookup_init(struct worker *w)
{
    w->lookups = lookups_new(false, set_aside, w);
}

void workerlookup_turn(struct worker *w)
{
    if (w->task == NULL || w->failed || lookups_ntables(w->lookups) == 0)
        return;
    if (lookups_answer(w->lookups, w->task))
        w->active = true;
    if (lookups_broken(w->lookups) != NULL)
        worker_fail(w, "%s", lookups_broken(w->lookups));
}

int workerlookup_timeout_ms(const struct worker *w, int timeout)
{
    montime due = w->lookups == NULL ? INT64_MAX : lookups_due(w->lookups);
    if (due == INT64_MAX)
        return timeout;
    int64_t left = (due - timebase_mono_ns()) / 1000000 + 1;
    return left <= 0 ? 0 : left < timeout ? (int)left : timeout;
}

void workerlookup_say(struct worker *w)
{
    struct lookupwire m = {0};
    unsigned n = w->lookups == NULL ? 0 : lookups_ntables(w->lookups);
    if (n == 0)
        return;
    for (unsigned i = 0; i < n && m.n < LOOKUPWIRE_TABLES; i++) {
        struct lookups_stats s = lookups_stats(w->lookups, i);
        m.tables[m.n++] = (struct lookupwire_table){s.table->schema->id, s};
        m.tables[m.n - 1].stats.table = NULL;
    }
    bytes_reset(&w->out);
    lookupwire_put(&m, &w->out);
    worker_say(w, CONTROL_LOOKUPS, &w->out);
}
