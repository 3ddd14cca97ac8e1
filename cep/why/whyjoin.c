/* SPDX-License-Identifier: Apache-2.0 */
/* A join: which rows of the two sides came near each other, what was in the way of the pair that came nearest. */
#include "base/mem.h"
#include "cep/join/joinrun.h"
#include "cep/why/whyrows.h"
#include <inttypes.h>
#include <string.h>

enum { PAIRS_MAX = 200000 }; /* that are tried; of more, the newest rows */

struct pair {
    uint32_t row[2]; /* by side; WHY_NONE: there is none */
    bool in_time; /* within the bounds */
    int64_t off_ms; /* how far outside */
    unsigned parts, hold;
    double apart;
};

struct run {
    struct whyrows rows;
    const struct rule_plan *plan;
    const struct join_plan *j;
    struct cond *all; /* ON, WHERE, and what is asked of one side alone */
    struct pair best;
    bool some, matched;
};

struct at {
    const struct run *run;
    struct joinprog_pair pair;
};

/* --- conditions over a pair --- */

static void *make(const void *ctx, const struct expr *e)
{
    const struct rule_plan *p = ctx;
    struct joinprog_expr *x = mem_new(sizeof *x);
    joinprog_expr_init(x, &p->join, e);
    return x;
}

static void free_machine(void *machine)
{
    joinprog_expr_fini(machine);
    mem_free(machine);
}

static bool value(void *machine, const void *at, union cell *out)
{
    const struct at *a = at;
    return joinprog_value(machine, &a->pair, a->run->rows.scratch, out);
}

static void slot_name(const void *ctx, unsigned slot, struct bytes *out)
{
    static const char *const bounds[] = {"window_start", "window_end", "window_time"};
    const struct join_plan *j = ctx;
    unsigned left = j->side[JOIN_LEFT].schema->ncolumns;
    unsigned both = left + j->side[JOIN_RIGHT].schema->ncolumns;
    if (slot >= both) {
        bytes_printf(out, "%s.%s", j->side[(slot - both) / 3 % 2].name, bounds[(slot - both) % 3]);
        return;
    }
    unsigned side = slot < left ? JOIN_LEFT : JOIN_RIGHT;
    bytes_printf(out, "%s.%s", j->side[side].name,
                 j->side[side].schema->columns[slot - (side == JOIN_RIGHT ? left : 0)].name);
}

static void print(const void *ctx, const struct expr *e, struct bytes *out)
{
    const struct rule_plan *p = ctx;
    expr_print_slots(e, NULL, slot_name, &p->join, out);
}

static const struct cond_way of_pair = {make, free_machine, value, print};

static struct at at_of(const struct run *r, const struct pair *p)
{
    struct at a = {.run = r};
    evtime later = EVTIME_MIN;
    for (unsigned s = 0; s < 2; s++) {
        if (p->row[s] == WHY_NONE)
            continue;
        const struct whyrow *row = &r->rows.row[p->row[s]];
        a.pair.row[s] = (struct rowref){.b = row->b, .i = row->i};
        later = row->ts > later ? row->ts : later;
    }
    if (r->j->windowed) {
        a.pair.end = joinwindow_end(&r->j->window, later);
        a.pair.start = joinwindow_start(&r->j->window, a.pair.end);
    }
    return a;
}

/* --- pairs --- */

static void measure(const struct run *r, struct pair *p)
{
    const struct join_plan *j = r->j;
    evtime left = r->rows.row[p->row[JOIN_LEFT]].ts, right = r->rows.row[p->row[JOIN_RIGHT]].ts;
    if (j->windowed) {
        struct at a = at_of(r, p);
        evtime earlier = left < right ? left : right;
        p->in_time = earlier >= a.pair.start;
        p->off_ms = p->in_time ? 0 : a.pair.start - earlier;
        return;
    }
    int64_t apart = right - left;
    p->in_time = apart >= j->least_ms && apart <= j->most_ms;
    p->off_ms = p->in_time ? 0 : apart < j->least_ms ? j->least_ms - apart : apart - j->most_ms;
}

static void ask(const struct run *r, struct pair *p, struct bytes *json)
{
    struct at a = at_of(r, p);
    struct cond_said said = cond_ask(r->all, &a, json);
    p->parts = said.parts;
    p->hold = said.hold;
    p->apart = said.apart;
    arena_reset(r->rows.scratch);
}

static bool is_nearer(const struct pair *a, const struct pair *b)
{
    unsigned x = a->parts - a->hold + !a->in_time, y = b->parts - b->hold + !b->in_time;
    if (x != y)
        return x < y;
    if (a->off_ms != b->off_ms)
        return a->off_ms < b->off_ms;
    return a->apart <= b->apart;
}

static void try(struct run *r, uint32_t left, uint32_t right)
{
    struct pair p = {.row = {left, right}};
    measure(r, &p);
    ask(r, &p, NULL);
    r->matched |= p.in_time && p.hold == p.parts;
    if (!r->some || is_nearer(&p, &r->best))
        r->best = p;
    r->some = true;
}

static bool counts(const struct run *r, uint32_t i, unsigned side)
{
    struct whyrow row = r->rows.row[i];
    row.where = true; /* which is among what is asked of the pair */
    return row.side == side && whyrows_is_taken(&row);
}

static void find(struct run *r)
{
    uint32_t focus = r->rows.focus, tried = 0;
    unsigned own = focus == WHY_NONE ? JOIN_LEFT : r->rows.row[focus].side;
    for (uint32_t n = r->rows.n; n-- > 0;) {
        if (focus != WHY_NONE ? n != focus : !counts(r, n, own))
            continue;
        for (uint32_t k = r->rows.n; k-- > 0 && tried < PAIRS_MAX;) {
            if (!counts(r, k, !own))
                continue;
            tried++;
            try(r, own == JOIN_LEFT ? n : k, own == JOIN_LEFT ? k : n);
        }
    }
}

/* --- what is said --- */

static void say_span(int64_t ms, struct bytes *out)
{
    bytes_printf(out, "%s%" PRId64 ".%03d s", ms < 0 ? "-" : "", (ms < 0 ? -ms : ms) / 1000,
                 (int)((ms < 0 ? -ms : ms) % 1000));
}

static void put_partner(const struct run *r, struct bytes *out)
{
    const struct pair *p = &r->best;
    evtime left = r->rows.row[p->row[JOIN_LEFT]].ts, right = r->rows.row[p->row[JOIN_RIGHT]].ts;
    bytes_printf(out,
                 ",\"pair\":{\"in_time\":%s,\"apart_ms\":%" PRId64 ",\"missed_by_ms\":%" PRId64,
                 p->in_time ? "true" : "false", right - left, p->off_ms);
    if (!r->j->windowed)
        bytes_printf(out, ",\"least_ms\":%" PRId64 ",\"most_ms\":%" PRId64, r->j->least_ms,
                     r->j->most_ms);
    bytes_printf(out, ",\"rows\":[");
    for (unsigned s = 0; s < 2; s++) {
        const struct whyrow *row = &r->rows.row[p->row[s]];
        bytes_printf(out, "%s{\"stream\":", s > 0 ? "," : "");
        value_json_string(r->j->side[s].name, strlen(r->j->side[s].name), out);
        bytes_printf(out, ",");
        whyrows_put_place(row, out);
        bytes_printf(out, ",\"values\":");
        whyrows_put_values(&r->rows, row, out);
        bytes_printf(out, "}");
    }
    bytes_printf(out, "]}");
}

/* May a partner of the row still come? */
static bool is_waiting(const struct run *r, uint32_t row)
{
    const struct whyrow *of = &r->rows.row[row];
    int64_t wait = of->side == JOIN_LEFT ? r->j->most_ms : -r->j->least_ms;
    if (r->j->windowed)
        return joinwindow_end(&r->j->window, of->ts) > r->rows.ask->now;
    return r->rows.ask->now == EVTIME_MIN || of->ts + wait >= r->rows.ask->now;
}

/* event 0/7 of p at 2026-… */
static void say_row(const struct run *r, const struct whyrow *row, struct bytes *out)
{
    bytes_printf(out, "event %u/%" PRIu64 " of %s at ", row->b->partition, row->b->offset[row->i],
                 r->j->side[row->side].name);
    whyrows_say_time(row->ts, out);
}

static void say_pair(const struct run *r, struct bytes *out)
{
    const struct pair *p = &r->best;
    const struct at a = at_of(r, p);
    const struct whyrow *left = &r->rows.row[p->row[JOIN_LEFT]];
    const struct whyrow *right = &r->rows.row[p->row[JOIN_RIGHT]];
    say_row(r, left, out);
    bytes_printf(out, " came nearest to ");
    say_row(r, right, out);
    if (!p->in_time && r->j->windowed) {
        bytes_printf(out, ", but they are not in one window");
    } else if (!p->in_time) {
        bytes_printf(out, ", but %s came ", r->j->side[JOIN_RIGHT].name);
        int64_t apart = right->ts - left->ts;
        say_span(apart < 0 ? -apart : apart, out);
        bytes_printf(out, " %s, ", apart < 0 ? "before" : "after");
        say_span(p->off_ms, out);
        bytes_printf(out, " out of bounds");
    }
    if (p->hold < p->parts) {
        bytes_printf(out, p->in_time ? ", but " : "; and ");
        cond_say(r->all, &a, out);
    }
}

static const char *kind_of(const struct run *r, struct bytes *text)
{
    uint32_t own = r->rows.focus;
    bool waits = own != WHY_NONE && is_waiting(r, own);
    for (uint32_t i = 0; own == WHY_NONE && i < r->rows.n && !waits; i++)
        waits = whyrows_is_taken(&r->rows.row[i]) && is_waiting(r, i);
    if (r->some && r->best.in_time && r->best.hold == r->best.parts) {
        bytes_printf(text, "the pair was found");
        return "matched";
    }
    if (r->some)
        say_pair(r, text);
    else
        bytes_printf(text, own == WHY_NONE ? "there are no rows of both sides"
                                           : "no row of the other side was there");
    if (r->j->outer && own != WHY_NONE && r->rows.row[own].side == JOIN_LEFT)
        bytes_printf(text, waits ? "; it comes out alone when time has passed its bound"
                                 : "; it came out alone, if WHERE lets it");
    else if (waits)
        bytes_printf(text, "; a partner may still come");
    if (waits)
        return "waiting";
    return !r->some ? "no-partner" : r->best.in_time ? "condition" : "time";
}

static void put_verdict(struct run *r, struct bytes *out)
{
    struct whyrows_verdict v;
    struct bytes text = {0}, more = {0}, conditions = {0};
    if (!whyrows_not_taken(&r->rows, &v)) {
        v.kind = kind_of(r, &text);
        if (r->some) {
            unsigned newer = r->rows.row[r->best.row[0]].ts <= r->rows.row[r->best.row[1]].ts;
            v.row = r->rows.focus != WHY_NONE ? r->rows.focus : r->best.row[newer];
            put_partner(r, &more);
            ask(r, &r->best, &conditions);
            v.conditions = &conditions;
            if (!r->best.in_time)
                bytes_printf(&more, ",\"late_by_ms\":%" PRId64, r->best.off_ms);
        }
        bytes_u8(&text, 0);
        v.text = (const char *)text.p;
        v.more = &more;
    }
    v.matches = r->matched;
    whyrows_put_verdict(&r->rows, &v, out);
    bytes_fini(&text);
    bytes_fini(&more);
    bytes_fini(&conditions);
}

static void put_step(void *ctx, uint32_t row, struct bytes *out)
{
    const struct run *r = ctx;
    const char *name = r->j->side[r->rows.row[row].side].name;
    bytes_printf(out, ",\"stream\":");
    value_json_string(name, strlen(name), out);
}

void whyjoin_run(const struct why_ask *ask_, const struct why_row *rows, size_t n,
                 struct bytes *out)
{
    struct run r = {.plan = ask_->plan, .j = &ask_->plan->join};
    whyrows_init(&r.rows, ask_, rows, n, WHYROWS_BY_TIME, WHYROWS_WAIT | WHYROWS_LATE);
    struct arena *moved = arena_new(0, 0);
    r.all = cond_new(&of_pair, r.plan, NULL, NULL);
    for (unsigned s = 0, first = 0; s < 2; first += r.j->side[s++].schema->ncolumns) {
        const struct expr *own[] = {r.j->side[s].where, r.j->side[s].partner};
        for (unsigned i = 0; i < 2; i++)
            if (own[i] != NULL)
                cond_add(r.all, expr_moved(moved, own[i], EXPR_COLUMN, first));
    }
    cond_add(r.all, r.j->on);
    cond_add(r.all, r.j->where);
    find(&r);
    put_verdict(&r, out);
    whyrows_put_steps(&r.rows, put_step, &r, out);
    cond_free(r.all);
    arena_free(moved);
    whyrows_fini(&r.rows);
}
