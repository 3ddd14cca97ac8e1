/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "restore"
#include "server/checkpoint/restore.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/deploy/changelane.h"
#include "server/deploy/changeload.h"
#include "server/http/jsonw.h"
#include "server/run/runtimeloop.h"
#include "state/intakelogtrim.h"
#include <inttypes.h>
#include <string.h>

/* --- does it fit? -------------------------------------------------------------------------------------------------- */

struct planning {
    const struct restore_ask *ask;
    const struct change_env *env;
    struct intakelog *log;
    struct diag *d;
    struct bytes *out;
    uint64_t to_read, missing;
};

static void plan_rules(struct planning *p)
{
    static const char *const names[] = {"kept", "upgraded", "new", "unusable"};
    const struct registry_rule *of;
    jsonw_key(p->out, "rules");
    jsonw_open(p->out, '[');
    for (unsigned i = 0; (of = registry_rule_at(p->env->registry, i)) != NULL; i++) {
        uint32_t from = 0;
        const char *stream = NULL;
        enum checkmeta_fate fate = checkmeta_fate(p->ask->meta->check, of, &from, &stream);
        if (changelane_is_name(of->name) && fate != CHECKMETA_UNUSABLE)
            continue;
        jsonw_open(p->out, '{');
        jsonw_kstr(p->out, "name", of->name);
        jsonw_ku64(p->out, "version", of->version);
        jsonw_ku64(p->out, "from", from);
        jsonw_kstr(p->out, "state", names[fate]);
        jsonw_close(p->out, '}');
        if (fate == CHECKMETA_UNUSABLE)
            diag_say(p->d, "rule", "delete the rule, or take a savepoint that has it",
                     "rule %s, which the savepoint does not have, reads stream %s from before it",
                     of->name, stream);
    }
    jsonw_close(p->out, ']');
}

static void plan_unclaimed(struct planning *p)
{
    const struct checkmeta *m = p->ask->meta->check;
    jsonw_key(p->out, "not_restored");
    jsonw_open(p->out, '[');
    for (size_t i = 0; i < m->nrules; i++) {
        /* What was made for an operation is made again, if there is still need of it. */
        if (checkmeta_is_claimed(m, i, p->env->registry) || changelane_is_name(m->rules[i].name))
            continue;
        jsonw_open(p->out, '{');
        jsonw_kstr(p->out, "name", m->rules[i].name);
        jsonw_ku64(p->out, "version", m->rules[i].version);
        jsonw_close(p->out, '}');
        if (!p->ask->allow_non_restored)
            diag_say(
                p->d, "non-restored",
                "allow_non_restored_state leaves it behind; a deleted rule can be made again",
                "the savepoint has state of rule %s, version %u, which no rule here goes on with",
                m->rules[i].name, m->rules[i].version);
    }
    jsonw_close(p->out, ']');
}

static void plan_position(struct planning *p, const struct checkmeta_position *at)
{
    const struct schema *s = registry_stream_by_id(p->env->registry, at->at.stream);
    if (s == NULL || s->copy_of != NULL || strcmp(s->connector, "file") == 0)
        return;
    uint64_t end = intakelog_end(p->log, s->id, at->at.partition);
    uint64_t first = intakelogtrim_first(p->log, s->id, at->at.partition);
    if (at->at.offset > end) {
        diag_say(p->d, "log", "is it of another server? Begin with it in an empty data folder",
                 "the savepoint has read stream %s, partition %u, up to %" PRIu64
                 "; the log here ends at %" PRIu64,
                 s->name, at->at.partition, at->at.offset, end);
        return;
    }
    uint64_t gone = first > at->at.offset ? first - at->at.offset : 0;
    p->to_read += end - at->at.offset - gone;
    p->missing += gone;
    if (gone > 0 && !p->ask->allow_missing_events)
        diag_say(p->d, "missing-events", "allow_missing_events goes on without them",
                 "%" PRIu64 " events of stream %s, partition %u, that came after the savepoint are "
                 "deleted from the log",
                 gone, s->name, at->at.partition);
}

/* A number means one stream here and there, or the states are of something else. */
static void plan_stream(struct planning *p, const struct checkmeta_position *at)
{
    const struct schema *s = registry_stream_by_id(p->env->registry, at->at.stream);
    if (s != NULL && strcmp(s->name, at->stream) != 0)
        diag_say(p->d, "stream", "is it of another server? Begin with it in an empty data folder",
                 "stream %s of the savepoint has the number of stream %s here", at->stream,
                 s->name);
}

enum err restore_plan(const struct restore_ask *ask, const struct change_env *env,
                      struct intakelog *log, struct diag *d)
{
    struct bytes own = {0};
    struct planning p = {ask, env, log, d, ask->report != NULL ? ask->report : &own, 0, 0};
    const struct checkmeta *m = ask->meta->check;
    jsonw_open(p.out, '{');
    jsonw_kstr(p.out, "savepoint", ask->meta->name);
    jsonw_kbool(p.out, "dry_run", ask->dry_run);
    for (size_t i = 0; i < m->npositions; i++) {
        plan_stream(&p, &m->positions[i]);
        plan_position(&p, &m->positions[i]);
    }
    plan_rules(&p);
    plan_unclaimed(&p);
    jsonw_ku64(p.out, "events_to_read", p.to_read);
    jsonw_ku64(p.out, "events_missing", p.missing);
    jsonw_kbool(p.out, "possible", d->errors == 0);
    jsonw_key(p.out, "problems");
    jsonw_open(p.out, '[');
    for (int i = 0; i < d->n; i++)
        jsonw_str(p.out, d->items[i].message);
    jsonw_close(p.out, ']');
    jsonw_close(p.out, '}');
    bytes_fini(&own);
    return d->errors == 0 ? ERR_OK : ERR_INVALID;
}

enum err restore_seed(const struct savemeta *m, const struct change_env *env, struct intakelog *log,
                      struct diag *d)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < m->check->npositions && e == ERR_OK; i++) {
        const struct control_position *at = &m->check->positions[i].at;
        const struct schema *s = registry_stream_by_id(env->registry, at->stream);
        bool log_is_read = s != NULL && s->copy_of == NULL && strcmp(s->connector, "file") != 0;
        if (!log_is_read || intakelog_end(log, at->stream, at->partition) > 0 ||
            (at->offset == 0 && at->w == EVTIME_MIN))
            continue;
        e = intakelog_seed(log, at->stream, at->partition, at->offset, at->w);
        e = e == ERR_CONFLICT ? ERR_OK : e; /* its input has ended before there was anything */
        if (e != ERR_OK)
            diag_say(d, "log", NULL, "the log of stream %s cannot be written: %s", s->name,
                     err_text(e));
    }
    return e;
}

/* --- a running server ------------------------------------------------------------------------------------------------ */

enum err restore_want(struct runtimeloop *l, const struct restore_ask *ask)
{
    pthread_mutex_lock(&l->lock);
    bool busy = l->restore.phase != RESTORE_NONE; /* or it is closed */
    if (!busy)
        l->restore = (struct restore){RESTORE_ASKED, *ask, 0};
    pthread_mutex_unlock(&l->lock);
    if (!busy)
        runtimeloop_wake(l);
    return busy ? ERR_CONFLICT : ERR_OK;
}

static enum restore_phase phase_of(struct runtimeloop *l)
{
    pthread_mutex_lock(&l->lock);
    enum restore_phase phase = l->restore.phase;
    pthread_mutex_unlock(&l->lock);
    return phase;
}

static void move(struct runtimeloop *l, enum restore_phase to)
{
    pthread_mutex_lock(&l->lock);
    l->restore.phase = to;
    pthread_mutex_unlock(&l->lock);
}

static void answer(struct runtimeloop *l, enum err e, const struct diag *d)
{
    struct restore_ask ask = l->restore.ask;
    move(l, RESTORE_NONE);
    ask.done(ask.ctx, e, d);
}

static void carry_out(struct runtimeloop *l)
{
    struct restore *r = &l->restore;
    struct diag d;
    diag_init(&d, NULL, 0);
    /* Versions that no checkpoint needed any more may be needed again. */
    enum err e = changeload_versions(&l->env, &d);
    if (e == ERR_OK)
        e = restore_plan(&r->ask, &l->env, l->env.log, &d);
    if (e == ERR_OK && !r->ask.dry_run)
        e = checkpointer_adopt(l->checkpointer, r->ask.meta, r->ask.folder, &d, &r->id);
    if (e == ERR_OK && !r->ask.dry_run)
        checkpointer_insist(l->checkpointer, 0); /* if it cannot be read, that of before will do */
    if (e != ERR_OK || r->ask.dry_run)
        answer(l, e, &d);
    else
        move(l, RESTORE_READY);
    diag_fini(&d);
}

bool restore_turn(struct runtimeloop *l)
{
    enum restore_phase phase = phase_of(l);
    bool quiet = (l->phase == PHASE_DOWN || l->phase == PHASE_RUNNING) && l->change == NULL &&
                 !l->start_again && checkpointer_is_idle(l->checkpointer);
    if (phase == RESTORE_ASKED && quiet)
        carry_out(l);
    if (phase_of(l) != RESTORE_READY)
        return false;
    move(l, RESTORE_STARTED);
    return l->phase != PHASE_DOWN;
}

void restore_running(struct runtimeloop *l)
{
    struct runtime_checkpoint_counts counts;
    struct diag d;
    if (phase_of(l) != RESTORE_STARTED)
        return;
    diag_init(&d, NULL, 0);
    checkpointer_counts(l->checkpointer, &counts);
    if (counts.restored == l->restore.id) {
        answer(l, ERR_OK, &d);
    } else {
        diag_say(&d, "unusable", "the log says why",
                 "the workers could not read it, and went on from checkpoint %" PRIu64,
                 counts.restored);
        answer(l, ERR_INVALID, &d);
    }
    diag_fini(&d);
}

void restore_refuse(struct runtimeloop *l)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    diag_say(&d, "closed", NULL, "the server ends");
    if (phase_of(l) != RESTORE_NONE)
        answer(l, ERR_CLOSED, &d);
    move(l, RESTORE_CLOSED);
    diag_fini(&d);
}
