/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backtest/backtestsave.h"
#include "cep/task/task.h"
#include "server/checkpoint/saveload.h"

struct loading {
    struct task *task;
    struct diag *d;
};

enum err backtestsave_open(const struct backtestplan *plan, struct diag *d,
                           struct backtestsave *out)
{
    *out = (struct backtestsave){.folder = plan->savepoint};
    if (plan->savepoint == NULL)
        return ERR_OK;
    enum err e = savemeta_read(plan->savepoint, d, &out->meta);
    if (e == ERR_OK)
        e = savemeta_verify(out->meta, plan->savepoint, d);
    if (e == ERR_OK && backtestsave_rule(out, plan->uid) == NULL) {
        diag_say(d, "savepoint", "choose one that was made while it ran",
                 "the savepoint knows nothing of rule %s", plan->name);
        e = ERR_INVALID;
    }
    return e;
}

void backtestsave_close(struct backtestsave *s)
{
    savemeta_free(s->meta);
    s->meta = NULL;
}

const struct checkmeta_rule *backtestsave_rule(const struct backtestsave *s, uint64_t uid)
{
    const struct checkmeta_rule *found = NULL;
    for (size_t i = 0; i < s->meta->check->nrules; i++) {
        const struct checkmeta_rule *r = &s->meta->check->rules[i];
        if (r->uid == uid && (found == NULL || r->version > found->version))
            found = r;
    }
    return found;
}

enum err backtestsave_time(const struct backtestsave *s, const struct schema *stream,
                           struct diag *d, evtime *w)
{
    const struct checkmeta *m = s->meta->check;
    evtime most = EVTIME_MIN;
    bool known = stream->watermark == WATERMARK_BOUNDED;
    for (size_t i = 0; i < m->npositions; i++) {
        const struct control_position *at = &m->positions[i].at;
        if (at->stream != stream->id || at->w == EVTIME_MIN)
            continue;
        known = known && at->w < EVTIME_LAST;
        if (known && at->w + stream->delay_ms + 1 > most)
            most = at->w + stream->delay_ms + 1;
    }
    if (!known) {
        diag_say(d, "savepoint", NULL,
                 "stream %s has no time at the savepoint from which another text could go on",
                 stream->name);
        return ERR_INVALID;
    }
    *w = most;
    return ERR_OK;
}

bool backtestsave_position(const struct backtestsave *s, uint32_t stream, uint32_t partition,
                           uint64_t *offset, evtime *w)
{
    const struct checkmeta *m = s->meta->check;
    for (size_t i = 0; i < m->npositions; i++) {
        const struct control_position *at = &m->positions[i].at;
        if (at->stream == stream && at->partition == partition) {
            *offset = at->offset;
            *w = at->w;
            return true;
        }
    }
    return false;
}

static enum err take_record(void *ctx, const void *p, size_t n)
{
    struct loading *l = ctx;
    return taskload_flow(l->task, p, n, l->d);
}

static enum err take_entry(void *ctx, const char *op, unsigned group,
                           const struct snapfile_entry *e)
{
    struct loading *l = ctx;
    return taskload_entry(l->task, op, group, e->key, e->key_n, e->value, e->value_n, l->d);
}

enum err backtestsave_load(void *backtestsave, struct task *t, struct diag *d)
{
    const struct backtestsave *s = backtestsave;
    struct loading l = {t, d};
    enum err e = saveload(s->meta, s->folder, take_record, take_entry, &l, d);
    if (e == ERR_OK)
        taskload_done(t);
    return e;
}
