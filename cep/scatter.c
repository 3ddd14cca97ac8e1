/* SPDX-License-Identifier: Apache-2.0
 *
 * The source side, after the conditions of a batch have been evaluated: filters give their results, late rows are told,
 * rows that matter to some key definition go to the owner of their key: group = hash mod groups, worker = range of groups.
 *
 * A row goes to another worker once, whatever the number of its keys there: the receiver evaluates the same conditions and
 * keeps it for the keys that it owns. So frames hold no numbers of conditions, which are of one job only. */
#include "base/mem.h"
#include "cep/late.h"
#include "cep/task/taskdef.h"
#include <string.h>

/* --- filters --- */

static struct result *filter_result(struct task *t, const struct jobdef_rule *r, struct batch *b,
                                    unsigned i, enum rule_mode mode)
{
    bool derived = b->schema->derived != DERIVED_NOT;
    struct result *out = emit_new(&t->emit, !derived || t->job->streams[r->stream].early);
    struct result_row *row = arena_alloc(t->emit.arena, sizeof *row);
    *row = (struct result_row){-1, {schema_place(b->schema), b->partition, b->offset[i]}, b->ts[i]};
    out->rule = r->pub.plan;
    out->rule_index = r->keyed.index;
    out->rule_uid = r->pub.uid;
    out->rule_version = r->pub.version;
    out->kind = RESULT_MATCH;
    out->mode = mode;
    out->time = b->ts[i];
    out->step = derived ? t->step : task_stream_of(t, b->schema->id)->least;
    if (b->has_late && batch_is_late(b, i))
        out->late_w = b->late_w[i];
    out->nvalues = r->output.n;
    out->nrows = 1;
    out->rows = row;
    return out;
}

/* A row with a window (the global one has no bounds). */
static void window_of_row(struct task *t, const struct jobdef_rule *r, struct batch *b, unsigned i,
                          enum rule_mode mode, evtime start, evtime end)
{
    bool bounded = end != EVTIME_MIN;
    struct result *out = filter_result(t, r, b, i, mode);
    struct value slots[3];
    for (unsigned k = 0; k < 3; k++)
        slots[k] = (struct value){.type = {.kind = TYPE_TIMESTAMP}, .null = !bounded};
    slots[0].c.i = bounded ? start : 0;
    slots[1].c.i = bounded ? end : 0;
    slots[2].c.i = bounded ? end - 1 : 0;
    out->values = output_of_both(&r->output, (struct rowref){.b = b, .i = i}, slots, &t->emit);
    out->window_start = start;
    out->window_end = end;
    emit_done(out);
}

static void windows_of_row(struct task *t, const struct jobdef_rule *r, struct batch *b, unsigned i,
                           enum rule_mode mode)
{
    const struct windowpane *p = &r->window->panes;
    if (r->pub.plan->window.kind == WINDOW_GLOBAL) {
        window_of_row(t, r, b, i, mode, EVTIME_MIN, EVTIME_MIN);
        return;
    }
    int64_t pane = windowpane_of(p, b->ts[i]), last = windowpane_last_window(p, pane);
    if (!windowpane_in_window(p, pane))
        return;
    for (int64_t w = windowpane_first_window(p, pane); w <= last; w++)
        window_of_row(t, r, b, i, mode, windowpane_start(p, w), windowpane_end(p, w));
}

static void filter_row(struct task *t, const struct jobdef_rule *r, struct batch *b, unsigned i)
{
    enum rule_mode mode = cut_mode_at_row(&r->cut, b, i);
    if (mode == RULE_PAUSED)
        return;
    if (r->window != NULL) {
        windows_of_row(t, r, b, i, mode);
        return;
    }
    struct result *out = filter_result(t, r, b, i, mode);
    out->values = output_of_row(&r->output, b, i, &t->emit);
    emit_done(out);
}

void scatter_filters(struct task *t, const struct jobdef_stream *s, struct batch *b)
{
    unsigned words = (b->n + 63) / 64;
    for (unsigned w = 0; w < words && s->nfilters > 0; w++) {
        uint64_t any = 0;
        for (unsigned f = 0; f < s->nfilters; f++)
            if (jobdef_has_columns(&t->job->rules[s->filters[f]], b))
                any |= predindex_bits(s->conditions, t->job->rules[s->filters[f]].see)[w];
        for (; any != 0; any &= any - 1) { /* row by row, so that results are in order of arrival */
            unsigned i = w * 64 + (unsigned)__builtin_ctzll(any);
            for (unsigned f = 0; f < s->nfilters; f++) {
                const struct jobdef_rule *r = &t->job->rules[s->filters[f]];
                if ((predindex_bits(s->conditions, r->see)[w] >> (i % 64) & 1) &&
                    jobdef_has_columns(r, b))
                    filter_row(t, r, b, i);
            }
        }
    }
}

/* --- late rows --- */

static bool is_late_for(const struct jobdef_rule *r, const struct batch *b, unsigned i)
{
    if (!cut_sees(&r->cut, b, i) || !jobdef_has_columns(r, b))
        return false;
    return r->window == NULL || windowprog_is_closed(r->window, b->ts[i], b->late_w[i]);
}

void scatter_late_row(struct task *t, const struct jobdef_rule *r, const struct colset *reads,
                      struct batch *b, unsigned i)
{
    enum rule_mode mode = cut_mode_at(&r->cut, b->ts[i]);
    if (mode == RULE_PAUSED)
        return;
    if (r->derived[DERIVED_LATE] != JOBDEF_NONE)
        taskstage_late(t, r->derived[DERIVED_LATE], b, i);
    int stream = job_stream_of(t->job, b->schema->id); /* of a join it may be either side */
    bool early =
        b->schema->derived == DERIVED_NOT || (stream >= 0 && t->job->streams[stream].early);
    struct result *out = emit_new(&t->emit, early);
    const struct late_of of = {r->pub.plan, reads, t->scratch.p, t->scratch.n};
    late_fill(out, &of, b, i, &t->emit);
    out->rule_index = r->keyed.index;
    out->rule_uid = r->pub.uid;
    out->rule_version = r->pub.version;
    out->mode = mode;
    out->step = b->late_w[i];
    emit_done(out);
}

static void late_row(struct task *t, const struct jobdef_rule *r, struct batch *b, unsigned i)
{
    struct keyed *k = &t->keys[r->keydef]->keyed;
    t->scratch.n = 0;
    keyed_key_of(k, b, i);
    bytes_put(&t->scratch, k->key_bytes.p, k->key_bytes.n);
    scatter_late_row(t, r, &r->pub.plan->reads, b, i);
}

void scatter_late(struct task *t, const struct jobdef_stream *s, struct batch *b)
{
    for (unsigned i = 0; i < b->n; i++) {
        if (!batch_is_late(b, i))
            continue;
        if (s->late != JOBDEF_NONE)
            taskstage_late(t, s->late, b, i);
        for (unsigned k = 0; k < s->nkeyed; k++) {
            const struct jobdef_rule *r = &t->job->rules[s->keyed[k]];
            if ((predindex_bits(s->conditions, r->see)[i / 64] >> (i % 64) & 1) &&
                is_late_for(r, b, i))
                late_row(t, r, b, i);
        }
    }
    if (s->ninputs > 0)
        taskjoin_late(t, s, b);
}

/* --- rows to keys --- */

uint64_t scatter_bits(struct task_key *k, const struct predindex *conditions, unsigned i)
{
    const struct jobdef_key *def = k->def;
    unsigned word = i / 64, shift = i % 64;
    uint64_t *many = NULL, bits = 0, fold = 0;
    if (k->words > 1)
        many = slab_alloc(&k->bits);
    for (unsigned c = 0; c < def->nconditions; c++) {
        bits |= (predindex_bits(conditions, def->conditions[c])[word] >> shift & 1) << (c % 64);
        if (many != NULL && (c % 64 == 63 || c + 1 == def->nconditions)) {
            many[1 + c / 64] = bits;
            fold |= bits;
            bits = 0;
        }
    }
    if (many == NULL)
        return bits;
    many[0] = fold;
    return (uint64_t)(uintptr_t)many;
}

/* Late rows that some window still wants. */
static bool window_wants(const struct task *t, const struct jobdef_stream *s,
                         const struct jobdef_key *def, const struct batch *b, unsigned i)
{
    for (unsigned r = 0; r < def->nrules; r++) {
        const struct jobdef_rule *rule = &t->job->rules[def->rules[r]];
        if (rule->window != NULL &&
            (predindex_bits(s->conditions, rule->see)[i / 64] >> (i % 64) & 1) &&
            !is_late_for(rule, b, i))
            return true;
    }
    return false;
}

static uint64_t interest_of(const struct task *t, const struct jobdef_stream *s,
                            const struct jobdef_key *def, const struct batch *b, unsigned word)
{
    uint64_t any = 0;
    for (unsigned w = 0; w < def->words; w++)
        for (uint64_t left = def->interest[w]; left != 0; left &= left - 1) {
            unsigned bit = w * 64 + (unsigned)__builtin_ctzll(left);
            any |= predindex_bits(s->conditions, def->conditions[bit])[word];
        }
    uint64_t late = b->has_late ? any & b->late[word] : 0;
    any &= ~late;
    for (; late != 0 && def->has_windows; late &= late - 1) {
        unsigned i = (unsigned)__builtin_ctzll(late);
        if (window_wants(t, s, def, b, word * 64 + i))
            any |= UINT64_C(1) << i;
    }
    return any;
}

/* Rows of a batch that go to a key definition of this worker. */
struct taken {
    unsigned n;
    uint16_t rows[BATCH_ROWS];
    uint64_t hashes[BATCH_ROWS];
    uint64_t set[BATCH_WORDS];
};

/* Where the rows of a batch are kept while they wait: in itself, or moved (gather.h). */
struct kept_in {
    struct batch *b;
    const uint16_t *at; /* NULL: in itself */
};

/* Conditions by row from rows by condition, for many conditions: each that holds is touched once. */
static void transpose(struct task_key *k, const struct predindex *conditions, const struct taken *t,
                      struct order_entry *entries)
{
    const struct jobdef_key *def = k->def;
    uint64_t *of_row[BATCH_ROWS] = {NULL};
    for (unsigned i = 0; i < t->n; i++) {
        uint64_t *bits = slab_alloc(&k->bits);
        memset(bits, 0, (k->words + 1) * sizeof *bits);
        entries[i].bits = (uint64_t)(uintptr_t)bits;
        of_row[t->rows[i]] = bits;
    }
    for (unsigned c = 0; c < def->nconditions; c++) {
        const uint64_t *rows = predindex_bits(conditions, def->conditions[c]);
        uint64_t bit = UINT64_C(1) << (c % 64);
        for (unsigned w = 0; w < BATCH_WORDS; w++)
            for (uint64_t left = rows[w] & t->set[w]; left != 0; left &= left - 1) {
                uint64_t *bits = of_row[w * 64 + (unsigned)__builtin_ctzll(left)];
                bits[0] |= bit;
                bits[1 + c / 64] |= bit;
            }
    }
}

/* Rows leave in order of time; a late one when all that came before its partition's watermark have, and the windows that
 * this watermark ends have fired. Where windows fire with the watermark itself, that has to be over: it leaves with the next. */
static evtime time_to_leave(struct task_key *k, const struct batch *b, unsigned i)
{
    if (k->def->by_arrival)
        return (evtime)k->arrived++;
    return b->has_late && batch_is_late(b, i) ? b->late_w[i] - !k->def->by_mark : b->ts[i];
}

static void push_all(struct task *t, const struct jobdef_stream *s, struct task_key *k,
                     const struct taken *taken, const struct kept_in *in)
{
    struct order_entry entries[BATCH_ROWS];
    if (k->words > 1)
        transpose(k, s->conditions, taken, entries);
    for (unsigned n = 0; n < taken->n; n++) {
        unsigned i = taken->rows[n], at = in->at == NULL ? i : in->at[i];
        struct order_entry *e = &entries[n];
        if (k->words == 1)
            e->bits = scatter_bits(k, s->conditions, i);
        e->ts = time_to_leave(k, in->b, at);
        e->b = in->b;
        e->tag = (taken->hashes[n] & ~UINT64_C(0xffff)) | at;
        order_push(&k->order, e);
    }
    in->b->refs += (int)taken->n;
    for (unsigned n = 0; t->snap.noting && n < taken->n; n++)
        taskflow_note(t, &entries[n], &k->snap);
    t->stats.rows_ordered += taken->n;
}

static uint64_t hash_of(struct task_key *k, const struct batch *b, unsigned i)
{
    keyed_key_of(&k->keyed, b, i);
    return keytable_hash(k->keyed.key_bytes.p, k->keyed.key_bytes.n);
}

/* hashes: of the keys of rows that are not late, if they are known; else NULL. */
static void to_key(struct task *t, const struct jobdef_stream *s, struct task_key *k,
                   const struct batch *b, const uint64_t *rows, const struct kept_in *in,
                   const uint64_t *hashes, uint64_t (*remote)[BATCH_WORDS])
{
    struct taken taken;
    taken.n = 0;
    memset(taken.set, 0, sizeof taken.set);
    for (unsigned w = 0; w < (b->n + 63) / 64; w++)
        for (uint64_t left = rows[w]; left != 0; left &= left - 1) {
            unsigned i = w * 64 + (unsigned)__builtin_ctzll(left);
            uint64_t hash = hashes != NULL && !(b->has_late && batch_is_late(b, i))
                                ? hashes[i]
                                : hash_of(k, b, i);
            unsigned owner = t->owner[hash & (t->o.key_groups - 1)];
            if (owner == t->o.worker) {
                taken.rows[taken.n] = (uint16_t)i;
                taken.hashes[taken.n++] = hash;
                taken.set[w] |= left & -left;
            } else if (remote != NULL) {
                remote[owner][w] |= left & -left;
            }
        }
    if (taken.n > 0)
        push_all(t, s, k, &taken, in);
}

/* Rows that matter to a key definition. False: none. */
static bool rows_for(const struct task *t, const struct jobdef_stream *s,
                     const struct jobdef_key *def, const struct batch *b, uint64_t *rows)
{
    uint64_t any = 0;
    if (!jobdef_has_all(&def->reads, b)) /* of before a change of rules */
        return false;
    for (unsigned w = 0; w < (b->n + 63) / 64; w++)
        any |= rows[w] = interest_of(t, s, def, b, w);
    return any != 0;
}

void scatter_rows(struct task *t, const struct jobdef_stream *s, struct batch *b, bool source)
{
    uint64_t remote[TASK_WORKERS_MAX][BATCH_WORDS], rows[BATCH_WORDS], all[BATCH_WORDS] = {0};
    uint16_t at[GATHER_SMALL];
    struct kept_in in = {.b = b};
    struct taskpresum_done done[BATCH_SUMMED_MAX];
    unsigned ndone = 0;
    bool tell = source && t->o.workers > 1;
    if (tell)
        memset(remote, 0, t->o.workers * sizeof remote[0]);
    for (unsigned k = 0; k < s->nkeys && b->n <= GATHER_SMALL; k++)
        if (rows_for(t, s, t->keys[s->keys[k]]->def, b, rows)) {
            for (unsigned w = 0; w < BATCH_WORDS && w < (b->n + 63) / 64; w++)
                all[w] |= rows[w];
            in.at = at;
        }
    for (unsigned k = 0; k < s->ninputs && b->n <= GATHER_SMALL; k++)
        if (taskjoin_wants(t, s, &s->inputs[k], b, rows)) {
            for (unsigned w = 0; w < (b->n + 63) / 64; w++)
                all[w] |= rows[w];
            in.at = at;
        }
    if (in.at != NULL)
        in.b = gather_rows(&t->gather, b, all, at);
    batch_settle(in.b);
    for (unsigned k = 0; k < s->nkeys; k++) {
        struct task_key *key = t->keys[s->keys[k]];
        if (taskpresum_has(b, key->def) || !rows_for(t, s, key->def, b, rows))
            continue;
        bool summed = source && b->schema->derived == DERIVED_NOT && ndone < BATCH_SUMMED_MAX &&
                      taskpresum_rows(t, s, key, b, rows, &done[ndone]);
        ndone += summed;
        to_key(t, s, key, b, rows, &in, summed ? taskpresum_hashes(t) : NULL, tell ? remote : NULL);
    }
    for (unsigned k = 0; k < s->ninputs; k++)
        if (taskjoin_wants(t, s, &s->inputs[k], b, rows))
            taskjoin_take(t, s, &s->inputs[k], b, rows, in.b, in.at, tell ? remote : NULL);
    for (unsigned w = 0; tell && w < t->o.workers; w++)
        if (w != t->o.worker)
            taskpresum_send(t, w, b, remote[w], done, ndone);
}
