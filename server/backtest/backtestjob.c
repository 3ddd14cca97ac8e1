/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backtest/backtestjob.h"
#include "base/mem.h"
#include "server/backtest/backtestparam.h"
#include "server/deploy/changelist.h"
#include "server/deploy/changeload.h"
#include "server/deploy/registrylist.h"
#include "server/worker/workerlist.h"
#include "state/catalog.h"
#include <string.h>
#include <strings.h>

/* Numbers of the variants: above those of the catalogue. */
#define FIRST_UID (UINT64_C(1) << 62)

struct loading {
    struct backtestjob *job;
    struct job_cut cut; /* where every rule begins, empty */
    struct diag *d;
    enum err e;
};

/* --- what texts may name ----------------------------------------------------------------------------------------------- */

static void take_list(void *ctx, const struct bytes *message)
{
    struct loading *l = ctx;
    if (l->e == ERR_OK)
        l->e = workerlist_take(l->job->registry, message->p, message->n, l->d);
}

static enum err load_items(struct loading *l, const struct change_env *env)
{
    const struct registry_list *list;
    enum err e = ERR_OK;
    for (unsigned i = 0; e == ERR_OK && (list = registrylist_at(l->job->registry, i)) != NULL; i++)
        e = changelist_everything(env, list, take_list, l);
    return e != ERR_OK ? e : l->e;
}

static void put(struct loading *l, uint64_t uid, uint32_t version, const char *name,
                const char *sql, struct rule_plan *plan)
{
    const struct control_rule rule = {.uid = uid,
                                      .version = version > 0 ? version : 1,
                                      .name = (char *)(uintptr_t)name,
                                      .sql = (char *)(uintptr_t)sql,
                                      .ncuts = 1,
                                      .cuts = &l->cut};
    l->e = registry_put_rule(l->job->registry, &rule, plan, l->d);
}

static void load_rule(void *ctx, const struct catalog_rule *r)
{
    struct loading *l = ctx;
    if (l->e == ERR_OK && r->stands_for == 0) /* not a version that runs beside it */
        put(l, r->uid, r->version, r->name, r->sql, NULL);
}

/* Each file that is named is a partition, however many the stream has: this process's streams may be told. */
static enum err count_files(const struct backtestplan *plan, struct registry *r, struct diag *d)
{
    size_t i, k;
    json_t *v, *other;
    json_array_foreach((json_t *)(uintptr_t)plan->files, i, v)
    {
        const char *name = json_string_value(json_object_get(v, "stream"));
        struct schema *s = (struct schema *)(uintptr_t)registry_stream(r, name);
        unsigned n = 0;
        json_array_foreach((json_t *)(uintptr_t)plan->files, k, other) n +=
            strcasecmp(name, json_string_value(json_object_get(other, "stream"))) == 0;
        if (s == NULL) {
            diag_say(d, "files", NULL, "there is no stream '%.100s'", name);
            return ERR_NOT_FOUND;
        }
        s->partitions = n;
    }
    return ERR_OK;
}

/* --- texts ------------------------------------------------------------------------------------------------------------- */

static bool is_create(const char *sql)
{
    while (*sql == ' ' || *sql == '\n' || *sql == '\t' || *sql == '\r')
        sql++;
    return strncasecmp(sql, "CREATE", 6) == 0;
}

enum err backtestjob_compile(const char *name, const char *sql, const struct scope *scope,
                             struct diag *d, struct rule_plan **out)
{
    d->text = sql;
    d->text_len = strlen(sql);
    return compile_rule(is_create(sql) ? NULL : name, sql, strlen(sql), scope, d, out);
}

static enum err output_named(const struct rule_plan *plan, const char *field, const char *name,
                             struct diag *d)
{
    for (unsigned o = 0; o < plan->noutputs; o++)
        if (strcasecmp(plan->outputs[o].name, name) == 0)
            return ERR_OK;
    diag_say(d, field, "name a column of its SELECT", "the rule gives out no column '%.100s'",
             name);
    return ERR_NOT_FOUND;
}

enum err backtestjob_names(const struct backtestplan *p, const struct rule_plan *plan,
                           struct diag *d)
{
    const struct schema *roots[PLAN_ROOTS_MAX];
    unsigned n = plan_roots(plan, roots), i = 0;
    size_t k;
    json_t *v;
    while (p->label_column != NULL && i < n &&
           schema_column(roots[i], p->label_column, strlen(p->label_column)) < 0)
        i++;
    if (p->label_column != NULL && i == n) {
        diag_say(d, "label", NULL, "no stream that the rule reads has a column '%.100s'",
                 p->label_column);
        return ERR_NOT_FOUND;
    }
    enum err e = p->sum != NULL ? output_named(plan, "sum", p->sum, d) : ERR_OK;
    json_array_foreach((json_t *)(uintptr_t)p->segments, k, v) if (e == ERR_OK) e =
        output_named(plan, "segments", json_string_value(v), d);
    return e;
}

static enum err add_text(struct loading *l, const struct backtestplan *of, const char *sql,
                         uint32_t version, unsigned i)
{
    struct backtestjob *j = l->job;
    const char *name = of->name != NULL ? of->name : "backtest";
    struct rule_plan *plan = NULL;
    char own[32];
    enum err e = backtestjob_compile(name, sql, registry_scope(j->registry), l->d, &plan);
    if (e == ERR_OK)
        e = backtestjob_names(of, plan, l->d);
    if (e != ERR_OK) {
        plan_unref(plan);
        return e;
    }
    snprintf(own, sizeof own, "#%u", i); /* no rule can have that name */
    put(l, FIRST_UID + i, version, own, sql, plan);
    if (l->e == ERR_OK)
        j->plans[i] = registry_rule(j->registry, FIRST_UID + i)->plan;
    return l->e;
}

static enum err add_texts(struct loading *l, const struct backtestplan *plan)
{
    struct backtestjob *j = l->job;
    struct bytes text = {0};
    enum err e = backtestparam_count(plan->parameters, l->d, &j->variants);
    if (e != ERR_OK)
        return e;
    j->baseline = plan->baseline_sql != NULL;
    j->plans = mem_array(j->variants + 1, sizeof(struct rule_plan *));
    for (unsigned i = 0; e == ERR_OK && i < j->variants; i++) {
        bytes_reset(&text);
        e = backtestparam_text(plan->sql, plan->parameters, i, l->d, &text);
        if (e == ERR_OK)
            e = add_text(l, plan, (const char *)text.p, plan->version, i);
    }
    if (e == ERR_OK && j->baseline)
        e = add_text(l, plan, plan->baseline_sql, plan->baseline_version, j->variants);
    bytes_fini(&text);
    return e;
}

/* --- rules that are read ------------------------------------------------------------------------------------------------ */

static bool reads(const struct rule_plan *p, const char *rule)
{
    const struct schema *streams[PLAN_STREAMS_MAX];
    for (unsigned i = 0, n = plan_streams(p, streams); i < n; i++) {
        const struct schema *s = schema_rows(streams[i]);
        if (s->derived != DERIVED_NOT && s->of != NULL && strcasecmp(s->of, rule) == 0)
            return true;
    }
    return false;
}

/* Those that no variant reads, through others or not, would only cost time. */
static void drop_others(struct backtestjob *j)
{
    const struct registry_rule *r, *reader;
    bool dropped = true;
    while (dropped) {
        dropped = false;
        for (unsigned i = 0; (r = registry_rule_at(j->registry, i)) != NULL; i++) {
            bool needed = r->uid >= FIRST_UID || r->uid == j->uid;
            for (unsigned k = 0; !needed && (reader = registry_rule_at(j->registry, k)) != NULL;
                 k++)
                needed = reader != r && reads(reader->plan, r->plan->name);
            if (!needed) {
                registry_remove_rule(j->registry, r->uid);
                dropped = true;
                break;
            }
        }
    }
}

enum err backtestjob_new(const struct backtestplan *plan, struct catalog *catalog, evtime from,
                         struct diag *d, struct backtestjob *out)
{
    struct backtestjob j = {.registry = registry_new()};
    const struct change_env env = {.catalog = catalog, .registry = j.registry};
    struct loading l = {.job = &j,
                        .cut = {.deployed = true,
                                .mode = RULE_ACTIVE,
                                .w = from,
                                .handover = JOB_HANDOVER_RESET,
                                0},
                        .d = d};
    enum err e = changeload_names(&env, d);
    if (e == ERR_OK)
        e = count_files(plan, j.registry, d);
    if (e == ERR_OK)
        e = load_items(&l, &env);
    if (e == ERR_OK)
        e = catalog_rules(catalog, 0, load_rule, &l);
    if (e == ERR_OK && l.e == ERR_OK)
        e = add_texts(&l, plan);
    e = e != ERR_OK ? e : l.e;
    if (e == ERR_OK) {
        drop_others(&j);
        j.job = registry_job(j.registry);
        *out = j;
    } else {
        backtestjob_fini(&j);
    }
    return e;
}

/* Of each variant, and of the text to compare with. *w: when they take over from the version of the savepoint. */
static enum err compile_text(struct loading *l, const struct backtestplan *plan,
                             const struct backtestsave *save, const char *sql,
                             struct rule_plan **out, evtime *w)
{
    evtime at = EVTIME_MIN;
    enum err e = backtestjob_compile(plan->name, sql, registry_scope(l->job->registry), l->d, out);
    if (e == ERR_OK)
        e = backtestjob_names(plan, *out, l->d);
    if (e == ERR_OK && (plan_is_derived(*out) || (*out)->shape == RULE_JOIN)) {
        diag_say(l->d, "savepoint", "begin with an empty state, and a warm_up",
                 "a rule over other rules, or a join, does not take over state in a backtest");
        e = ERR_UNSUPPORTED;
    }
    if (e == ERR_OK)
        e = backtestsave_time(save, schema_rows((*out)->input), l->d, &at);
    *w = at > *w ? at : *w;
    return e;
}

static enum err put_saved(struct loading *l, const struct checkmeta_rule *was, unsigned ncuts,
                          const struct job_cut *cuts)
{
    const struct control_rule old = {.uid = was->uid,
                                     .version = was->version,
                                     .name = was->name,
                                     .sql = was->sql,
                                     .ncuts = ncuts,
                                     .cuts = cuts};
    registry_remove_rule(l->job->registry, was->uid);
    return registry_put_rule(l->job->registry, &old, NULL, l->d);
}

/* One text: the version of the savepoint gives way to it at `w`, with its state. Takes the plan. */
static enum err take_over(struct loading *l, const struct checkmeta_rule *was, evtime w,
                          const char *sql, struct rule_plan *to)
{
    struct backtestjob *j = l->job;
    const struct job_cut cuts[] = {{true, RULE_ACTIVE, was->since_w, was->nmarks, was->marks,
                                    JOB_HANDOVER_NONE, 0},
                                   {false, RULE_ACTIVE, w, 0, NULL, JOB_HANDOVER_KEEP, 0}};
    enum err e = put_saved(l, was, 2, cuts);
    if (e != ERR_OK) {
        plan_unref(to);
        return e;
    }
    l->cut = (struct job_cut){true, RULE_ACTIVE, w, 0, NULL, JOB_HANDOVER_KEEP, 0};
    put(l, was->uid, was->version + 1, was->name, sql, to);
    j->version = was->version + 1;
    if (l->e == ERR_OK)
        j->plans[0] = registry_rule(j->registry, was->uid)->plan;
    return l->e;
}

/* Several: it goes on, and each begins with a copy of its state. Takes the plans. */
static enum err copy_to(struct loading *l, const struct checkmeta_rule *was, evtime w, unsigned n,
                        char *const *sql, struct rule_plan **to)
{
    struct backtestjob *j = l->job;
    const struct job_cut since = {
        true, RULE_ACTIVE, was->since_w, was->nmarks, was->marks, JOB_HANDOVER_NONE, 0};
    char own[32];
    l->e = put_saved(l, was, 1, &since);
    l->cut = (struct job_cut){true, RULE_ACTIVE, w, 0, NULL, JOB_HANDOVER_COPY, was->uid};
    for (unsigned i = 0; i < n; i++) {
        if (l->e != ERR_OK) {
            plan_unref(to[i]);
            continue;
        }
        snprintf(own, sizeof own, "#%u", i);
        put(l, FIRST_UID + i, 1, own, sql[i], to[i]);
        if (l->e == ERR_OK)
            j->plans[i] = registry_rule(j->registry, FIRST_UID + i)->plan;
    }
    return l->e;
}

static enum err add_versions(struct loading *l, const struct backtestplan *plan,
                             const struct backtestsave *save, evtime *w)
{
    struct backtestjob *j = l->job;
    const struct checkmeta_rule *was = backtestsave_rule(save, plan->uid);
    enum err e = backtestparam_count(plan->parameters, l->d, &j->variants);
    if (e != ERR_OK)
        return e;
    j->baseline = plan->baseline_sql != NULL;
    j->uid = was->uid;
    unsigned n = j->variants + j->baseline;
    j->plans = mem_array(n, sizeof(struct rule_plan *));
    struct rule_plan **to = mem_array(n, sizeof *to);
    char **sql = mem_array(n, sizeof *sql);
    *w = EVTIME_MIN;
    for (unsigned i = 0; e == ERR_OK && i < n; i++) {
        struct bytes text = {0};
        if (i == j->variants)
            bytes_put(&text, plan->baseline_sql, strlen(plan->baseline_sql) + 1);
        else
            e = backtestparam_text(plan->sql, plan->parameters, i, l->d, &text);
        sql[i] = (char *)text.p;
        if (e == ERR_OK)
            e = compile_text(l, plan, save, sql[i], &to[i], w);
    }
    if (e != ERR_OK) {
        for (unsigned i = 0; i < n; i++)
            plan_unref(to[i]);
    } else {
        e = n == 1 ? take_over(l, was, *w, sql[0], to[0]) : copy_to(l, was, *w, n, sql, to);
    }
    for (unsigned i = 0; i < n; i++)
        mem_free(sql[i]);
    mem_free(sql);
    mem_free(to);
    return e;
}

enum err backtestjob_from(const struct backtestplan *plan, struct catalog *catalog,
                          const struct backtestsave *save, struct diag *d, evtime *from,
                          struct backtestjob *out)
{
    struct backtestjob j = {.registry = registry_new()};
    const struct change_env env = {.catalog = catalog, .registry = j.registry};
    struct loading l = {.job = &j, .d = d};
    enum err e = changeload_names(&env, d);
    if (e == ERR_OK)
        e = load_items(&l, &env);
    if (e == ERR_OK)
        e = add_versions(&l, plan, save, from);
    if (e == ERR_OK) {
        drop_others(&j);
        j.job = registry_job(j.registry);
        *out = j;
    } else {
        backtestjob_fini(&j);
    }
    return e;
}

void backtestjob_fini(struct backtestjob *j)
{
    job_unref(j->job);
    registry_free(j->registry);
    mem_free(j->plans);
    *j = (struct backtestjob){0};
}

int backtestjob_of(const struct backtestjob *j, const struct result *r)
{
    if (j->version > 0)
        return r->rule_uid == j->uid && r->rule_version == j->version ? 0 : -1;
    return r->rule_uid >= FIRST_UID ? (int)(r->rule_uid - FIRST_UID) : -1;
}

int64_t backtestjob_lateness_ms(const struct backtestjob *j)
{
    int64_t most = 0;
    for (unsigned i = 0; i < job_nrules(j->job); i++) {
        const struct rule_plan *p = job_rule(j->job, i)->plan;
        if (p->shape == RULE_WINDOW && p->window.lateness_ms > most)
            most = p->window.lateness_ms;
    }
    return most;
}
