/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditions of all rules of a stream are numbered in its predindex. A key definition has its own, shorter numbering of
 * those that its rules need once a row has left its batch: WHERE of each rule, and WHERE with the row condition of each
 * variable. A row goes on only if one of its `interest` bits is set: for rules that care for every row of the partition
 * (strict steps, PREV, windows, OVER) that is WHERE; for others, the variables' own conditions. */
#include "cep/job.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/jobdef.h"
#include "cep/key/statemap.h"
#include <stdlib.h>
#include <string.h>

/* --- making --- */

static void append(unsigned **list, unsigned *n, unsigned v)
{
    *list = mem_resize_array(*list, *n + 1, sizeof **list);
    (*list)[(*n)++] = v;
}

static uint64_t id_of(const struct plan_key *k, const struct schema *s)
{
    struct bytes text = {0};
    plan_key_id(k, s, &text);
    uint64_t id = keytable_hash(text.p, text.n);
    bytes_fini(&text);
    return id;
}

static unsigned key_of(struct job *j, unsigned stream, const struct rule_plan *p)
{
    const struct match_plan *order =
        p->shape == RULE_MATCH && p->match.norder > 0 ? &p->match : NULL;
    bool by_arrival = windowprog_by_arrival(p), by_mark = windowprog_by_mark(p);
    for (unsigned i = 0; i < j->nkeys; i++) {
        const struct jobdef_key *k = &j->keys[i];
        if (k->stream == stream && k->by_arrival == by_arrival && k->by_mark == by_mark &&
            plan_order_same(k->order, order) && plan_key_same(&k->key, &p->key))
            return i;
    }
    j->keys = mem_resize_array(j->keys, j->nkeys + 1, sizeof *j->keys);
    j->keys[j->nkeys] = (struct jobdef_key){.stream = stream,
                                            .stage = j->schemas[stream]->stage,
                                            .key = p->key,
                                            .order = order,
                                            .by_arrival = by_arrival,
                                            .by_mark = by_mark,
                                            .id = id_of(&p->key, j->schemas[stream])};
    plan_key_reads(&p->key, &j->keys[j->nkeys].reads);
    append(&j->streams[stream].keys, &j->streams[stream].nkeys, j->nkeys);
    return j->nkeys++;
}

/* The bit of a condition in a key definition. */
static unsigned bit_of(struct jobdef_key *k, unsigned condition)
{
    for (unsigned i = 0; i < k->nconditions; i++)
        if (k->conditions[i] == condition)
            return i;
    append(&k->conditions, &k->nconditions, condition);
    unsigned words = (k->nconditions + 63) / 64;
    if (words > k->words) {
        k->interest = mem_resize_array(k->interest, words, sizeof *k->interest);
        k->starts = mem_resize_array(k->starts, words, sizeof *k->starts);
        k->interest[words - 1] = k->starts[words - 1] = 0;
        k->words = words;
    }
    k->starters = mem_resize_array(k->starters, k->nconditions, sizeof *k->starters);
    k->starters[k->nconditions - 1] = (struct jobdef_starters){0};
    return k->nconditions - 1;
}

static void set(uint64_t *words, unsigned bit)
{
    words[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static void starts_on(struct jobdef_key *k, struct jobdef_rule *r, unsigned bit)
{
    struct jobdef_starters *s = &k->starters[bit];
    for (unsigned i = 0; i < s->n; i++)
        if (s->slots[i] == r->slot)
            return;
    append(&s->slots, &s->n, r->slot);
    set(k->starts, bit);
    r->start_fold |= UINT64_C(1) << (bit % 64);
}

static void add_match(struct job *j, struct jobdef_rule *r, struct jobdef_key *k)
{
    const struct rule_plan *p = r->pub.plan;
    struct predindex *conditions = j->streams[r->stream].conditions;
    unsigned bits[PLAN_VARS_MAX] = {0};
    r->match = match_prog_new(p);
    uint64_t vars = match_prog_vars(r->match), starts = match_prog_start_vars(r->match);
    for (uint64_t left = vars; left != 0; left &= left - 1) {
        unsigned v = (unsigned)__builtin_ctzll(left);
        bits[v] = bit_of(k, predindex_add(conditions, p->where, p->match.vars[v].row));
        if (!match_prog_all_rows(r->match))
            set(k->interest, bits[v]);
        if (starts >> v & 1)
            starts_on(k, r, bits[v]);
    }
    if (match_prog_all_rows(r->match))
        set(k->interest, r->see_bit);
    if (match_prog_every_row(r->match))
        starts_on(k, r, r->see_bit);
    match_prog_bind(r->match, r->see_bit, bits);
    colset_union(&k->keeps, &p->keeps);
}

static void keyed_fill(struct jobdef_rule *r)
{
    r->keyed.slot = r->slot;
    r->keyed.plan = r->pub.plan;
    r->keyed.uid = r->pub.uid;
    r->keyed.version = r->pub.version;
    r->keyed.cut = &r->cut;
    r->keyed.late = JOBDEF_NONE;
}

static void add_keyed(struct job *j, struct jobdef_rule *r)
{
    const struct rule_plan *p = r->pub.plan;
    r->keydef = key_of(j, r->stream, p);
    struct jobdef_key *k = &j->keys[r->keydef];
    r->slot = k->nrules;
    append(&k->rules, &k->nrules, r->keyed.index);
    r->see_bit = bit_of(k, r->see);
    if (p->shape == RULE_MATCH) {
        add_match(j, r, k);
    } else {
        if (p->shape == RULE_OVER) {
            r->over = overprog_new(p);
        } else {
            r->window = windowprog_new(p);
            k->has_windows = true;
            k->has_sessions |= p->window.kind == WINDOW_SESSION;
            if (r->window->keeps_rows)
                colset_union(&k->keeps, &p->reads);
        }
        set(k->interest, r->see_bit);
        starts_on(k, r, r->see_bit);
    }
    bool presums = r->window != NULL && windowprog_presums(r->window) && !k->by_arrival;
    k->presums = presums && (k->presums || k->nrules == 1);
    k->presums = k->presums && schema_rows(p->input)->copy_of == NULL; /* in order, as they wait */
    k->presums_all = k->presums && p->window.two_phase == TWO_PHASE_ALL;
    keyed_fill(r);
}

static unsigned stream_of(const struct job *j, const struct schema *s, const char *rule)
{
    int stream = job_stream_of(j, s->id);
    BUG_IF(stream < 0, "rule %s reads a stream that is not of its job", rule);
    return (unsigned)stream;
}

static void add_join(struct job *j, struct jobdef_rule *r, const struct job_rule *from)
{
    const struct rule_plan *p = from->plan;
    r->join = joinprog_new(p);
    r->slot = j->njoins;
    append(&j->joins, &j->njoins, r->keyed.index);
    keyed_fill(r);
    for (unsigned side = 0; side < 2; side++) {
        const struct join_side *of = &p->join.side[side];
        struct jobdef_side *d = &r->side[side];
        d->stream = stream_of(j, of->schema, p->name);
        struct jobdef_stream *s = &j->streams[d->stream];
        s->read = true;
        d->needs = of->reads;
        colset_union(&s->columns, &of->reads);
        d->see = predindex_add(s->conditions, of->where, NULL);
        d->partner = predindex_add(s->conditions, of->where, of->partner);
        cut_init_of(&d->cut, from, schema_rows(of->schema)->id);
        s->inputs = mem_resize_array(s->inputs, s->ninputs + 1, sizeof *s->inputs);
        s->inputs[s->ninputs++] = (struct jobdef_input){r->keyed.index, side};
    }
    r->stream = r->side[JOIN_LEFT].stream;
}

static void add_rule(struct job *j, unsigned i, const struct job_rule *from)
{
    struct jobdef_rule *r = &j->rules[i];
    r->pub = *from;
    r->pub.plan = plan_ref(from->plan);
    cut_init(&r->cut, from);
    r->pub.cuts = r->cut.cuts;
    const struct rule_plan *p = from->plan;
    r->keyed.index = i;
    for (unsigned k = 0; k <= DERIVED_ERRORS; k++)
        r->derived[k] = JOBDEF_NONE;
    if (p->shape == RULE_JOIN) {
        add_join(j, r, from);
        return;
    }
    r->stream = stream_of(j, p->input, p->name);
    struct jobdef_stream *s = &j->streams[r->stream];
    s->read = true;
    r->needs = p->reads;
    plan_key_reads(&p->key, &r->needs);
    colset_union(&s->columns, &r->needs);
    r->see = predindex_add(s->conditions, p->where, NULL);
    switch (p->shape) {
    case RULE_FILTER:
        append(&s->filters, &s->nfilters, i);
        output_init(&r->output, p->outputs, p->noutputs);
        if (p->windowed)
            r->window = windowprog_new(p);
        break;
    case RULE_MATCH:
    case RULE_WINDOW:
    case RULE_OVER:
        append(&s->keyed, &s->nkeyed, i);
        add_keyed(j, r);
        break;
    default:
        bug_abort(__FILE__, __LINE__, "rule %s is of a shape that should have been refused",
                  p->name);
    }
}

/* Of a rule that fires with each rise of the watermark; or, as rows arrive, at multiples of `every` (0: no such). */
static void mark(struct job *j, const struct schema *s, int64_t every)
{
    int i = job_stream_of(j, s->id);
    if (i >= 0 && every == 0)
        j->streams[i].marks = true;
    if (i >= 0 && every > 0) {
        struct jobdef_stream *of = &j->streams[i];
        of->slices = mem_resize_array(of->slices, of->nslices + 1, sizeof *of->slices);
        of->slices[of->nslices++] = every;
    }
    if (s->derived == DERIVED_NOT)
        return;
    mark(j, s->from, every);
    if (s->with != NULL)
        mark(j, s->with, every);
}

static void mark_all(struct job *j, const struct rule_plan *p)
{
    if (windowprog_by_mark(p))
        mark(j, p->input, 0);
    else if (windowprog_by_arrival(p) && p->window.trigger == TRIGGER_CONTINUOUS)
        mark(j, p->input, p->window.every);
}

/* --- streams --- */

/* Columns that computed ones and the watermark read, and their machines. */
static void finish_stream(struct jobdef_stream *s, const struct dict *dict)
{
    const struct schema *schema = s->schema;
    if (!s->read)
        return;
    if (schema->time_column >= 0)
        colset_add(&s->columns, (unsigned)schema->time_column);
    if (schema->watermark == WATERMARK_PUNCTUATED && schema->punctuated != NULL)
        expr_columns(schema->punctuated, &s->columns);
    for (unsigned c = schema->ncolumns; c-- > 0;)
        if (schema->columns[c].computed != NULL && colset_has(&s->columns, c))
            expr_columns(schema->columns[c].computed, &s->columns);
    for (unsigned c = 0; c < schema->ncolumns; c++) {
        if (schema->columns[c].computed == NULL || !colset_has(&s->columns, c))
            continue;
        append(&s->computed, &s->ncomputed, c);
        s->machines = mem_resize_array(s->machines, s->ncomputed, sizeof(struct exprvm *));
        s->machines[s->ncomputed - 1] = exprvm_new(schema->columns[c].computed, NULL);
    }
    if (schema->watermark == WATERMARK_PUNCTUATED && schema->punctuated != NULL)
        s->punctuated = exprvm_new(schema->punctuated, NULL);
    predindex_ready(s->conditions, dict);
}

void job_fill_computed(const struct jobdef_stream *s, struct batch *b)
{
    for (unsigned k = 0; k < s->ncomputed; k++) {
        unsigned column = s->computed[k];
        struct batch_column *c = &b->columns[column];
        if (!colset_has(&b->present, column))
            continue;
        for (unsigned i = 0; i < b->n; i++) {
            const struct exprvm_env env = {.current = {.b = b, .i = i}, .scratch = b->arena};
            union cell v = {0};
            bool some = exprvm_eval(s->machines[k], &env, &v);
            if (s->schema->columns[column].type.kind == TYPE_STRING)
                c->s[i] = some ? (struct str){v.s.p, v.s.n, 0} : (struct str){"", 0, 0};
            else
                c->i[i] = some ? v.i : 0;
            if (some)
                continue;
            c->nulls[i / 64] |= UINT64_C(1) << (i % 64);
            c->has_nulls = true;
        }
    }
}

struct job *job_new(const struct schema *const *streams, unsigned nstreams,
                    const struct job_rule *rules, unsigned nrules)
{
    struct job *j = mem_new(sizeof *j);
    j->refs = 1;
    j->nrules = nrules;
    j->rules = mem_array(nrules, sizeof *j->rules);
    j->dict = dict_new();
    for (unsigned i = 0; i < nstreams; i++)
        jobderived_add_stream(j, streams[i]);
    for (unsigned i = 0; i < nrules; i++) {
        const struct rule_plan *p = rules[i].plan;
        jobderived_add_lookups(j, p);
        jobderived_add(j, p->input);
        for (unsigned side = 0; p->shape == RULE_JOIN && side < 2; side++)
            jobderived_add(j, p->join.side[side].schema);
    }
    for (unsigned i = 0; i < nrules; i++)
        add_rule(j, i, &rules[i]);
    jobhandover_add(j);
    jobderived_join(j);
    for (unsigned i = 0; i < nrules; i++)
        mark_all(j, rules[i].plan);
    for (unsigned i = 0; i < j->nstreams; i++)
        predindex_literals(j->streams[i].conditions, j->dict);
    for (unsigned i = 0; i < j->nstreams; i++)
        finish_stream(&j->streams[i], j->dict);
    return j;
}

struct job *job_ref(struct job *j)
{
    j->refs++;
    return j;
}

static void free_stream(struct jobdef_stream *s)
{
    predindex_free(s->conditions);
    exprvm_free(s->punctuated);
    for (unsigned i = 0; i < s->ncomputed; i++)
        exprvm_free(s->machines[i]);
    mem_free(s->machines);
    mem_free(s->computed);
    mem_free(s->filters);
    mem_free(s->keyed);
    mem_free(s->keys);
    mem_free(s->inputs);
    exprvm_free(s->lookup.key);
    mem_free(s->lookup.when);
    mem_free(s->lookups);
    mem_free(s->slices);
}

static void free_key(struct jobdef_key *k)
{
    for (unsigned i = 0; i < k->nconditions; i++)
        mem_free(k->starters[i].slots);
    for (unsigned i = 0; i < k->nhandovers; i++)
        statemap_free(k->handovers[i].map);
    mem_free(k->handovers);
    mem_free(k->starters);
    mem_free(k->conditions);
    mem_free(k->interest);
    mem_free(k->starts);
    mem_free(k->rules);
}

void job_unref(struct job *j)
{
    if (j == NULL || --j->refs > 0)
        return;
    for (unsigned i = 0; i < j->nstreams; i++)
        free_stream(&j->streams[i]);
    for (unsigned i = 0; i < j->nkeys; i++)
        free_key(&j->keys[i]);
    for (unsigned i = 0; i < j->nrules; i++) {
        struct jobdef_rule *r = &j->rules[i];
        output_fini(&r->output);
        match_prog_free(r->match);
        windowprog_free(r->window);
        overprog_free(r->over);
        joinprog_free(r->join);
        cut_fini(&r->side[JOIN_LEFT].cut);
        cut_fini(&r->side[JOIN_RIGHT].cut);
        cut_fini(&r->cut);
        plan_unref(r->pub.plan);
    }
    mem_free(j->schemas);
    mem_free(j->derived);
    mem_free(j->streams);
    mem_free(j->keys);
    mem_free(j->joins);
    mem_free(j->rejoins);
    mem_free(j->rules);
    dict_free(j->dict);
    mem_free(j);
}

/* --- asking --- */

unsigned job_nrules(const struct job *j)
{
    return j->nrules;
}

const struct job_rule *job_rule(const struct job *j, unsigned i)
{
    return &j->rules[i].pub;
}

int job_stream_of(const struct job *j, uint32_t id)
{
    for (unsigned i = 0; i < j->nstreams; i++)
        if (j->streams[i].schema->id == id)
            return (int)i;
    return -1;
}

const struct colset *job_columns(const struct job *j, uint32_t stream)
{
    int i = job_stream_of(j, stream);
    return i < 0 || !j->streams[i].read ? NULL : &j->streams[i].columns;
}

bool job_derived(const struct job *j, unsigned i, enum derived_kind k, uint32_t *stream)
{
    unsigned s = j->rules[i].derived[k];
    if (s == JOBDEF_NONE)
        return false;
    *stream = j->schemas[s]->id;
    return true;
}

const struct schema *job_schema(const struct job *j, uint32_t stream)
{
    int i = job_stream_of(j, stream);
    return i < 0 ? NULL : j->schemas[i];
}

unsigned job_stages(const struct job *j)
{
    return j->stages;
}

uint32_t job_place_stream(const struct job *j, uint32_t stream)
{
    int i = job_stream_of(j, stream);
    return i < 0 ? stream : derived_place_of(j->schemas[i])->id;
}

const struct dict *job_dict(const struct job *j)
{
    return j->dict;
}
