/* SPDX-License-Identifier: Apache-2.0 */
/* A filter looks at each row by itself: what WHERE says of it, part by part. */
#include "cep/why/whyrows.h"
#include <string.h>

static struct cond_said ask(const struct whyrows *w, uint32_t row, struct bytes *json)
{
    const struct whyrow *r = &w->row[row];
    const struct cond_row at = {.row = {.b = r->b, .i = r->i}, .scratch = w->scratch};
    struct cond_said said = cond_ask(w->where[0], &at, json);
    arena_reset(w->scratch);
    return said;
}

/* The row that is asked about; else the last that was found, else the nearest. */
static uint32_t find(const struct whyrows *w, bool *matched)
{
    uint32_t best = w->focus, last = WHY_NONE;
    struct cond_said nearest = {0};
    for (uint32_t i = 0; i < w->n; i++) {
        const struct whyrow *r = &w->row[i];
        if (!r->seen || r->paused || r->lost)
            continue;
        struct cond_said said = ask(w, i, NULL);
        if (cond_holds(said)) {
            last = i;
        } else if (w->focus == WHY_NONE && (best == WHY_NONE || cond_is_nearer(said, nearest))) {
            best = i;
            nearest = said;
        }
    }
    *matched = last != WHY_NONE;
    return w->focus == WHY_NONE && last != WHY_NONE ? last : best;
}

void whyfilter_run(const struct why_ask *a, const struct why_row *rows, size_t n, struct bytes *out)
{
    struct whyrows w;
    struct whyrows_verdict v;
    struct bytes text = {0}, conditions = {0};
    whyrows_init(&w, a, rows, n, WHYROWS_BY_TIME, a->plan->windowed ? WHYROWS_LATE : 0);
    bool matched = false, is_not_taken = whyrows_not_taken(&w, &v);
    uint32_t row = find(&w, &matched);
    if (!is_not_taken || strcmp(v.kind, "where") == 0) {
        const struct whyrow *r = row == WHY_NONE ? NULL : &w.row[row];
        v = (struct whyrows_verdict){.kind = "matched", .row = row};
        if (r == NULL) {
            v.kind = "no-events";
            v.text = "the rule was not there, or paused, when the events came";
        } else {
            const struct cond_row at = {.row = {.b = r->b, .i = r->i}, .scratch = w.scratch};
            bool holds = cond_holds(ask(&w, row, &conditions));
            v.kind = holds ? "matched" : "condition";
            bytes_printf(&text, holds ? "all conditions hold for " : "of ");
            whyrows_say_event(r, &text);
            bytes_printf(&text, holds ? "" : ", ");
            cond_say(w.where[0], &at, &text);
            v.conditions = &conditions;
            bytes_u8(&text, 0);
            v.text = (const char *)text.p;
        }
    }
    v.matches = matched;
    whyrows_put_verdict(&w, &v, out);
    whyrows_put_steps(&w, NULL, NULL, out);
    bytes_fini(&text);
    bytes_fini(&conditions);
    whyrows_fini(&w);
}
