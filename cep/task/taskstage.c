/* SPDX-License-Identifier: Apache-2.0
 *
 * Derived streams: a rule's results, and rows that came too late for it, become rows of batches that other rules read.
 * Such a batch is worked on at once as one that was decoded is: its filters give their results here, its rows go to the
 * owners of their keys. Rules read only what is made at a lower stage, so stage by stage all is worked off.
 *
 * Each worker makes rows and says how far time has come in what it makes: as far as in what the rule reads, but not past
 * a match that it holds back. Rows go out before that is said, so none is behind it, but for updates of what was told. */
#include "base/mem.h"
#include "cep/task/taskdef.h"
#include <string.h>

/* --- batches being filled --- */

static void work_off(struct task *t, size_t birth)
{
    struct task_birth done = t->births[birth];
    t->births[birth] = t->births[--t->nbirths];
    t->step = done.step;
    task_spread(t, &t->job->streams[done.stream], done.b); /* may make rows of higher stages */
    batch_unref(done.b);
}

/* The batch that the next row of that stream and partition goes into. */
static struct batch *batch_for(struct task *t, unsigned stream, uint32_t partition, evtime step)
{
    const struct jobdef_stream *s = &t->job->streams[stream];
    size_t i = 0;
    while (i < t->nbirths &&
           (t->births[i].stream != stream || t->births[i].b->partition != partition))
        i++;
    if (i < t->nbirths && t->births[i].b->n == BATCH_ROWS) {
        work_off(t, i);
        i = t->nbirths;
    }
    if (i == t->nbirths) {
        t->births = mem_grow(t->births, t->nbirths, 1, &t->births_cap, sizeof *t->births);
        t->births[t->nbirths++] =
            (struct task_birth){stream, batch_new(s->schema, &s->columns), step};
        t->births[i].b->partition = partition;
    }
    return t->births[i].b;
}

/* The row is there, but for its time and place. */
static void finish_row(struct batch *b, evtime ts, uint64_t offset, evtime late_w)
{
    unsigned i = b->n++;
    ts = ts < EVTIME_FIRST ? EVTIME_FIRST : ts > EVTIME_LAST ? EVTIME_LAST : ts;
    b->ts[i] = ts;
    b->offset[i] = offset;
    b->columns[b->schema->time_column].i[i] = ts;
    if (late_w == EVTIME_MIN)
        return;
    b->late[i / 64] |= UINT64_C(1) << (i % 64);
    b->late_w[i] = late_w;
    b->has_late = true;
}

/* --- results --- */

static unsigned stream_for(const struct task *t, const struct result *r)
{
    static const enum derived_kind kinds[] = {[RESULT_MATCH] = DERIVED_RESULTS,
                                              [RESULT_UPDATE] = DERIVED_RESULTS,
                                              [RESULT_TIMEOUT] = DERIVED_TIMEOUTS,
                                              [RESULT_ERROR] = DERIVED_ERRORS};
    if (r->kind == RESULT_LATE || r->retracted)
        return JOBDEF_NONE;
    return t->job->rules[r->rule_index].derived[kinds[r->kind]];
}

/* Behind what this worker has said of the stream? */
static evtime late_behind(struct task *t, const struct schema *s, const struct result *r)
{
    if (r->rule->shape == RULE_FILTER || r->late_w != EVTIME_MIN)
        return r->late_w;
    evtime said = task_stream_of(t, s->id)->w[t->o.worker];
    return r->time < said ? said : EVTIME_MIN;
}

static void pass(struct task *t, const struct result *r)
{
    unsigned stream = stream_for(t, r);
    if (stream == JOBDEF_NONE)
        return;
    const struct schema *s = t->job->streams[stream].schema;
    struct place at = derived_place(s->id, r);
    struct batch *b = batch_for(t, stream, at.partition, r->step);
    for (unsigned c = 0; c < s->ncolumns; c++) {
        if (!colset_has(&b->present, c) || (int)c == s->time_column)
            continue;
        struct value reason = {.type = {.kind = TYPE_STRING}, .null = r->reason == NULL};
        if (r->reason != NULL)
            reason.c.s = (struct str){r->reason, (uint32_t)strlen(r->reason), 0};
        batch_put(b, c, b->n, c < r->nvalues ? &r->values[c] : &reason);
    }
    finish_row(b, r->time, at.offset, late_behind(t, s, r));
}

void taskstage_pass(struct task *t)
{
    struct emit *e = &t->emit;
    bool more = true;
    while (more) {
        /* What is found meanwhile may move the arrays. */
        while (t->passed_early < e->nearly) {
            const struct result r = e->early[t->passed_early++];
            pass(t, &r);
        }
        while (t->passed_keyed < e->nkeyed) {
            const struct result r = e->keyed[t->passed_keyed++];
            pass(t, &r);
        }
        more = t->nbirths > 0;
        while (t->nbirths > 0)
            work_off(t, t->nbirths - 1);
    }
}

void taskstage_late(struct task *t, unsigned stream, struct batch *from, unsigned i)
{
    struct batch *b = batch_for(t, stream, from->partition, t->step);
    for (unsigned c = 0; c < from->schema->ncolumns; c++) {
        if (!colset_has(&b->present, c) || (int)c == b->schema->time_column)
            continue;
        struct value v = {.type = b->schema->columns[c].type, .null = true};
        if (colset_has(&from->present, c))
            v = batch_value(from, c, i);
        batch_put(b, c, b->n, &v);
    }
    finish_row(b, from->late_w[i], from->offset[i], EVTIME_MIN);
}

void taskstage_pass_late(void *task, unsigned stream, struct batch *b, unsigned i)
{
    struct task *t = task;
    t->step = b->late_w[i];
    taskstage_late(t, stream, b, i);
}

/* --- time --- */

static evtime come_to(struct task *t, const struct jobdef_stream *s)
{
    evtime w = task_stream_of(t, s->schema->from->id)->least;
    if (s->schema->with != NULL) {
        evtime other = task_stream_of(t, s->schema->with->id)->least;
        w = other < w ? other : w;
    }
    if (s->schema->derived == DERIVED_LOOKUP) {
        evtime asked = tasklookup_held(t, s->schema->id);
        return asked < w ? asked : w;
    }
    if (s->producer == JOBDEF_NONE)
        return w;
    for (unsigned i = 0; i < t->job->nrules; i++) { /* its versions */
        const struct jobdef_rule *r = &t->job->rules[i];
        if (r->pub.uid != t->job->rules[s->producer].pub.uid)
            continue;
        evtime hold = t->holds ? tasklane_hold(t, r) : EVTIME_MAX;
        w = hold < w ? hold : w;
        if (r->match == NULL || s->schema->derived == DERIVED_LATE)
            continue;
        evtime held = match_held(t->keys[r->keydef]->ops[r->slot].match);
        w = held < w ? held : w;
    }
    return w;
}

void taskstage_watermarks(struct task *t, unsigned stage)
{
    for (unsigned i = 0; i < t->job->nderived; i++) {
        const struct jobdef_stream *s = &t->job->streams[t->job->derived[i]];
        if (s->schema->stage != stage || s->from == JOBDEF_NONE)
            continue;
        evtime w = come_to(t, s);
        if (w > task_stream_of(t, s->schema->id)->w[t->o.worker])
            task_raise(t, s->schema->id, t->o.worker, w);
    }
}
