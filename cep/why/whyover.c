/* SPDX-License-Identifier: Apache-2.0 */
/* An OVER rule over its rows once more: the frames at each, what its calls gave, and which part of QUALIFY (or WHERE around
 * it) did not hold. */
#include "base/mem.h"
#include "cep/jobdef.h"
#include "cep/over/over.h"
#include "cep/task/taskinspect.h"
#include "cep/why/whyrows.h"
#include <inttypes.h>
#include <string.h>

struct at_row { /* what came of one */
    bool given;
    struct cond_said said;
    struct bytes frames, conditions, text; /* JSON; a sentence */
};

struct run {
    struct whyrows rows;
    const struct over_plan *plan;
    const struct schema *schema;
    struct cond_names names;
    struct cond *having;
    struct at_row *at;
    uint32_t first; /* from which on all is kept; of those before, only whether they were found */
    uint32_t next; /* the row that is looked for first: they come in order */
};

/* COUNT(*) OVER (RANGE INTERVAL '3600' SECOND PRECEDING) */
static void print_call(const struct run *r, const struct over_call *c, struct bytes *out)
{
    const struct over_frame *f = &c->frame;
    if (c->kind == OVER_ROW_NUMBER) {
        bytes_printf(out, "ROW_NUMBER()");
        return;
    }
    if (c->kind == OVER_LAG) {
        bytes_printf(out, "LAG(");
        expr_print(c->agg.arg, r->schema, NULL, out);
        bytes_printf(out, ", %" PRId64 ")", c->offset);
        return;
    }
    taskinspect_agg(&c->agg, r->schema, out);
    bytes_printf(out, " OVER (%s ", f->rows ? "ROWS" : "RANGE");
    if (f->preceding < 0)
        bytes_printf(out, "UNBOUNDED");
    else if (f->rows)
        bytes_printf(out, "%" PRId64, f->preceding);
    else if (f->preceding % 1000 == 0)
        bytes_printf(out, "INTERVAL '%" PRId64 "' SECOND", f->preceding / 1000);
    else
        bytes_printf(out, "INTERVAL '%" PRId64 ".%03d' SECOND", f->preceding / 1000,
                     (int)(f->preceding % 1000));
    bytes_printf(out, " PRECEDING)");
}

static void slot_name(const void *ctx, unsigned index, struct bytes *out)
{
    const struct run *r = ctx;
    if (index < r->plan->ncalls)
        print_call(r, &r->plan->calls[index], out);
}

static void put_frames(const struct run *r, const struct over_given *g, struct bytes *out)
{
    bytes_u8(out, '[');
    for (unsigned i = 0; i < r->plan->ncalls; i++) {
        struct bytes name = {0};
        print_call(r, &r->plan->calls[i], &name);
        bytes_printf(out, "%s{\"call\":", i > 0 ? "," : "");
        value_json_string((const char *)name.p, name.n, out);
        bytes_printf(out, ",\"rows\":");
        if (r->plan->calls[i].kind == OVER_AGG)
            bytes_printf(out, "%" PRIu64, g->rows[i]);
        else
            bytes_printf(out, "null");
        bytes_printf(out, ",\"value\":");
        value_json(&g->slots[i], out);
        bytes_printf(out, "}");
        bytes_fini(&name);
    }
    bytes_u8(out, ']');
}

static void each(void *ctx, const struct over_given *g)
{
    struct run *r = ctx;
    const struct cond_row at = {.row = {.b = g->b, .i = g->i},
                                .slots = g->slots,
                                .scratch = r->rows.scratch};
    uint32_t n = r->next;
    while (n < r->rows.n && (r->rows.row[n].b != g->b || r->rows.row[n].i != g->i))
        n++;
    if (n == r->rows.n)
        return;
    r->next = n + 1;
    struct at_row *to = &r->at[n];
    to->given = true;
    to->said = cond_ask(r->having, &at, NULL);
    if (n >= r->first || n == r->rows.focus) {
        put_frames(r, g, &to->frames);
        cond_ask(r->having, &at, &to->conditions);
        cond_say(r->having, &at, &to->text);
    }
    arena_reset(r->rows.scratch);
}

static void give(struct run *r, struct over *o, struct keyed *k, struct emit *emit)
{
    const struct why_ask *ask = r->rows.ask;
    uint64_t hash = keytable_hash(ask->key, ask->key_n);
    for (uint32_t i = 0; i < r->rows.n; i++) {
        const struct whyrow *row = &r->rows.row[i];
        if (!whyrows_is_taken(row))
            continue;
        over_advance(o, row->ts);
        struct key *key = keytable_find(&k->table, hash, ask->key, ask->key_n);
        if (key == NULL)
            key = keyed_add(k, hash, ask->key, ask->key_n);
        struct keyed_row in = whyrows_keyed(row, i + 1);
        over_row(o, key->cells, key, &in);
        emit_clear(emit);
        if (arena_bytes(k->scratch) > 0)
            arena_reset(k->scratch);
    }
    if (r->rows.n > 0)
        over_advance(o, r->rows.row[r->rows.n - 1].ts); /* what waits for rows of its time */
    struct key *key = keytable_find(&k->table, hash, ask->key, ask->key_n);
    if (key != NULL && key->cells != NULL)
        over_drop(o, key->cells);
}

static void run(struct run *r, const struct jobdef_rule *rule)
{
    struct emit emit;
    struct keyed k;
    const struct cut all = {.mode = RULE_ACTIVE};
    const struct keyed_rule of = {.plan = rule->pub.plan, .cut = &all};
    emit_init(&emit);
    keyed_init(&k, rule->pub.plan->input, &emit);
    keyed_set_key(&k, &rule->pub.plan->key);
    k.max_rows = r->rows.ask->max_rows;
    struct over *o = over_new(&k);
    over_bind(o, rule->over, &of);
    over_watch(o, each, r);
    give(r, o, &k, &emit);
    over_free(o);
    keyed_fini(&k);
    emit_fini(&emit);
}

/* The row that is asked about; else the last that was found, else the nearest of those that are told of. */
static uint32_t find(const struct run *r, bool *matched)
{
    uint32_t best = WHY_NONE, last = WHY_NONE;
    for (uint32_t i = 0; i < r->rows.n; i++) {
        const struct at_row *a = &r->at[i];
        if (!a->given)
            continue;
        if (cond_holds(a->said))
            last = i;
        else if (i >= r->first && (best == WHY_NONE || cond_is_nearer(a->said, r->at[best].said)))
            best = i;
    }
    *matched = last != WHY_NONE;
    if (r->rows.focus != WHY_NONE)
        return r->rows.focus;
    return last != WHY_NONE ? last : best;
}

static void put_step(void *ctx, uint32_t row, struct bytes *out)
{
    const struct run *r = ctx;
    const struct at_row *a = &r->at[row];
    bytes_printf(out, ",\"frames\":");
    bytes_put(out, a->frames.n > 0 ? (const void *)a->frames.p : "[]",
              a->frames.n > 0 ? a->frames.n : 2);
    bytes_printf(out, ",\"conditions\":");
    bytes_put(out, a->conditions.n > 0 ? (const void *)a->conditions.p : "[]",
              a->conditions.n > 0 ? a->conditions.n : 2);
    bytes_printf(out, ",\"found\":%s", a->given && cond_holds(a->said) ? "true" : "false");
}

static void put_verdict(struct run *r, struct bytes *out)
{
    struct whyrows_verdict v;
    struct bytes text = {0}, more = {0};
    bool matched = false;
    uint32_t row = find(r, &matched);
    if (!whyrows_not_taken(&r->rows, &v)) {
        const struct at_row *a = row == WHY_NONE ? NULL : &r->at[row];
        v.row = row;
        if (a == NULL || !a->given) {
            v.kind = "no-events";
            v.text = "none of the events was taken by the rule";
        } else if (cond_holds(a->said)) {
            v.kind = "matched";
        } else {
            v.kind = "condition";
            bytes_printf(&text, "at ");
            whyrows_say_event(&r->rows.row[row], &text);
            bytes_printf(&text, ", %.*s", (int)a->text.n, (const char *)a->text.p);
            bytes_u8(&text, 0);
            v.text = (const char *)text.p;
        }
        if (a != NULL && a->frames.n > 0) {
            bytes_printf(&more, ",\"frames\":");
            bytes_put(&more, a->frames.p, a->frames.n);
            v.conditions = &a->conditions;
        }
        v.more = &more;
    }
    v.matches = matched;
    whyrows_put_verdict(&r->rows, &v, out);
    bytes_fini(&text);
    bytes_fini(&more);
}

void whyover_run(const struct why_ask *ask, const struct why_row *rows, size_t n, struct bytes *out)
{
    const struct rule_plan *p = ask->plan;
    const struct job_rule only = {.plan = (struct rule_plan *)(uintptr_t)p, .uid = 1};
    struct job *job = job_new(&p->input, 1, &only, 1);
    struct run r = {.plan = &p->over, .schema = p->input};
    whyrows_init(&r.rows, ask, rows, n, WHYROWS_BY_TIME, WHYROWS_WAIT | WHYROWS_LATE);
    r.names = (struct cond_names){p->input, slot_name, &r};
    r.having = cond_new(&cond_of_row, &r.names, p->over.having, NULL);
    r.at = mem_array(r.rows.n + 1, sizeof *r.at);
    r.first = r.rows.n > ask->steps ? r.rows.n - ask->steps : 0;
    run(&r, &job->rules[0]);
    put_verdict(&r, out);
    whyrows_put_steps(&r.rows, put_step, &r, out);
    for (uint32_t i = 0; i < r.rows.n; i++) {
        bytes_fini(&r.at[i].frames);
        bytes_fini(&r.at[i].conditions);
        bytes_fini(&r.at[i].text);
    }
    mem_free(r.at);
    cond_free(r.having);
    whyrows_fini(&r.rows);
    job_unref(job);
}
