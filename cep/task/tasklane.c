/* SPDX-License-Identifier: Apache-2.0
 *
 * Who waits for whom where a version takes over from a lane, and what a lane may be. Both sides stop at the time of the
 * handover: the rule's, since rows of after it are to find the lane's state; the lane's, since that state is to be of that
 * time. The moving itself is taskupgrade.c's. */
#include "cep/task/tasklane.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/task/taskdef.h"
#include <string.h>

const char *tasklane_refuses(const struct rule_plan *p)
{
    if (p->shape == RULE_FILTER)
        return "it has no state: each row is decided by itself";
    if (plan_is_derived(p))
        return "it reads what another rule finds";
    if (windowprog_by_arrival(p))
        return "its rows are taken as they come, not in order of time";
    if (windowprog_by_mark(p))
        return "it fires with each rise of the watermark";
    for (unsigned side = 0; p->shape == RULE_JOIN && side < 2; side++)
        if (p->join.side[side].schema->derived != DERIVED_NOT)
            return "it joins rows that are looked up in a table";
    return NULL;
}

/* --- what is being loaded --- */

struct tasklane {
    uint64_t uid; /* the lane's */
    uint32_t version;
    struct taskload_one one;
    unsigned worker, workers, key_groups; /* whose flow is being read */
    bool some; /* one of them has come to its operator */
    evtime nows[TASK_WORKERS_MAX]; /* how far that was */
};

static const struct jobdef_rule *rule_of(const struct task *t, uint64_t uid, uint32_t version)
{
    for (unsigned i = 0; t->job != NULL && i < t->job->nrules; i++) {
        const struct jobdef_rule *r = &t->job->rules[i];
        if (r->pub.uid == uid && r->pub.version == version)
            return r;
    }
    return NULL;
}

static void stop(struct task *t)
{
    struct tasklane *l = t->lane;
    if (l == NULL)
        return;
    t->lane = NULL;
    mem_free(l->one.id);
    keylayouts_fini(&l->one.layouts);
    mem_free(l);
}

static void find(struct task *t)
{
    struct tasklane *l = t->lane;
    const struct jobdef_rule *r = rule_of(t, l->uid, l->version);
    if (r == NULL) {
        stop(t);
        return;
    }
    l->one.op = r->join != NULL ? NULL : &t->keys[r->keydef]->ops[r->slot];
    l->one.snap = r->join != NULL ? &t->joins[r->slot]->snap : &t->keys[r->keydef]->snap;
    if (r->join != NULL)
        t->joins[r->slot]->hold = EVTIME_MIN;
    else
        t->keys[r->keydef]->hold = EVTIME_MIN;
    t->holds = true;
}

static const char *cannot_load(const struct rule_plan *p)
{
    const char *why = tasklane_refuses(p);
    if (why == NULL && p->shape != RULE_JOIN && p->input->derived != DERIVED_NOT)
        why = "it reads rows that are looked up in a table";
    return why;
}

/* --- who waits for whom --- */

static void hold(struct task_key *k, evtime at)
{
    k->hold = at < k->hold ? at : k->hold;
}

void tasklane_bind(struct task *t)
{
    t->holds = t->job != NULL && t->job->nrejoins > 0;
    for (unsigned i = 0; i < t->nkeys; i++)
        t->keys[i]->hold = EVTIME_MAX;
    for (unsigned i = 0; i < t->njoins; i++)
        t->joins[i]->hold = EVTIME_MAX;
    for (unsigned i = 0; i < t->nkeys; i++) {
        struct task_key *k = t->keys[i];
        for (unsigned n = 0; n < k->def->nhandovers; n++) {
            const struct jobdef_handover *h = &k->def->handovers[n];
            if (!h->lane || k->ops[h->to].took)
                continue;
            hold(t->keys[h->of], h->at);
            if (taskupgrade_waits(k, h))
                hold(k, h->at);
            t->holds = true;
        }
    }
    if (t->lane != NULL)
        find(t);
}

bool tasklane_meet(struct task *t, unsigned stage)
{
    bool any = false;
    for (unsigned i = 0; i < t->nkeys; i++)
        if (t->keys[i]->def->stage == stage)
            any = taskupgrade_from_lane(t->keys[i]) || any;
    if (any)
        tasklane_bind(t);
    return any;
}

evtime tasklane_hold(const struct task *t, const struct jobdef_rule *r)
{
    if (r->join != NULL)
        return taskrejoin_hold(t, r->slot);
    bool keyed = r->match != NULL || r->over != NULL ||
                 (r->window != NULL && r->pub.plan->shape == RULE_WINDOW);
    return keyed ? t->keys[r->keydef]->hold : EVTIME_MAX;
}

evtime tasklane_least(const struct task *t, uint32_t stream)
{
    evtime least = EVTIME_MAX;
    for (unsigned i = 0; i < t->nkeys; i++)
        if (t->keys[i]->stream == stream && t->keys[i]->hold < least)
            least = t->keys[i]->hold;
    return least;
}

/* --- loading --- */

enum err tasklane_begin(struct task *t, const struct tasklane_load *what, struct diag *d)
{
    const struct jobdef_rule *r = rule_of(t, what->uid, what->version);
    CHECK(t->lane == NULL);
    if (r == NULL)
        return ERR_NOT_FOUND;
    const struct rule_plan *p = r->pub.plan;
    const char *why = cannot_load(p);
    if (why != NULL) {
        diag_say(d, "lane", NULL, "the state of %s cannot be loaded: %s", p->name, why);
        return ERR_UNSUPPORTED;
    }
    if (strcmp(p->sql, what->sql) != 0) {
        diag_say(d, "lane", "run the snapshot's text first, then upgrade it",
                 "%s has another text than in the snapshot", p->name);
        return ERR_INVALID;
    }
    struct tasklane *l = t->lane = mem_new(sizeof *l);
    l->uid = what->uid;
    l->version = what->version;
    l->one.uid = what->saved.uid;
    l->one.text = tasksnap_text_of(what->sql, &what->saved);
    const struct schema *s = p->input->copy_of != NULL ? p->input->copy_of : p->input;
    l->one.id = r->join != NULL ? tasksnap_join_id(l->one.uid, l->one.text)
                                : tasksnap_key_id(t->keys[r->keydef], s->name);
    for (unsigned i = 0; i < TASK_WORKERS_MAX; i++)
        l->nows[i] = EVTIME_MIN;
    tasklane_bind(t);
    return ERR_OK;
}

static enum err damaged(struct diag *d, const char *what)
{
    diag_say(d, "damaged", "take another snapshot", "%s of a snapshot cannot be read", what);
    return ERR_CORRUPT;
}

static enum err take_head(struct tasklane *l, struct bytes_reader *in, struct diag *d)
{
    uint8_t version = bytes_get_u8(in);
    if (!in->bad && version != TASKSNAP_VERSION) {
        diag_say(d, "version", "start the release that wrote it", "the flow has format %u",
                 version);
        return ERR_VERSION;
    }
    l->worker = bytes_get_u32(in);
    l->workers = bytes_get_u32(in);
    l->key_groups = bytes_get_u32(in);
    bool good = !in->bad && l->worker < l->workers && l->workers <= TASK_WORKERS_MAX &&
                l->key_groups >= l->workers;
    if (!good)
        l->workers = 0;
    return good ? ERR_OK : ERR_CORRUPT;
}

static enum err take_op(struct tasklane *l, struct bytes_reader *in)
{
    size_t n = 0;
    const char *id = bytes_get_str(in, &n);
    if (in->bad || l->workers == 0)
        return ERR_CORRUPT;
    if (strlen(l->one.id) != n || memcmp(l->one.id, id, n) != 0)
        return ERR_OK;
    struct bytes_reader now = *in;
    l->nows[l->worker] = (evtime)bytes_get_u64(&now);
    enum err e = taskload_one_op(&l->one, !l->some, in);
    l->some = true;
    return e;
}

static enum err take_part(const struct tasklane *l, struct bytes_reader *in, struct diag *d)
{
    uint64_t text = bytes_get_u64(in);
    if (in->bad || text != l->one.text)
        return in->bad ? ERR_CORRUPT : ERR_OK;
    diag_say(d, "lane", "take another snapshot",
             "it was taken while sums of rows were on their way between workers");
    return ERR_UNSUPPORTED;
}

enum err tasklane_flow(struct task *t, const void *p, size_t n, struct diag *d)
{
    struct tasklane *l = t->lane;
    struct bytes_reader in = bytes_read(p, n);
    uint8_t kind = bytes_get_u8(&in);
    enum err e = ERR_CORRUPT;
    if (l == NULL)
        return ERR_NOT_FOUND;
    if (in.bad)
        return damaged(d, "an empty record");
    switch (kind) {
    case TASKSNAP_HEAD:
        e = take_head(l, &in, d);
        break;
    case TASKSNAP_LAYOUT:
        e = keylayouts_load(&l->one.layouts, in.p, n - 1);
        break;
    case TASKSNAP_STREAM: /* forks are opened where the snapshot's streams were */
    case TASKSNAP_SOURCE:
        e = ERR_OK;
        break;
    case TASKSNAP_OP:
        e = take_op(l, &in);
        break;
    case TASKSNAP_ROWS:
        e = taskflowload_rows(t, &l->one, &in);
        break;
    case TASKSNAP_PART:
        e = take_part(l, &in, d);
        break;
    default:
        break;
    }
    return e == ERR_CORRUPT ? damaged(d, "a record") : e;
}

enum err tasklane_entry(struct task *t, const char *op, unsigned key_group, const void *key,
                        size_t key_n, const void *value, size_t value_n, struct diag *d)
{
    const struct tasklane *l = t->lane;
    if (l == NULL)
        return ERR_NOT_FOUND;
    if (strcmp(op, l->one.id) != 0)
        return ERR_OK;
    evtime now = EVTIME_MIN;
    if (l->workers > 0 && key_group < l->key_groups)
        now = l->nows[(uint64_t)key_group * l->workers / l->key_groups];
    return taskload_one_entry(t, &l->one, now, key, key_n, value, value_n, d);
}

void tasklane_done(struct task *t)
{
    struct tasklane *l = t->lane;
    if (l == NULL)
        return;
    if (l->one.op != NULL) {
        taskload_settle_op(l->one.op);
        l->one.snap->key->next_fire = l->one.snap->key->next_step = EVTIME_MIN;
    } else {
        joinsave_loaded(l->one.snap->join->op);
    }
    stop(t);
    tasklane_bind(t);
}

bool tasklane_is_loading(const struct task *t)
{
    return t->lane != NULL;
}

const char *tasklane_operator(const struct task *t)
{
    return t->lane == NULL ? NULL : t->lane->one.id;
}

void tasklane_fini(struct task *t)
{
    stop(t);
}
