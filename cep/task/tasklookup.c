/* SPDX-License-Identifier: Apache-2.0
 *
 * Look-ups in tables outside. The rows that rules want of a stream are put into a batch of the derived stream that has the
 * table's columns, too, with the keys that are to be looked up, and given out as an effect. Whoever drives the task answers
 * when it knows; then the rows go on as those of any stream do: filters, LATE, the owners of their keys.
 *
 * The derived stream's time does not pass what it was when the oldest batch that waits was given out: no row of it that is
 * not late is behind that, so rows of it may be answered in any order. */
#include "base/bug.h"
#include "base/mem.h"
#include "cep/table.h"
#include "cep/task/taskdef.h"
#include <string.h>

/* --- asking ----------------------------------------------------------------------------------- */

static unsigned wanted(const struct jobdef_stream *s, const struct jobdef_lookup *l,
                       const struct batch *b, uint64_t *rows)
{
    unsigned n = 0;
    for (unsigned w = 0; w < (b->n + 63) / 64; w++) {
        rows[w] = 0;
        for (unsigned i = 0; i < l->nwhen; i++)
            rows[w] |= predindex_bits(s->conditions, l->when[i])[w];
        n += (unsigned)__builtin_popcountll(rows[w]);
    }
    return n;
}

/* The row as it will go on; the table's columns are NULL until it is answered. */
static void take_row(struct batch *to, const struct batch *b, unsigned i)
{
    unsigned n = to->n;
    for (unsigned c = b->schema->ncolumns; c < to->schema->ncolumns; c++) {
        struct value nothing = {.type = to->schema->columns[c].type, .null = true};
        if (colset_has(&to->present, c))
            batch_put(to, c, n, &nothing);
    }
    batch_append(to, b, i);
}

static void key_of(const struct jobdef_lookup *l, const struct table *table, const struct batch *b,
                   unsigned i, struct arena *a, struct value *out)
{
    const struct exprvm_env env = {.current = {.b = (struct batch *)(uintptr_t)b, .i = i},
                                   .scratch = a};
    *out = (struct value){.type = table->schema->columns[table->key].type};
    out->null = !exprvm_eval(l->key, &env, &out->c);
    if (!out->null && out->type.kind == TYPE_STRING) /* the rows below may be gone */
        out->c.s = (struct str){arena_dup(a, out->c.s.p, out->c.s.n), out->c.s.n, 0};
}

static void ask(struct task *t, const struct jobdef_stream *s, unsigned stream,
                const struct batch *b)
{
    const struct jobdef_stream *to = &t->job->streams[stream];
    const struct table *table = to->schema->table;
    uint64_t rows[BATCH_WORDS];
    unsigned n = jobdef_has_all(&to->lookup.needs, b) ? wanted(s, &to->lookup, b, rows) : 0;
    if (n == 0)
        return;
    struct batch *out = batch_new(to->schema, &to->columns);
    out->partition = b->partition;
    out->dict_serial = b->dict_serial;
    for (unsigned w = 0; w < SCHEMA_COLUMNS_MAX / 64; w++)
        out->with_ids.w[w] = b->with_ids.w[w] & out->present.w[w];
    struct value *keys = arena_alloc(out->arena, n * sizeof *keys);
    for (unsigned w = 0; w < (b->n + 63) / 64; w++)
        for (uint64_t left = rows[w]; left != 0; left &= left - 1) {
            unsigned i = w * 64 + (unsigned)__builtin_ctzll(left);
            key_of(&to->lookup, table, b, i, out->arena, &keys[out->n]);
            take_row(out, b, i);
        }
    t->pending = mem_grow(t->pending, t->npending, 1, &t->pending_cap, sizeof *t->pending);
    struct task_pending *p = &t->pending[t->npending++];
    evtime w = task_stream_of(t, b->schema->id)->least;
    *p = (struct task_pending){.ask = {++t->asked, table, to->schema->id, out, b->schema->ncolumns,
                                       keys},
                               .stream = stream,
                               .left = n,
                               .w = w,
                               .step = b->schema->derived == DERIVED_NOT ? w : t->step};
    t->asks = mem_grow(t->asks, t->nasks, 1, &t->asks_cap, sizeof *t->asks);
    t->asks[t->nasks++] = p->ask;
}

void tasklookup_rows(struct task *t, const struct jobdef_stream *s, const struct batch *b)
{
    for (unsigned i = 0; i < s->nlookups; i++)
        ask(t, s, s->lookups[i], b);
}

/* --- time ------------------------------------------------------------------------------------- */

evtime tasklookup_held(const struct task *t, uint32_t stream)
{
    for (size_t i = 0; i < t->npending; i++)
        if (t->pending[i].ask.stream == stream)
            return t->pending[i].w; /* the oldest has the least */
    return EVTIME_MAX;
}

size_t tasklookup_unanswered(const struct task *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->npending; i++)
        n += t->pending[i].left;
    return n;
}

/* --- answers ---------------------------------------------------------------------------------- */

static unsigned count(const uint64_t *rows)
{
    unsigned n = 0;
    for (unsigned w = 0; w < BATCH_WORDS && rows != NULL; w++)
        n += (unsigned)__builtin_popcountll(rows[w]);
    return n;
}

static struct batch *only(const struct batch *b, const uint64_t *rows)
{
    struct batch *out = batch_new(b->schema, &b->present);
    out->partition = b->partition;
    out->dict_serial = b->dict_serial;
    out->with_ids = b->with_ids;
    for (unsigned w = 0; w < (b->n + 63) / 64; w++)
        for (uint64_t left = rows[w]; left != 0; left &= left - 1)
            batch_append(out, b, w * 64 + (unsigned)__builtin_ctzll(left));
    return out;
}

void tasklookup_answer(struct task *t, uint64_t ask, const uint64_t *pass, const uint64_t *drop)
{
    size_t at = 0;
    while (at < t->npending && t->pending[at].ask.number != ask)
        at++;
    unsigned n = count(pass), gone = count(drop);
    BUG_IF(at == t->npending || n + gone > t->pending[at].left, "an answer that nobody waits for");
    t->pending[at].left -= n + gone;
    struct task_pending p = t->pending[at];
    if (n > 0) {
        struct batch *b = n == p.ask.b->n ? batch_ref(p.ask.b) : only(p.ask.b, pass);
        t->step = p.step;
        task_spread(t, &t->job->streams[p.stream], b);
        taskstage_pass(t);
        batch_unref(b);
    }
    if (p.left > 0)
        return;
    for (at = 0; t->pending[at].ask.number != ask; at++) /* new ones may have come behind */
        ;
    memmove(&t->pending[at], &t->pending[at + 1], (t->npending - at - 1) * sizeof *t->pending);
    t->npending--;
    batch_unref(p.ask.b);
}

void tasklookup_fini(struct task *t)
{
    for (size_t i = 0; i < t->npending; i++)
        batch_unref(t->pending[i].ask.b);
    mem_free(t->pending);
    mem_free(t->asks);
}
