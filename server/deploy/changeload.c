/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "change"
#include "server/deploy/changeload.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/deploy/changelist.h"
#include "server/deploy/changesink.h"
#include "server/deploy/changetable.h"
#include "server/deploy/lanes.h"
#include "server/deploy/registrylist.h"
#include <string.h>

struct loading {
    const struct change_env *env;
    struct diag *d;
    enum err e;
};

/* Files that are not there just now keep nothing else from starting: their worker says so when it opens them. */
static unsigned count_files_if_there(const struct change_env *env, const struct catalog_text *s)
{
    struct diag d;
    unsigned partitions = 0;
    diag_init(&d, NULL, 0);
    enum err e = change_count_files(env, s->sql, &d, &partitions);
    if (e != ERR_OK) {
        char *text = diag_text(&d);
        LOG_WARN("files of a stream", "stream=%s reason=\"%s\"", s->name, text);
        mem_free(text);
        partitions = 0;
    }
    diag_fini(&d);
    return partitions;
}

static void load_stream(void *ctx, const struct catalog_text *s)
{
    struct loading *l = ctx;
    if (l->e == ERR_OK)
        l->e = registry_add_stream(l->env->registry, s->uid, count_files_if_there(l->env, s),
                                   s->sql, strlen(s->sql), l->d);
}

static void load_list(void *ctx, const struct catalog_list *k)
{
    struct loading *l = ctx;
    if (l->e == ERR_OK)
        l->e = registrylist_put(l->env->registry, k->uid, k->sql, strlen(k->sql), l->d);
    if (l->e == ERR_OK)
        l->e = changelist_load(l->env, registrylist_by_uid(l->env->registry, k->uid));
}

struct text {
    char *sql;
    uint64_t lists_seq;
};

static void take_text(void *ctx, const struct catalog_version *v)
{
    struct text *t = ctx;
    t->sql = mem_str(v->sql);
    t->lists_seq = v->lists_seq;
}

static void cut_of(const struct catalog_cut *c, struct job_cut *out)
{
    struct job_mark *marks = mem_array(c->nmarks, sizeof *marks);
    for (unsigned m = 0; m < c->nmarks; m++)
        marks[m] = (struct job_mark){c->marks[m].partition, c->marks[m].offset, c->marks[m].w,
                                     c->marks[m].stream};
    *out = (struct job_cut){.deployed = c->deployed != 0,
                            .mode = (enum rule_mode)c->mode,
                            .w = c->w,
                            .nmarks = c->nmarks,
                            .marks = marks,
                            .handover = (enum job_handover)c->handover,
                            .from = c->from};
}

/* Cuts [from, to) of the catalogue's are those of one version. */
static void load_version(struct loading *l, const struct catalog_rule *r, unsigned from,
                         unsigned to)
{
    uint32_t version = r->cuts[from].version > 0 ? r->cuts[from].version : r->version;
    struct text text = {0};
    if (version == r->version)
        text = (struct text){mem_str(r->sql), r->lists_seq};
    else
        l->e = catalog_versions_get(l->env->catalog, r->uid, version, take_text, &text);
    struct job_cut *cuts = mem_array(to - from, sizeof *cuts);
    for (unsigned i = from; i < to; i++)
        cut_of(&r->cuts[i], &cuts[i - from]);
    struct control_rule rule = {.uid = r->uid,
                                .version = version,
                                .name = r->name,
                                .sql = text.sql,
                                .lists_seq = text.lists_seq,
                                .stands_for = r->stands_for,
                                .ncuts = to - from,
                                .cuts = cuts};
    if (l->e == ERR_OK)
        l->e = registry_put_rule(l->env->registry, &rule, NULL, l->d);
    for (unsigned i = 0; i < to - from; i++)
        registry_cut_fini(&cuts[i]);
    mem_free(cuts);
    mem_free(text.sql);
}

static void load_rule(void *ctx, const struct catalog_rule *r)
{
    struct loading *l = ctx;
    /* A rule that was ended without a handover, and deployed again, begins there. */
    unsigned from = 0;
    for (unsigned i = 0; i < r->ncuts; i++)
        if (!r->cuts[i].deployed && r->cuts[i].handover == JOB_HANDOVER_NONE)
            from = i + 1;
    for (unsigned to = from; to < r->ncuts && l->e == ERR_OK; to++)
        if (to + 1 == r->ncuts || !r->cuts[to].deployed) {
            load_version(l, r, from, to + 1);
            from = to + 1;
        }
}

static enum err load_names(struct loading *l)
{
    enum err e = catalog_texts(l->env->catalog, CATALOG_STREAM, load_stream, l);
    if (e == ERR_OK && l->e == ERR_OK)
        e = changetable_load(l->env, l->d);
    if (e == ERR_OK && l->e == ERR_OK)
        e = catalog_lists(l->env->catalog, load_list, l);
    return e;
}

static enum err say(struct loading *l, enum err e)
{
    if (e != ERR_OK)
        diag_say(l->d, "catalogue", NULL, "the catalogue cannot be read: %s", err_text(e));
    return e != ERR_OK ? e : l->e;
}

enum err changeload_names(const struct change_env *env, struct diag *d)
{
    struct loading l = {env, d, ERR_OK};
    return say(&l, load_names(&l));
}

static void load_trial(void *ctx, const struct catalog_trial *t)
{
    trials_put(((const struct loading *)ctx)->env->trials, t);
}

static void add_hour(void *ctx, evtime hour, const struct catalog_trial_sums *s)
{
    struct catalog_trial_sums *sums = ctx;
    (void)hour;
    sums->only_old += s->only_old;
    sums->both += s->both;
    sums->only_new += s->only_new;
    sums->told_old += s->told_old;
    sums->told_new += s->told_new;
}

static enum err load_trials(struct loading *l)
{
    struct trials *t = l->env->trials;
    enum err e = catalog_trials(l->env->catalog, 0, load_trial, l);
    unsigned n = trials_list(t, NULL, 0);
    struct trials_one *all = mem_array(n + 1, sizeof *all);
    n = trials_list(t, all, n);
    for (unsigned i = 0; e == ERR_OK && i < n; i++) {
        struct catalog_trial_sums sums = {0};
        e = catalog_trialsfound_hours(l->env->catalog, all[i].uid, add_hour, &sums);
        trials_sums(t, all[i].uid, &sums);
    }
    mem_free(all);
    return e;
}

/* The oldest version that the catalogue has cuts of, since the rule was deployed last. */
static uint32_t oldest_version(const struct catalog_rule *r)
{
    unsigned from = 0;
    for (unsigned i = 0; i < r->ncuts; i++)
        if (!r->cuts[i].deployed && r->cuts[i].handover == JOB_HANDOVER_NONE)
            from = i + 1;
    return from < r->ncuts && r->cuts[from].version > 0 ? r->cuts[from].version : r->version;
}

static void load_forgotten(void *ctx, const struct catalog_rule *r)
{
    struct loading *l = ctx;
    const struct registry_rule *v = registry_rule(l->env->registry, r->uid);
    while (v != NULL && v->before != NULL)
        v = v->before;
    if (v != NULL && v->version != oldest_version(r))
        load_rule(ctx, r);
}

enum err changeload_versions(const struct change_env *env, struct diag *d)
{
    struct loading l = {env, d, ERR_OK};
    enum err e = catalog_rules(env->catalog, 0, load_forgotten, &l);
    return say(&l, e);
}

enum err changeload(const struct change_env *env, struct diag *d)
{
    struct loading l = {env, d, ERR_OK};
    enum err e = load_names(&l);
    if (e == ERR_OK && l.e == ERR_OK)
        e = changesink_load(env, d);
    if (e == ERR_OK && l.e == ERR_OK)
        e = lanes_load_forks(env, d);
    if (e == ERR_OK && l.e == ERR_OK)
        e = catalog_rules(env->catalog, 0, load_rule, &l);
    if (e == ERR_OK && l.e == ERR_OK)
        e = lanes_load(env->lanes, env);
    if (e == ERR_OK && l.e == ERR_OK)
        e = load_trials(&l);
    if (e == ERR_OK && l.e == ERR_OK)
        e = changelist_fold(env);
    changesink_offer(env);
    return say(&l, e);
}
