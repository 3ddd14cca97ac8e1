/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/why/whyrows.h"
#include "base/mem.h"
#include "cep/order.h"
#include "cep/task/taskinspect.h"
#include <inttypes.h>
#include <string.h>

/* --- rows --- */

static const struct cut *cut_of(const struct why_ask *ask, unsigned side)
{
    return ask->plan->shape == RULE_JOIN && side == JOIN_RIGHT ? ask->right : ask->cut;
}

static void judge(const struct whyrows *w, struct whyrow *r, unsigned flags)
{
    const struct why_ask *ask = w->ask;
    const struct cut *cut = cut_of(ask, r->side);
    const struct cond_row at = {.row = {.b = r->b, .i = r->i}, .scratch = w->scratch};
    bool filter = ask->plan->shape == RULE_FILTER;
    r->lost = r->late && (flags & WHYROWS_LATE);
    r->pending = (flags & WHYROWS_WAIT) && r->ts >= ask->now;
    r->seen = cut == NULL || cut_sees(cut, r->b, r->i);
    r->paused = cut != NULL && (filter ? cut_mode_at_row(cut, r->b, r->i)
                                       : cut_mode_at(cut, r->ts)) == RULE_PAUSED;
    r->where = w->where[r->side] == NULL || cond_holds(cond_ask(w->where[r->side], &at, NULL));
    arena_reset(w->scratch);
}

/* A late row that is still wanted comes when its partition's watermark has come. */
static evtime when(const struct why_row *r, enum whyrows_order order)
{
    evtime ts = r->b->ts[r->i];
    if (order == WHYROWS_BY_ARRIVAL)
        return r->arrival;
    return r->late && r->b->has_late && r->b->late_w[r->i] > ts ? r->b->late_w[r->i] - 1 : ts;
}

static bool is_focus(const struct why_ask *ask, const struct whyrow *r)
{
    return ask->has_focus && r->b->partition == ask->partition &&
           r->b->offset[r->i] == ask->offset &&
           (ask->plan->shape != RULE_JOIN || schema_rows(r->b->schema)->id == ask->stream);
}

static void take(struct whyrows *w, const struct why_row *rows, size_t n, enum whyrows_order order,
                 unsigned flags)
{
    struct order heap;
    struct order_entry *out;
    order_init(&heap, NULL);
    for (size_t i = 0; i < n; i++)
        order_push(&heap, &(struct order_entry){.ts = when(&rows[i], order),
                                                .b = batch_ref(rows[i].b),
                                                .bits = i,
                                                .tag = rows[i].i});
    w->row = mem_array(n + 1, sizeof *w->row);
    for (size_t got; (got = order_take(&heap, EVTIME_MAX, &out)) > 0;)
        for (size_t i = 0; i < got; i++) {
            const struct why_row *from = &rows[out[i].bits];
            struct whyrow *r = &w->row[w->n];
            *r = (struct whyrow){.b = out[i].b,
                                 .i = from->i,
                                 .side = from->side,
                                 .ts = from->b->ts[from->i],
                                 .late = from->late};
            judge(w, r, flags);
            if (w->focus == WHY_NONE && is_focus(w->ask, r))
                w->focus = w->n;
            w->n++;
        }
    order_fini(&heap);
}

void whyrows_init(struct whyrows *w, const struct why_ask *ask, const struct why_row *rows,
                  size_t n, enum whyrows_order order, unsigned flags)
{
    const struct rule_plan *p = ask->plan;
    bool join = p->shape == RULE_JOIN;
    *w = (struct whyrows){.ask = ask, .focus = WHY_NONE, .scratch = arena_new(0, 0)};
    for (unsigned s = 0; s < (join ? 2 : 1); s++) {
        w->names[s].schema = join ? p->join.side[s].schema : p->input;
        w->where[s] =
            cond_new(&cond_of_row, &w->names[s], join ? p->join.side[s].where : p->where, NULL);
    }
    take(w, rows, n, order, flags);
}

void whyrows_fini(struct whyrows *w)
{
    for (uint32_t i = 0; i < w->n; i++)
        batch_unref(w->row[i].b);
    cond_free(w->where[0]);
    cond_free(w->where[1]);
    arena_free(w->scratch);
    mem_free(w->row);
}

bool whyrows_is_taken(const struct whyrow *r)
{
    return r->seen && !r->lost && !r->paused && !r->pending && r->where;
}

const char *whyrows_taken(const struct whyrow *r)
{
    return !r->seen     ? "before-rule"
           : r->lost    ? "late"
           : r->paused  ? "paused"
           : r->pending ? "waits"
           : !r->where  ? "where"
                        : "yes";
}

unsigned whyrows_left_out(const struct whyrows *w, const char *taken, evtime start, evtime end)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < w->n; i++)
        n += w->row[i].ts >= start && w->row[i].ts < end &&
             strcmp(whyrows_taken(&w->row[i]), taken) == 0;
    return n;
}

struct keyed_row whyrows_keyed(const struct whyrow *r, uint64_t seq)
{
    return (struct keyed_row){.b = r->b, .i = r->i, .ts = r->ts, .late = r->late, .seq = seq};
}

/* --- for people --- */

const char *whyrows_text(const char *kind)
{
    static const char *const fixed[][2] = {
        {"no-events", "no event of this key is recorded in what was looked at"},
        {"unknown-event", "the event is not among the recorded ones of this key"},
        {"before-rule", "the event came before this version of the rule was deployed"},
        {"late", "the event came late: time had passed it already, so the rule did not see it"},
        {"paused", "the rule was paused at the time of the event"},
        {"pending", "the event waits for the watermark, which has not passed it yet"},
        {"where", "the rule's WHERE leaves the event out"},
        {"matched", "the rule has matched"},
    };
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (strcmp(fixed[i][0], kind) == 0)
            return fixed[i][1];
    return NULL;
}

void whyrows_say_time(evtime t, struct bytes *out)
{
    char text[TIMEBASE_TEXT];
    timebase_format(t, text);
    bytes_printf(out, "%s", text);
}

void whyrows_say_event(const struct whyrow *r, struct bytes *out)
{
    bytes_printf(out, "event %u/%" PRIu64 " of ", r->b->partition, r->b->offset[r->i]);
    whyrows_say_time(r->ts, out);
}

void whyrows_put_place(const struct whyrow *r, struct bytes *out)
{
    bytes_printf(out, "\"partition\":%u,\"offset\":%" PRIu64 ",", r->b->partition,
                 r->b->offset[r->i]);
    taskinspect_time("time", r->ts, out);
}

void whyrows_put_values(const struct whyrows *w, const struct whyrow *r, struct bytes *out)
{
    const struct rule_plan *p = w->ask->plan;
    const struct schema *s = r->b->schema;
    const struct colset *reads = p->shape == RULE_JOIN ? &p->join.side[r->side].reads : &p->reads;
    const char *comma = "";
    bytes_printf(out, "{");
    for (unsigned c = 0; c < s->ncolumns; c++) {
        if (!colset_has(reads, c) || !colset_has(&r->b->present, c))
            continue;
        struct value v = batch_value(r->b, c, r->i);
        bytes_printf(out, "%s", comma);
        value_json_string(s->columns[c].name, strlen(s->columns[c].name), out);
        bytes_printf(out, ":");
        value_json(&v, out);
        comma = ",";
    }
    bytes_printf(out, "}");
}

/* WHERE is the question itself: what of it failed is said. */
static void put_where(const struct whyrows *w, const struct whyrow *r, struct bytes *text,
                      struct bytes *conditions)
{
    const struct cond_row at = {.row = {.b = r->b, .i = r->i}, .scratch = w->scratch};
    cond_ask(w->where[r->side], &at, conditions);
    cond_say(w->where[r->side], &at, text);
    arena_reset(w->scratch);
}

void whyrows_put_verdict(const struct whyrows *w, const struct whyrows_verdict *v,
                         struct bytes *out)
{
    struct bytes text = {0}, conditions = {0};
    const char *says = v->text != NULL ? v->text : whyrows_text(v->kind);
    bool where = strcmp(v->kind, "where") == 0 && v->row != WHY_NONE && v->conditions == NULL;
    bytes_printf(&text, "%s", says != NULL ? says : "");
    if (where) {
        bytes_printf(&text, ": ");
        put_where(w, &w->row[v->row], &text, &conditions);
    }
    bytes_printf(out, "\"verdict\":{\"kind\":\"%s\",\"text\":", v->kind);
    value_json_string((const char *)text.p, text.n, out);
    bytes_printf(out, ",\"matches\":%s,\"partial\":null,\"event\":", v->matches ? "true" : "false");
    if (v->row != WHY_NONE) {
        bytes_printf(out, "{");
        whyrows_put_place(&w->row[v->row], out);
        bytes_printf(out, "}");
    } else {
        bytes_printf(out, "null");
    }
    const struct bytes *parts = where ? &conditions : v->conditions;
    bytes_printf(out, ",\"variable\":null,\"conditions\":");
    if (parts != NULL && parts->n > 0)
        bytes_put(out, parts->p, parts->n);
    else
        bytes_printf(out, "[]");
    if (v->more != NULL && v->more->n > 0)
        bytes_put(out, v->more->p, v->more->n);
    bytes_printf(out, ",\"cut_off\":false}");
    bytes_fini(&text);
    bytes_fini(&conditions);
}

/* The row that is asked about; if it is none, and no row was taken, the last. */
static uint32_t left_out(const struct whyrows *w)
{
    if (w->focus != WHY_NONE)
        return whyrows_is_taken(&w->row[w->focus]) ? WHY_NONE : w->focus;
    for (uint32_t i = 0; i < w->n; i++)
        if (whyrows_is_taken(&w->row[i]))
            return WHY_NONE;
    return w->n - 1;
}

bool whyrows_not_taken(const struct whyrows *w, struct whyrows_verdict *v)
{
    *v = (struct whyrows_verdict){.row = w->focus};
    if (w->n == 0) {
        v->kind = "no-events";
    } else if (w->ask->has_focus && w->focus == WHY_NONE) {
        v->kind = "unknown-event";
    } else if (left_out(w) != WHY_NONE) {
        v->row = left_out(w);
        v->kind = whyrows_taken(&w->row[v->row]);
        v->kind = strcmp(v->kind, "waits") == 0 ? "pending" : v->kind;
    }
    return v->kind != NULL;
}

void whyrows_put_steps(const struct whyrows *w,
                       void (*more)(void *ctx, uint32_t row, struct bytes *out), void *ctx,
                       struct bytes *out)
{
    uint32_t first = w->n > w->ask->steps ? w->n - w->ask->steps : 0;
    bytes_printf(out, ",\"earlier\":%u,\"steps\":[", first);
    for (uint32_t i = first; i < w->n; i++) {
        const struct whyrow *r = &w->row[i];
        const struct cond_row at = {.row = {.b = r->b, .i = r->i}, .scratch = w->scratch};
        bytes_printf(out, i > first ? ",{" : "{");
        whyrows_put_place(r, out);
        bytes_printf(out, ",\"values\":");
        whyrows_put_values(w, r, out);
        bytes_printf(out, ",\"taken\":\"%s\",\"where\":", whyrows_taken(r));
        cond_ask(w->where[r->side], &at, out);
        arena_reset(w->scratch);
        if (more != NULL)
            more(ctx, i, out);
        bytes_printf(out, "}");
    }
    bytes_printf(out, "]");
}
