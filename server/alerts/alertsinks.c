/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alerts/alertsinks.h"
#include "base/mem.h"
#include "cep/plan.h"
#include "cep/task/task.h"
#include "io/result_json.h"
#include "server/api/alertjson.h"
#include <string.h>

struct line {
    const char *sink; /* the plan's */
    const struct catalog_alert *alert; /* NULL: none */
    size_t at, n; /* in `text` */
    bool next;
};

struct alertsinks {
    struct sinks *sinks;
    bool passed[TASK_WORKERS_MAX]; /* its mark of the checkpoint under way has come */
    bool behind; /* something was not taken */
    struct line *lines;
    size_t nlines, lines_cap;
    struct bytes text;
};

struct alertsinks *alertsinks_new(struct sinks *sinks)
{
    struct alertsinks *s = mem_new(sizeof *s);
    s->sinks = sinks;
    return s;
}

void alertsinks_free(struct alertsinks *s)
{
    if (s == NULL)
        return;
    mem_free(s->lines);
    bytes_fini(&s->text);
    mem_free(s);
}

static enum plan_emit_what what_of(const struct result *r)
{
    switch (r->kind) {
    case RESULT_LATE:
        return PLAN_EMIT_LATE;
    case RESULT_TIMEOUT:
        return PLAN_EMIT_TIMEOUTS;
    case RESULT_ERROR:
        return PLAN_EMIT_ERRORS;
    default:
        return PLAN_EMIT_RESULTS;
    }
}

static void put_line(const struct result *r, const struct catalog_alert *alert, struct bytes *out)
{
    if (alert == NULL) {
        result_json_line(r, out);
        return;
    }
    alertjson_line(alert, out);
    bytes_u8(out, '\n');
}

void alertsinks_add(struct alertsinks *s, unsigned worker, const struct result *r,
                    const struct catalog_alert *alert)
{
    const struct rule_plan *p = r->rule;
    enum plan_emit_what what = what_of(r);
    if (r->mode != RULE_ACTIVE || (what == PLAN_EMIT_RESULTS && alert == NULL))
        return;
    size_t at = s->text.n;
    for (unsigned i = 0; i < p->nemits; i++) {
        if (p->emits[i].what != what)
            continue;
        if (s->text.n == at)
            put_line(r, alert, &s->text);
        s->lines = mem_grow(s->lines, s->nlines, 1, &s->lines_cap, sizeof *s->lines);
        s->lines[s->nlines++] = (struct line){.sink = p->emits[i].sink,
                                              .alert = alert,
                                              .at = at,
                                              .n = s->text.n - at,
                                              .next = s->passed[worker]};
    }
}

static bool give_line(struct alertsinks *s, const struct line *l,
                      bool (*wait)(void *ctx, const char *why), void *ctx)
{
    enum err e = ERR_OK;
    bool go_on = true;
    do {
        struct diag d;
        diag_init(&d, NULL, 0);
        e = sinks_write(s->sinks, l->sink, l->next, s->text.p + l->at, l->n, &d);
        char *why = e == ERR_OK ? NULL : diag_text(&d);
        if (e != ERR_OK)
            go_on = wait(ctx, why);
        mem_free(why);
        diag_fini(&d);
    } while (e != ERR_OK && go_on);
    return e == ERR_OK;
}

bool alertsinks_give(struct alertsinks *s, bool (*wait)(void *ctx, const char *why), void *ctx)
{
    for (size_t i = 0; i < s->nlines && !s->behind; i++) {
        const struct line *l = &s->lines[i];
        /* A change of an alert that the cooldown has kept back. */
        if (l->alert == NULL || !l->alert->unknown)
            s->behind = !give_line(s, l, wait, ctx);
    }
    s->nlines = 0;
    bytes_reset(&s->text);
    return !s->behind;
}

enum err alertsinks_mark(struct alertsinks *s, unsigned worker, const struct alertitem_mark *mark,
                         struct bytes *out, struct diag *d)
{
    if (mark->first)
        memset(s->passed, 0, sizeof s->passed);
    s->passed[worker] = true;
    if (!mark->last)
        return ERR_OK;
    memset(s->passed, 0, sizeof s->passed);
    return sinks_prepare(s->sinks, mark->id, out, d);
}

void alertsinks_new_attempt(struct alertsinks *s, const void *blob, size_t n)
{
    memset(s->passed, 0, sizeof s->passed);
    sinks_recover(s->sinks, blob, n);
}
