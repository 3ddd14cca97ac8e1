/* SPDX-License-Identifier: Apache-2.0
 *
 * The streams of a job that are made of others: what rules find, side outputs, looked-up rows; who makes their rows, and
 * what must be decoded for them. */
#include "base/mem.h"
#include "cep/jobdef.h"
#include "cep/table.h"

static void append(unsigned **list, unsigned *n, unsigned v)
{
    *list = mem_resize_array(*list, *n + 1, sizeof **list);
    (*list)[(*n)++] = v;
}

void jobderived_add_stream(struct job *j, const struct schema *s)
{
    j->streams = mem_resize_array(j->streams, j->nstreams + 1, sizeof *j->streams);
    j->schemas = mem_resize_array(j->schemas, j->nstreams + 1, sizeof(struct schema *));
    j->schemas[j->nstreams] = s;
    j->streams[j->nstreams++] = (struct jobdef_stream){.schema = s,
                                                       .conditions = predindex_new(s),
                                                       .late = JOBDEF_NONE,
                                                       .producer = JOBDEF_NONE,
                                                       .from = JOBDEF_NONE};
}

void jobderived_add(struct job *j, const struct schema *s)
{
    if (job_stream_of(j, s->id) >= 0)
        return;
    jobderived_add_stream(j, s);
    if (s->derived == DERIVED_NOT)
        return; /* ERRORS of a stream: it is not among those that the caller has */
    append(&j->derived, &j->nderived, j->nstreams - 1);
    for (unsigned i = j->nderived - 1; i > 0; i--) {
        unsigned *a = &j->derived[i - 1], *b = &j->derived[i], t = *a;
        if (j->schemas[*a]->stage <= j->schemas[*b]->stage)
            break;
        *a = *b;
        *b = t;
    }
    j->stages = s->stage > j->stages ? s->stage : j->stages;
}

void jobderived_add_lookups(struct job *j, const struct rule_plan *p)
{
    for (unsigned i = 0; i < p->nlookups; i++) {
        jobderived_add(j, p->lookups[i].rows->from);
        jobderived_add(j, p->lookups[i].rows);
    }
}

static void join_to_rule(struct job *j, unsigned stream)
{
    struct jobdef_stream *s = &j->streams[stream];
    for (unsigned i = 0; i < j->nrules; i++) {
        struct jobdef_rule *r = &j->rules[i];
        if (r->pub.uid != derived_uid(s->schema->id))
            continue;
        s->producer = i;
        s->from = r->stream;
        r->derived[s->schema->derived] = stream;
        r->keyed.read = true;
        if (s->schema->derived == DERIVED_LATE)
            r->keyed.late = stream;
    }
}

/* A row of LATE is one of the input, one that was looked up holds one: what is read of it must be decoded there. */
static void read_below(struct job *j, const struct jobdef_stream *s, const struct colset *columns,
                       int but)
{
    struct jobdef_stream *from = &j->streams[s->from];
    const struct schema *schema = from->schema;
    for (unsigned c = 0; c < schema->ncolumns; c++) {
        if (!colset_has(columns, c) || (int)c == but)
            continue;
        colset_add(&from->columns, c);
        if (schema->columns[c].computed != NULL)
            expr_columns(schema->columns[c].computed, &from->columns);
    }
}

/* What rules say of the rows that they want looked up, to the stream below; all that say the same have the same key. */
static void join_lookup(struct job *j, unsigned stream, const struct plan_lookup *l)
{
    struct jobdef_stream *s = &j->streams[stream];
    struct jobdef_stream *from = &j->streams[s->from];
    struct jobdef_lookup *to = &s->lookup;
    if (to->key == NULL)
        to->key = exprvm_new(l->key, NULL);
    expr_columns(l->key, &to->needs);
    append(&to->when, &to->nwhen, predindex_add(from->conditions, l->when, NULL));
    if (l->when != NULL)
        expr_columns(l->when, &to->needs);
}

static void join_lookups(struct job *j)
{
    for (unsigned i = 0; i < j->nderived; i++) {
        struct jobdef_stream *s = &j->streams[j->derived[i]];
        int from =
            s->schema->derived == DERIVED_LOOKUP ? job_stream_of(j, s->schema->from->id) : -1;
        if (from < 0)
            continue;
        s->from = (unsigned)from;
        append(&j->streams[from].lookups, &j->streams[from].nlookups, j->derived[i]);
    }
    for (unsigned r = 0; r < j->nrules; r++) {
        const struct rule_plan *p = j->rules[r].pub.plan;
        for (unsigned i = 0; i < p->nlookups; i++)
            join_lookup(j, (unsigned)job_stream_of(j, p->lookups[i].rows->id), &p->lookups[i]);
    }
}

static void read_lookup_columns(struct job *j, struct jobdef_stream *s)
{
    if (s->schema->time_column >= 0)
        colset_add(&s->columns, (unsigned)s->schema->time_column);
    colset_add(&s->columns, s->schema->from->ncolumns + s->schema->table->key);
    s->read = true;
    j->streams[s->from].read = true;
    read_below(j, s, &s->columns, -1);
    read_below(j, s, &s->lookup.needs, -1);
}

/* Who makes the rows of each, once all rules are there. */
void jobderived_join(struct job *j)
{
    join_lookups(j);
    for (unsigned i = 0; i < j->nderived; i++) {
        struct jobdef_stream *s = &j->streams[j->derived[i]];
        int from;
        bool lookup = s->schema->derived == DERIVED_LOOKUP;
        if (!lookup && s->schema->derived != DERIVED_STREAM_LATE) {
            join_to_rule(j, j->derived[i]);
        } else if (!lookup && (from = job_stream_of(j, s->schema->from->id)) >= 0) {
            s->from = (unsigned)from;
            j->streams[from].late = j->derived[i];
            j->streams[from].read = true;
        }
        if (s->from == JOBDEF_NONE)
            continue;
        const struct jobdef_stream *up = &j->streams[s->from];
        bool filter = s->schema->derived == DERIVED_RESULTS && s->producer != JOBDEF_NONE &&
                      j->rules[s->producer].pub.plan->shape == RULE_FILTER;
        bool late = s->schema->derived == DERIVED_LATE || s->schema->derived == DERIVED_STREAM_LATE;
        s->early = (filter || late || lookup) && (up->schema->derived == DERIVED_NOT || up->early);
    }
    for (unsigned i = j->nderived; i-- > 0;) { /* columns: from the highest stage down */
        struct jobdef_stream *s = &j->streams[j->derived[i]];
        enum derived_kind k = s->schema->derived;
        if (s->from != JOBDEF_NONE && (k == DERIVED_LATE || k == DERIVED_STREAM_LATE))
            read_below(j, s, &s->columns, s->schema->time_column);
        if (s->from != JOBDEF_NONE && k == DERIVED_LOOKUP)
            read_lookup_columns(j, s);
    }
}
