/* SPDX-License-Identifier: Apache-2.0 */
/* A window rule over its rows once more. All windows have a state each here, also those that run by panes, so that each is seen
 * when it is asked for a result. It is done twice: first to find the window that came nearest, then to tell of it and the last ones. */
#include "base/mem.h"
#include "cep/jobdef.h"
#include "cep/task/taskinspect.h"
#include "cep/why/whyrows.h"
#include "cep/window/windowlist.h"
#include <inttypes.h>
#include <string.h>

enum {
    WINDOWS_TOLD = 16, /* the last */
    PUTS_MAX =
        2000000, /* rows into windows: of windows that overlap much, older rows are left out */
};
enum { NONE = UINT32_MAX };

struct seen { /* a window that was asked, or that is open still */
    evtime start, end;
    struct cond_said said;
    bool open;
    struct bytes json, conditions, text;
};

struct run {
    struct whyrows rows;
    const struct rule_plan *plan;
    struct windowprog *prog;
    struct cond_names names;
    struct cond *having;
    struct keyed k;
    uint32_t row; /* the one in hand, or how many there are */
    bool tells; /* the second time */
    uint32_t asked, best; /* windows that the question is about; which of them came nearest */
    struct cond_said nearest;
    bool matched; /* one of them has fired */
    uint32_t last; /* that has */
    struct seen told[WINDOWS_TOLD + 1]; /* the first: the one that the verdict is about */
    unsigned ntold;
    unsigned skipped; /* rows left out for PUTS_MAX */
};

static void slot_name(const void *ctx, unsigned index, struct bytes *out)
{
    static const char *const bounds[] = {"window_start", "window_end", "window_time"};
    const struct run *r = ctx;
    unsigned keys = r->plan->key.n;
    if (index < keys)
        bytes_printf(out, "%s", plan_key_part(&r->plan->key, r->plan->input, index));
    else if (index < keys + 3)
        bytes_printf(out, "%s", bounds[index - keys]);
    else if (index < keys + 3 + r->plan->window.naggs)
        taskinspect_agg(&r->plan->window.aggs[index - keys - 3], r->plan->input, out);
}

/* --- one window --- */

static bool is_timed(const struct run *r)
{
    return r->plan->window.kind <= WINDOW_SESSION;
}

/* Has the question to do with it? */
static bool concerns(const struct run *r, evtime start, evtime end)
{
    if (r->rows.focus == WHY_NONE)
        return true;
    evtime ts = r->rows.row[r->rows.focus].ts;
    if (is_timed(r))
        return start <= ts && ts < end;
    return r->row != WHY_NONE && r->row >= r->rows.focus;
}

static unsigned rows_in(const struct run *r, evtime start, evtime end)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < r->rows.n && i <= r->row; i++)
        n += whyrows_is_taken(&r->rows.row[i]) && r->rows.row[i].ts >= start &&
             r->rows.row[i].ts < end;
    return n;
}

static void put_aggs(const struct run *r, const struct value *slots, struct bytes *out)
{
    const struct window_plan *w = &r->plan->window;
    bytes_printf(out, ",\"aggregates\":[");
    for (unsigned i = w->split.n; i < w->naggs; i++) {
        struct bytes text = {0};
        taskinspect_agg(&w->aggs[i], r->plan->input, &text);
        bytes_printf(out, "%s{\"aggregate\":", i > w->split.n ? "," : "");
        value_json_string((const char *)text.p, text.n, out);
        bytes_printf(out, ",\"value\":");
        value_json(&slots[r->plan->key.n + 3 + i], out);
        bytes_printf(out, "}");
        bytes_fini(&text);
    }
    bytes_printf(out, "]");
}

static void seen_fini(struct seen *s)
{
    bytes_fini(&s->json);
    bytes_fini(&s->conditions);
    bytes_fini(&s->text);
    *s = (struct seen){0};
}

static void describe(struct run *r, struct seen *s, evtime start, evtime end,
                     const struct value *slots, bool open)
{
    const struct cond_row at = {.slots = slots, .scratch = r->rows.scratch};
    bool bounded = end != EVTIME_MIN && end < WINDOWLIST_UNBOUNDED;
    seen_fini(s);
    s->start = bounded ? start : EVTIME_MIN;
    s->end = bounded ? end : EVTIME_MIN;
    s->open = open;
    s->said = cond_ask(r->having, &at, &s->conditions);
    cond_say(r->having, &at, &s->text);
    struct bytes *out = &s->json;
    bytes_printf(out, "{");
    taskinspect_time("start", s->start, out);
    bytes_printf(out, ",");
    taskinspect_time("end", s->end, out);
    if (bounded && is_timed(r))
        bytes_printf(
            out,
            ",\"rows\":%u,\"left_out\":{\"late\":%u,\"where\":%u,\"paused\":%u,\"before_rule\":%u}",
            rows_in(r, start, end), whyrows_left_out(&r->rows, "late", start, end),
            whyrows_left_out(&r->rows, "where", start, end),
            whyrows_left_out(&r->rows, "paused", start, end),
            whyrows_left_out(&r->rows, "before-rule", start, end));
    put_aggs(r, slots, out);
    bytes_printf(out, ",\"conditions\":");
    bytes_put(out, s->conditions.p, s->conditions.n);
    bytes_printf(out, ",\"having\":%s,\"open\":%s}", cond_holds(s->said) ? "true" : "false",
                 open ? "true" : "false");
    arena_reset(r->rows.scratch);
}

static void each(void *ctx, const struct window_asked *a)
{
    struct run *r = ctx;
    const struct cond_row at = {.slots = a->slots, .scratch = r->rows.scratch};
    if (!concerns(r, a->start, a->end))
        return;
    uint32_t n = r->asked++;
    if (r->tells) {
        bool verdict = n == (r->matched ? r->last : r->best);
        if (verdict)
            describe(r, &r->told[0], a->start, a->end, a->slots, false);
        if (n + WINDOWS_TOLD >= r->ntold)
            describe(r, &r->told[1 + n % WINDOWS_TOLD], a->start, a->end, a->slots, false);
        return;
    }
    struct cond_said said = cond_ask(r->having, &at, NULL);
    arena_reset(r->rows.scratch);
    if (cond_holds(said)) {
        r->matched = true;
        r->last = n;
    }
    if (r->best == NONE || cond_is_nearer(said, r->nearest)) {
        r->best = n;
        r->nearest = said;
    }
}

/* --- rows into them --- */

static struct key *find_key(struct run *r, bool make)
{
    const struct why_ask *ask = r->rows.ask;
    uint64_t hash = keytable_hash(ask->key, ask->key_n);
    struct key *key = keytable_find(&r->k.table, hash, ask->key, ask->key_n);
    return key != NULL || !make ? key : keyed_add(&r->k, hash, ask->key, ask->key_n);
}

/* A late row is lost if every window of it was closed. */
static void lose_late(struct run *r)
{
    for (uint32_t i = 0; i < r->rows.n; i++) {
        struct whyrow *row = &r->rows.row[i];
        row->lost = row->late && windowprog_is_closed(r->prog, row->ts, whyrows_late_w(row));
    }
}

static void advance(struct window *w, evtime to, bool rows_at)
{
    window_advance(w, &(struct window_time){to, to, rows_at});
    window_punctuated(w);
}

/* Windows that are there still. */
static void look_at_open(struct run *r)
{
    struct key *key = find_key(r, false);
    const struct windowlist_cell *c = key == NULL ? NULL : (const void *)key->cells;
    struct value *slots = mem_array(r->prog->nslots, sizeof *slots);
    for (const struct windowlist_one *one = c == NULL ? NULL : c->first; one != NULL;
         one = one->next) {
        uint64_t acc[WINDOWPROG_WORDS_MAX] = {0};
        bool bounded = one->end < WINDOWLIST_UNBOUNDED;
        if (!one->some || one->ended || !concerns(r, one->start, one->end))
            continue;
        keyed_values(&r->k, key, slots);
        const evtime bounds[3] = {one->start, one->end, one->end - 1};
        for (unsigned i = 0; i < 3; i++)
            slots[r->plan->key.n + i] = (struct value){.type = {.kind = TYPE_TIMESTAMP},
                                                       .null = !bounded,
                                                       .c.i = bounds[i]};
        const uint64_t *from = one->acc;
        if (r->prog->keeps_rows) {
            for (uint32_t i = 0; one->more != NULL && i < one->more->nrows; i++)
                windowprog_add(r->prog, acc, (struct rowref){.r = &one->more->rows[i]->row},
                               &r->k.layout, r->rows.scratch);
            from = acc;
        }
        for (unsigned i = 0; i < r->prog->naggs; i++) {
            struct value *v = &slots[r->plan->key.n + 3 + i];
            *v = (struct value){.type = r->prog->aggs[i].agg.type};
            v->null = !agg_result(&r->prog->aggs[i].agg, &from[r->prog->aggs[i].at],
                                  r->rows.scratch, &v->c);
        }
        describe(r, &r->told[1 + r->asked % WINDOWS_TOLD], one->start, one->end, slots, true);
        r->asked++;
        windowprog_clear(r->prog, acc);
    }
    mem_free(slots);
}

static void give(struct run *r, struct window *w, struct emit *emit, bool by_arrival)
{
    const struct why_ask *ask = r->rows.ask;
    for (r->row = 0; r->row < r->rows.n; r->row++) {
        const struct whyrow *row = &r->rows.row[r->row];
        if (!whyrows_is_taken(row) || r->row < r->skipped)
            continue;
        evtime late_w = whyrows_late_w(row);
        if (!by_arrival)
            advance(w, row->late ? late_w : row->ts, !row->late);
        r->k.late_w = row->late ? late_w : EVTIME_MIN;
        struct key *key = find_key(r, true);
        struct keyed_row in = whyrows_keyed(row, r->row + 1);
        in.late = row->late && row->b->has_late;
        window_row(w, key->cells, key, &in);
        if (in.kept != NULL)
            keyed_unref(&r->k, in.kept);
        emit_clear(emit);
        if (arena_bytes(r->k.scratch) > 0)
            arena_reset(r->k.scratch);
    }
    r->k.late_w = EVTIME_MIN;
    r->row = r->rows.n;
    if (ask->now != EVTIME_MIN)
        advance(w, ask->now, false);
    if (r->tells)
        look_at_open(r);
    struct key *key = find_key(r, false);
    if (key != NULL && key->cells != NULL)
        window_drop(w, key->cells);
}

static void run(struct run *r, struct jobdef_rule *rule)
{
    struct emit emit;
    const struct cut all = {.mode = RULE_ACTIVE};
    const struct keyed_rule of = {.plan = r->plan, .cut = &all, .late = UINT32_MAX};
    emit_init(&emit);
    keyed_init(&r->k, r->plan->input, &emit);
    keyed_set_key(&r->k, &r->plan->key);
    keyed_keep(&r->k, &r->plan->reads);
    r->k.max_rows = r->rows.ask->max_rows;
    r->k.clock = r->k.late_w = EVTIME_MIN;
    struct window *w = window_new(&r->k);
    window_bind(w, r->prog, &of);
    window_watch(w, each, r);
    give(r, w, &emit, windowprog_by_arrival(rule->pub.plan));
    window_free(w);
    keyed_fini(&r->k);
    emit_fini(&emit);
}

/* --- what is said --- */

static void say_window(const struct seen *s, struct bytes *out)
{
    if (s->end == EVTIME_MIN) {
        bytes_printf(out, "the window of all events");
        return;
    }
    bytes_printf(out, "the window ");
    whyrows_say_time(s->start, out);
    bytes_printf(out, " to ");
    whyrows_say_time(s->end, out);
}

static void say_left_out(const struct run *r, const struct seen *s, struct bytes *out)
{
    static const char *const kinds[][2] = {{"late", "came late"},
                                           {"paused", "came while the rule was paused"},
                                           {"before-rule", "came before the rule"}};
    for (unsigned i = 0; s->end != EVTIME_MIN && is_timed(r) && i < 3; i++) {
        unsigned n = whyrows_left_out(&r->rows, kinds[i][0], s->start, s->end);
        if (n > 0)
            bytes_printf(out, "; %u event%s %s and %s not counted", n, n == 1 ? "" : "s",
                         kinds[i][1], n == 1 ? "was" : "were");
    }
}

/* The open one that is asked about if nothing has fired: the last. */
static const struct seen *open_one(const struct run *r)
{
    const struct seen *best = NULL;
    for (unsigned i = 1; i <= WINDOWS_TOLD; i++) {
        const struct seen *s = &r->told[i];
        if (s->json.n > 0 && s->open && (best == NULL || cond_is_nearer(s->said, best->said)))
            best = s;
    }
    return best;
}

static void say(const struct run *r, const struct seen *s, struct bytes *out)
{
    say_window(s, out);
    if (s->open) {
        bytes_printf(out, s->end == EVTIME_MIN ? " waits for its trigger" : " is not over yet");
        if (r->rows.ask->now != EVTIME_MIN && s->end != EVTIME_MIN) {
            bytes_printf(out, ", the watermark is at ");
            whyrows_say_time(r->rows.ask->now, out);
        }
        bytes_printf(out, s->text.n > 0 ? "; so far " : "; HAVING holds so far");
    } else {
        bytes_printf(out, s->text.n > 0 ? " was over: " : " gave a result");
    }
    bytes_put(out, s->text.p, s->text.n);
    say_left_out(r, s, out);
}

static void put_verdict(struct run *r, struct bytes *out)
{
    struct whyrows_verdict v;
    struct bytes text = {0}, more = {0};
    const struct seen *s = r->told[0].json.n > 0 ? &r->told[0] : NULL;
    const struct seen *open = open_one(r);
    if (open != NULL && (s == NULL || (!r->matched && cond_is_nearer(open->said, s->said))))
        s = open;
    if (!whyrows_not_taken(&r->rows, &v)) {
        v.kind = s == NULL             ? "no-events"
                 : s->open             ? "waiting"
                 : cond_holds(s->said) ? "matched"
                                       : "condition";
        if (s == NULL)
            bytes_printf(&text, "none of the events is in a window that was asked");
        else
            say(r, s, &text);
        if (s != NULL) {
            v.conditions = &s->conditions;
            bytes_printf(&more, ",\"window\":");
            bytes_put(&more, s->json.p, s->json.n);
        }
        bytes_u8(&text, 0);
        v.text = (const char *)text.p;
        v.more = &more;
    }
    v.matches = r->matched;
    whyrows_put_verdict(&r->rows, &v, out);
    bytes_fini(&text);
    bytes_fini(&more);
}

static void put_windows(const struct run *r, struct bytes *out)
{
    uint32_t n = r->asked < WINDOWS_TOLD ? r->asked : WINDOWS_TOLD;
    const char *comma = "";
    bytes_printf(out, ",\"earlier_windows\":%u,\"windows\":[", r->asked - n);
    for (uint32_t i = r->asked - n; i < r->asked; i++) {
        const struct seen *s = &r->told[1 + i % WINDOWS_TOLD];
        if (s->json.n == 0)
            continue;
        bytes_printf(out, "%s", comma);
        bytes_put(out, s->json.p, s->json.n);
        comma = ",";
    }
    bytes_printf(out, "]");
}

/* Windows that overlap much would take too long: the last rows count. */
static unsigned skip(const struct run *r)
{
    const struct window_plan *w = &r->plan->window;
    int64_t each = w->kind == WINDOW_HOP || w->kind == WINDOW_CUMULATE
                       ? w->size_ms / (w->slide_ms > 0 ? w->slide_ms : 1) + 1
                       : 1;
    uint32_t most = each < PUTS_MAX ? (uint32_t)(PUTS_MAX / each) : 1;
    return r->rows.n > most ? r->rows.n - most : 0;
}

void whywindow_run(const struct why_ask *ask, const struct why_row *rows, size_t n,
                   struct bytes *out)
{
    const struct rule_plan *p = ask->plan;
    const struct job_rule only = {.plan = (struct rule_plan *)(uintptr_t)p, .uid = 1};
    bool by_arrival = windowprog_by_arrival(p);
    struct job *job = job_new(&p->input, 1, &only, 1);
    struct run r = {.plan = p, .best = NONE, .last = NONE, .prog = windowprog_new(p)};
    r.prog->by_panes = r.prog->sleeps = false;
    whyrows_init(&r.rows, ask, rows, n, by_arrival ? WHYROWS_BY_ARRIVAL : WHYROWS_BY_TIME,
                 by_arrival ? 0 : WHYROWS_WAIT);
    r.names = (struct cond_names){p->input, slot_name, &r};
    r.having = cond_new(&cond_of_row, &r.names, p->window.having, NULL);
    r.skipped = skip(&r);
    lose_late(&r);
    run(&r, &job->rules[0]);
    r.ntold = r.asked;
    r.asked = 0;
    r.tells = true;
    run(&r, &job->rules[0]);
    put_verdict(&r, out);
    whyrows_put_steps(&r.rows, NULL, NULL, out);
    put_windows(&r, out);
    for (unsigned i = 0; i <= WINDOWS_TOLD; i++)
        seen_fini(&r.told[i]);
    cond_free(r.having);
    windowprog_free(r.prog);
    whyrows_fini(&r.rows);
    job_unref(job);
}
