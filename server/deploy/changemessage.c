/* SPDX-License-Identifier: Apache-2.0 */
#include "server/deploy/changemessage.h"
#include "server/deploy/changetable.h"
#include <string.h>

static void put_streams(const struct change_env *env, uint32_t after, struct arena *a,
                        struct control_change *out)
{
    unsigned n = registry_streams(env->registry, NULL, 0);
    const struct schema **schemas = arena_zero(a, n * sizeof(const struct schema *));
    struct control_stream *streams = arena_zero(a, n * sizeof *streams);
    n = registry_streams(env->registry, schemas, n);
    for (unsigned i = 0; i < n; i++)
        if (schemas[i]->id > after)
            streams[out->nstreams++] =
                (struct control_stream){schemas[i]->id, schemas[i]->partitions, schemas[i]->sql};
    out->streams = streams;
}

static void put_forks(const struct change_env *env, struct arena *a, struct control_change *out)
{
    unsigned n = registryfork_all(env->registry, NULL, 0);
    struct registry_fork *all = arena_zero(a, n * sizeof *all);
    struct control_fork *forks = arena_zero(a, n * sizeof *forks);
    out->nforks = registryfork_all(env->registry, all, n);
    for (unsigned i = 0; i < n; i++)
        forks[i] = (struct control_fork){all[i].id, all[i].stream, all[i].lane};
    out->forks = forks;
}

static struct control_rule rule_message(const struct registry_rule *r)
{
    return (struct control_rule){.uid = r->uid,
                                 .version = r->version,
                                 .name = r->name,
                                 .sql = r->sql,
                                 .lists_seq = r->lists_seq,
                                 .stands_for = r->stands_for,
                                 .ncuts = r->ncuts,
                                 .cuts = r->cuts};
}

/* Forks begin at a lane's marks; of rows of before them it has those that waited in the savepoint with which it begins. */
static const struct job_cut *cuts_of_lane(const struct registry_rule *r, struct arena *a)
{
    struct job_cut *cuts = arena_zero(a, r->ncuts * sizeof *cuts);
    memcpy(cuts, r->cuts, r->ncuts * sizeof *cuts);
    cuts[0].nmarks = 0;
    return cuts;
}

/* A rule's versions from `oldest` on, the oldest first. */
static void put_versions(const struct change_env *env, const struct registry_rule *r,
                         uint32_t oldest, struct arena *a, struct control_rule **rules, unsigned *n,
                         size_t *cap)
{
    bool is_lane = registryfork_is_lane(env->registry, r->uid);
    unsigned more = 0;
    for (const struct registry_rule *v = r; v != NULL && v->version >= oldest; v = v->before)
        more++;
    if (*n + more > *cap) {
        struct control_rule *wider = arena_zero(a, 2 * (*n + more) * sizeof *wider);
        if (*n > 0)
            memcpy(wider, *rules, *n * sizeof *wider);
        *rules = wider;
        *cap = 2 * (*n + more);
    }
    *n += more;
    unsigned at = *n;
    for (const struct registry_rule *v = r; v != NULL && v->version >= oldest; v = v->before) {
        (*rules)[--at] = rule_message(v);
        (*rules)[at].oldest = oldest;
        if (is_lane && v->ncuts > 0)
            (*rules)[at].cuts = cuts_of_lane(v, a);
    }
}

void changemessage_changed(const struct change_delta *delta, const struct change_env *env,
                           unsigned worker, uint32_t after_stream, struct arena *a,
                           struct control_change *out)
{
    *out =
        (struct control_change){.nremoved = (unsigned)delta->nremoved, .removed = delta->removed};
    put_streams(env, after_stream, a, out);
    out->ntables = changetable_message(env, a, &out->tables);
    put_forks(env, a, out);
    struct control_rule *rules = NULL;
    size_t cap = 0;
    for (size_t i = 0; i < delta->nput; i++) {
        const struct registry_rule *r = registry_rule(env->registry, delta->put[i]);
        if (r != NULL)
            put_versions(env, r, r->retired, a, &rules, &out->nrules, &cap);
    }
    out->rules = rules;
    struct control_open *all = arena_zero(a, delta->nopened * SCHEMA_PARTITIONS_MAX * sizeof *all);
    for (size_t i = 0; i < delta->nopened; i++) {
        const struct control_open *opens = NULL;
        unsigned n = feed_opens(env->feed, worker, delta->opened[i], a, &opens);
        memcpy(all + out->nopens, opens, n * sizeof *opens);
        out->nopens += n;
    }
    out->opens = all;
}

void changemessage_all(const struct change_env *env, unsigned worker, struct arena *a,
                       struct control_change *out)
{
    *out = (struct control_change){0};
    put_streams(env, 0, a, out);
    out->ntables = changetable_message(env, a, &out->tables);
    put_forks(env, a, out);
    struct control_rule *rules = NULL;
    size_t cap = 0;
    const struct registry_rule *r;
    for (unsigned i = 0; (r = registry_rule_at(env->registry, i)) != NULL; i++) {
        registry_retire(env->registry, r->uid, 0); /* those that had given way may have to again */
        put_versions(env, r, 0, a, &rules, &out->nrules, &cap);
    }
    out->rules = rules;
    out->nopens = feed_opens(env->feed, worker, 0, a, &out->opens);
}
