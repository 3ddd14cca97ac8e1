/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/explainwindow.h"
#include "rules/explain.h"
#include <inttypes.h>

static bool is_counted(const struct window_plan *w)
{
    return w->kind == WINDOW_COUNT_TUMBLE || w->kind == WINDOW_COUNT_HOP;
}

static void put_for(const char *what, int64_t ms, struct bytes *out)
{
    bytes_printf(out, "%s", what);
    explain_duration(ms, out);
}

void explainwindow_kind(const struct window_plan *w, struct bytes *out)
{
    static const char *const kinds[] = {"TUMBLE",       "HOP",       "CUMULATE", "SESSION",
                                        "COUNT_TUMBLE", "COUNT_HOP", "GLOBAL"};
    bytes_printf(out, "%s", kinds[w->kind]);
    if (w->kind == WINDOW_SESSION && w->gap != NULL)
        bytes_printf(out, " until as long a gap as each row says");
    else if (w->kind == WINDOW_SESSION)
        put_for(" until a gap of ", w->size_ms, out);
    else if (w->kind == WINDOW_COUNT_TUMBLE)
        bytes_printf(out, " of %" PRId64 " rows", w->every);
    else if (w->kind == WINDOW_COUNT_HOP)
        bytes_printf(out, " of %" PRId64 " rows every %" PRId64, w->spares, w->every);
    else if (w->kind != WINDOW_GLOBAL)
        put_for(" of ", w->size_ms, out);
    if (w->kind == WINDOW_HOP || w->kind == WINDOW_CUMULATE)
        put_for(" every ", w->slide_ms, out);
    if (w->offset_ms != 0)
        put_for(", offset ", w->offset_ms, out);
    if (w->lateness_ms != 0)
        put_for(", late rows taken for ", w->lateness_ms, out);
}

static void put_when(const struct window_plan *w, struct bytes *out)
{
    switch (w->trigger) {
    case TRIGGER_COUNT:
        bytes_printf(out, "after each %" PRId64 " row%s, in order of arrival", w->every,
                     w->every == 1 ? "" : "s");
        break;
    case TRIGGER_CONTINUOUS:
        put_for("at multiples of ", w->every, out);
        bytes_printf(out, w->kind == WINDOW_GLOBAL ? "" : " and at its end");
        break;
    case TRIGGER_PROCESSING_TIME:
        bytes_printf(out, "when the clock passes its end");
        break;
    case TRIGGER_PUNCTUATED:
        bytes_printf(out, "whenever the watermark rises, if rows have come");
        break;
    default:
        bytes_printf(out, w->kind == WINDOW_GLOBAL ? "when the input ends"
                                                   : "when the watermark passes its end");
    }
}

void explainwindow_trigger(const struct window_plan *w, struct bytes *out)
{
    put_when(w, out);
    if (w->lateness_ms > 0 &&
        (w->trigger == TRIGGER_EVENT_TIME || w->trigger == TRIGGER_CONTINUOUS))
        bytes_printf(out, "; again, as an update, for each late row");
    if (w->evictor == EVICTOR_COUNT && !is_counted(w))
        bytes_printf(out, "; of its last %" PRId64 " rows", w->spares);
    else if (w->evictor == EVICTOR_TIME)
        put_for("; of rows less than ", w->spares, out);
    if (w->evictor == EVICTOR_TIME)
        bytes_printf(out, " older than its newest");
    if (w->evict_after)
        bytes_printf(out, ", the others dropped afterwards");
    if (w->purge && !is_counted(w))
        bytes_printf(out, "; then it is empty");
}

void explainwindow_json(const struct window_plan *w, struct bytes *out)
{
    static const char *const kinds[] = {"tumble",       "hop",       "cumulate", "session",
                                        "count_tumble", "count_hop", "global"};
    static const char *const triggers[] = {"event-time", "processing-time", "count", "continuous",
                                           "punctuated"};
    bytes_printf(out,
                 "\"kind\":\"%s\",\"size_ms\":%" PRId64 ",\"slide_ms\":%" PRId64
                 ",\"offset_ms\":%" PRId64 ",\"lateness_ms\":%" PRId64 ",\"trigger\":\"%s\",",
                 kinds[w->kind], w->size_ms, w->slide_ms, w->offset_ms, w->lateness_ms,
                 triggers[w->trigger]);
    if (w->every > 0)
        bytes_printf(out, "\"every\":%" PRId64 ",", w->every);
    bytes_printf(out, "\"purge\":%s,", w->purge ? "true" : "false");
    if (w->evictor != EVICTOR_NONE)
        bytes_printf(out, "\"evictor\":\"%s\",\"spares\":%" PRId64 ",\"evict_after\":%s,",
                     w->evictor == EVICTOR_COUNT ? "count" : "time", w->spares,
                     w->evict_after ? "true" : "false");
}

/* What a window of a key holds. */
static void put_one(const struct window_plan *w, struct bytes *out)
{
    bool values = false;
    for (unsigned i = 0; i < w->naggs; i++)
        values = values || w->aggs[i].distinct;
    bytes_printf(out, ", with %u aggregate%s each", w->naggs, w->naggs == 1 ? "" : "s");
    if (w->evictor == EVICTOR_COUNT && !w->evict_after)
        bytes_printf(out, " and its last %" PRId64 " rows", w->spares);
    else if (w->evictor != EVICTOR_NONE || w->each_row || w->split.n > 0)
        bytes_printf(out, " and its rows");
    if (values)
        bytes_printf(out, " and each value that DISTINCT has seen");
}

bool explainwindow_is_bounded(const struct rule_plan *p)
{
    const struct window_plan *w = &p->window;
    bool endless = is_counted(w) || w->kind == WINDOW_GLOBAL;
    return p->state_ttl_ms > 0 ||
           (w->gap == NULL && !(endless && p->key.n > 0) &&
            !(w->kind == WINDOW_GLOBAL && w->evictor != EVICTOR_NONE && w->evict_after));
}

void explainwindow_state(const struct rule_plan *p, struct bytes *out)
{
    const struct window_plan *w = &p->window;
    int64_t span = w->size_ms + w->lateness_ms;
    int64_t open = w->slide_ms > 0 ? (span + w->slide_ms - 1) / w->slide_ms : 1;
    if (w->kind == WINDOW_SESSION)
        bytes_printf(out, "a key keeps its open sessions");
    else if (is_counted(w) || w->kind == WINDOW_GLOBAL)
        bytes_printf(out, "%seach key that came keeps its window",
                     p->state_ttl_ms > 0 || p->key.n == 0 ? "" : "unbounded in keys: ");
    else
        bytes_printf(out, "a key keeps at most %" PRId64 " open window%s", open,
                     open == 1 ? "" : "s");
    put_one(w, out);
    if (w->kind == WINDOW_SESSION && w->gap != NULL && p->state_ttl_ms == 0)
        bytes_printf(out, "; unbounded: as long a gap as a row says");
    if (p->state_ttl_ms > 0)
        put_for("; a key without rows for ", p->state_ttl_ms, out);
    if (p->state_ttl_ms > 0)
        bytes_printf(out, " is forgotten");
}

int64_t explainwindow_ms(const struct window_plan *w)
{
    bool timed = w->kind == WINDOW_TUMBLE || w->kind == WINDOW_HOP || w->kind == WINDOW_CUMULATE;
    return timed ? w->size_ms + w->lateness_ms : -1;
}
