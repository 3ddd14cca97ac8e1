/* SPDX-License-Identifier: Apache-2.0 */
#include "server/deploy/registry.h"
#include "base/mem.h"
#include "cep/derived.h"
#include "cep/list.h"
#include "cep/table.h"
#include "server/alerts/sinks.h"
#include "server/deploy/registrydef.h"
#include "server/deploy/registrylist.h"
#include "server/deploy/tableset.h"
#include <string.h>
#include <strings.h>

static const struct schema *scope_stream(void *ctx, const char *name)
{
    return registry_stream(ctx, name);
}

static const char *scope_stream_name(void *ctx, unsigned i)
{
    struct registry *r = ctx;
    pthread_mutex_lock(&r->lock);
    const char *name = i < r->nstreams ? r->streams[i].schema->name : NULL;
    pthread_mutex_unlock(&r->lock);
    return name;
}

static struct list *scope_list(void *ctx, const char *name)
{
    return registrylist_find(ctx, name, NULL);
}

static const char *scope_list_name(void *ctx, unsigned i)
{
    struct registry *r = ctx;
    pthread_mutex_lock(&r->lock);
    const char *name = i < r->nlists ? r->lists[i].name : NULL;
    pthread_mutex_unlock(&r->lock);
    return name;
}

static const struct table *scope_table(void *ctx, const char *name)
{
    return tableset_find(((const struct registry *)ctx)->tables, name);
}

static const char *scope_table_name(void *ctx, unsigned i)
{
    const struct table *t = tableset_at(((const struct registry *)ctx)->tables, i);
    return t != NULL ? t->schema->name : NULL;
}

static const struct schema *scope_lookup(void *ctx, const struct schema *from,
                                         const struct table *table, uint32_t uid)
{
    return tableset_lookup(((const struct registry *)ctx)->tables, from, table, uid);
}

static const struct schema *find_derived(const struct registry *r, uint32_t id, uint32_t version)
{
    for (size_t i = r->nderived; i-- > 0;)
        if (r->derived[i].schema->id == id && r->derived[i].version == version)
            return r->derived[i].schema;
    return NULL;
}

static const struct schema *keep_derived(struct registry *r, const struct schema *s,
                                         uint32_t version)
{
    if (s == NULL)
        return NULL;
    r->derived = mem_grow(r->derived, r->nderived, 1, &r->derived_cap, sizeof *r->derived);
    r->derived[r->nderived++] = (struct registrydef_derived){s, version};
    return s;
}

static const struct schema *late_of_stream(struct registry *r, const char *name)
{
    for (size_t i = 0; i < r->nstreams; i++) {
        const struct schema *from = r->streams[i].schema;
        if (strcasecmp(from->name, name) != 0)
            continue;
        const struct schema *s = find_derived(r, derived_id(DERIVED_STREAM_LATE, from->id), 0);
        return s != NULL ? s : keep_derived(r, derived_late_of(from, r->names), 0);
    }
    return NULL;
}

static const struct schema *scope_derived(void *ctx, const char *name, enum derived_kind kind,
                                          bool *known)
{
    struct registry *r = ctx;
    pthread_mutex_lock(&r->lock);
    const struct schema *s = kind == DERIVED_LATE ? late_of_stream(r, name) : NULL;
    const struct registry_rule *rule = s == NULL ? registry_rule_named(r, name) : NULL;
    if (rule != NULL && rule->stands_for != 0)
        rule = NULL; /* what it finds is no stream */
    *known = *known || s != NULL || rule != NULL;
    if (rule != NULL) {
        uint32_t id = derived_id(kind, rule->uid);
        s = find_derived(r, id, rule->version);
        if (s == NULL)
            s = keep_derived(r, derived_schema(rule->plan, kind, id, r->names), rule->version);
    }
    pthread_mutex_unlock(&r->lock);
    return s;
}

struct registry *registry_new(void)
{
    struct registry *r = mem_new(sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    r->names = arena_new(0, 0);
    r->tables = tableset_new();
    r->scope = (struct scope){.ctx = r,
                              .stream = scope_stream,
                              .stream_name = scope_stream_name,
                              .derived = scope_derived,
                              .table = scope_table,
                              .table_name = scope_table_name,
                              .lookup = scope_lookup,
                              .list = scope_list,
                              .list_name = scope_list_name};
    return r;
}

struct job_cut registry_cut_copy(const struct job_cut *c)
{
    struct job_cut copy = *c;
    struct job_mark *marks = mem_array(c->nmarks, sizeof *marks);
    if (c->nmarks > 0)
        memcpy(marks, c->marks, c->nmarks * sizeof *marks);
    copy.marks = marks;
    return copy;
}

void registry_cut_fini(struct job_cut *c)
{
    mem_free((void *)(uintptr_t)c->marks);
    c->marks = NULL;
}

static void free_cuts(struct registry_rule *rule)
{
    for (unsigned i = 0; i < rule->ncuts; i++)
        registry_cut_fini(&rule->cuts[i]);
    mem_free(rule->cuts);
}

static void free_rule(struct registry_rule *rule)
{
    while (rule != NULL) {
        struct registry_rule *before = rule->before;
        free_cuts(rule);
        mem_free(rule->name);
        mem_free(rule->sql);
        plan_unref(rule->plan);
        mem_free(rule);
        rule = before;
    }
}

void registry_free(struct registry *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->nrules; i++)
        free_rule(r->rules[i]);
    for (size_t i = 0; i < r->nstreams; i++)
        compile_script_free(r->streams[i].script);
    for (size_t i = 0; i < r->nlists; i++)
        registrylist_free(&r->lists[i]);
    mem_free(r->lists);
    registryfork_free(r);
    arena_free(r->names);
    mem_free(r->rules);
    mem_free(r->streams);
    mem_free(r->derived);
    tableset_free(r->tables);
    pthread_mutex_destroy(&r->lock);
    mem_free(r);
}

const struct scope *registry_scope(struct registry *r)
{
    return &r->scope;
}

/* --- streams ----------------------------------------------------------------------------------------------------- */

const struct schema *registry_stream(struct registry *r, const char *name)
{
    const struct schema *found = NULL;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->nstreams && found == NULL; i++)
        if (strcasecmp(r->streams[i].schema->name, name) == 0)
            found = r->streams[i].schema;
    pthread_mutex_unlock(&r->lock);
    return found;
}

const struct schema *registry_stream_by_id(struct registry *r, uint32_t id)
{
    const struct schema *found = NULL;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->nstreams && found == NULL; i++)
        if (r->streams[i].schema->id == id)
            found = r->streams[i].schema;
        else if (r->streams[i].schema->errors->id == id)
            found = r->streams[i].schema->errors;
    if (found == NULL)
        found = registryfork_by_id(r, id);
    for (size_t i = r->nderived; i-- > 0 && found == NULL;)
        if (r->derived[i].schema->id == id)
            found = r->derived[i].schema;
    pthread_mutex_unlock(&r->lock);
    return found != NULL ? found : tableset_rows(r->tables, id);
}

unsigned registry_streams(struct registry *r, const struct schema **out, unsigned cap)
{
    pthread_mutex_lock(&r->lock);
    unsigned n = (unsigned)r->nstreams;
    for (unsigned i = 0; i < n && i < cap; i++)
        out[i] = r->streams[i].schema;
    pthread_mutex_unlock(&r->lock);
    return n;
}

static bool is_read(const struct registry *r, const struct schema *s)
{
    for (size_t i = 0; i < r->nrules; i++)
        for (const struct registry_rule *v = r->rules[i]; v != NULL; v = v->before)
            if (plan_reads_stream(v->plan, s))
                return true;
    return false;
}

unsigned registry_sources(struct registry *r, const struct schema **out, unsigned cap)
{
    unsigned n = 0;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->nstreams; i++) {
        const struct schema *s = r->streams[i].schema;
        if (n++ < cap)
            out[n - 1] = s;
        if (is_read(r, s->errors) && n++ < cap)
            out[n - 1] = s->errors;
    }
    pthread_mutex_unlock(&r->lock);
    return n;
}

static void publish(struct registry *r, struct registrydef_stream s)
{
    pthread_mutex_lock(&r->lock);
    r->streams = mem_grow(r->streams, r->nstreams, 1, &r->streams_cap, sizeof *r->streams);
    size_t at = r->nstreams++;
    for (; at > 0 && r->streams[at - 1].schema->id > s.schema->id; at--)
        r->streams[at] = r->streams[at - 1];
    r->streams[at] = s;
    pthread_mutex_unlock(&r->lock);
}

enum err registry_add_stream(struct registry *r, uint32_t id, unsigned partitions, const char *sql,
                             size_t n, struct diag *d)
{
    struct script *script = NULL;
    enum err e = compile_script(sql, n, &r->scope, d, &script);
    if (e != ERR_OK)
        return e;
    if (script->n != 1 || script->statements[0].kind != STATEMENT_STREAM) {
        diag_say(d, "stream", NULL, "stream %u is not one CREATE STREAM statement", id);
        e = ERR_INVALID;
        goto out;
    }
    /* The compiler gives it out as constant; its number is known only here, before anybody else sees it. */
    struct schema *schema = (struct schema *)(uintptr_t)script->statements[0].schema;
    if (registry_stream(r, schema->name) != NULL || registry_stream_by_id(r, id) != NULL) {
        diag_say(d, "exists", NULL, "there is a stream %s already", schema->name);
        e = ERR_EXISTS;
        goto out;
    }
    schema->id = id;
    ((struct schema *)(uintptr_t)schema->errors)->id = derived_errors_id(id);
    if (partitions > 0)
        schema->partitions = partitions;
    publish(r, (struct registrydef_stream){schema, script});
    script = NULL;
out:
    compile_script_free(script);
    return e;
}

unsigned registry_each_reader(struct registry *r, const char *name,
                              bool (*reads)(const struct rule_plan *p, const char *name),
                              void (*each)(void *ctx, const struct registry_rule *rule), void *ctx)
{
    unsigned n = 0;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->nrules; i++) {
        if (!reads(r->rules[i]->plan, name))
            continue;
        n++;
        if (each != NULL)
            each(ctx, r->rules[i]);
    }
    pthread_mutex_unlock(&r->lock);
    return n;
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

struct tableset *registry_tables(struct registry *r)
{
    return r->tables;
}

static bool reads_table(const struct rule_plan *p, const char *table)
{
    for (unsigned i = 0; i < p->nlookups; i++)
        if (strcasecmp(p->lookups[i].rows->table->schema->name, table) == 0)
            return true;
    return false;
}

unsigned registry_table_rules(struct registry *r, const char *table,
                              void (*each)(void *ctx, const struct registry_rule *rule), void *ctx)
{
    return registry_each_reader(r, table, reads_table, each, ctx);
}

/* --- sinks ------------------------------------------------------------------------------------------------------- */

static bool scope_sink(void *ctx, const char *name)
{
    return sinks_has(((const struct registry *)ctx)->sinks, name);
}

static const char *scope_sink_name(void *ctx, unsigned i)
{
    return sinks_name(((const struct registry *)ctx)->sinks, i);
}

void registry_offer_sinks(struct registry *r, struct sinks *sinks)
{
    r->sinks = sinks;
    r->scope.sink_name = scope_sink_name;
    r->scope.sink = scope_sink;
}

static bool gives_to(const struct rule_plan *p, const char *sink)
{
    for (unsigned i = 0; i < p->nemits; i++)
        if (strcasecmp(p->emits[i].sink, sink) == 0)
            return true;
    return false;
}

unsigned registry_sink_rules(struct registry *r, const char *sink,
                             void (*each)(void *ctx, const struct registry_rule *rule), void *ctx)
{
    return registry_each_reader(r, sink, gives_to, each, ctx);
}

/* --- rules ------------------------------------------------------------------------------------------------------- */

static struct registry_rule *find_rule(struct registry *r, uint64_t uid)
{
    size_t low = 0, high = r->nrules;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (r->rules[mid]->uid < uid)
            low = mid + 1;
        else
            high = mid;
    }
    return low < r->nrules && r->rules[low]->uid == uid ? r->rules[low] : NULL;
}

static void set_cuts(struct registry_rule *rule, const struct control_rule *from)
{
    free_cuts(rule);
    rule->ncuts = from->ncuts;
    rule->cuts = mem_array(from->ncuts, sizeof *rule->cuts);
    for (unsigned i = 0; i < from->ncuts; i++)
        rule->cuts[i] = registry_cut_copy(&from->cuts[i]);
    rule->mode = from->ncuts > 0 ? rule->cuts[from->ncuts - 1].mode : rule->plan->mode;
}

static void insert(struct registry *r, struct registry_rule *rule)
{
    r->rules = mem_grow(r->rules, r->nrules, 1, &r->rules_cap, sizeof(struct registry_rule *));
    size_t at = r->nrules++;
    for (; at > 0 && r->rules[at - 1]->uid > rule->uid; at--)
        r->rules[at] = r->rules[at - 1];
    r->rules[at] = rule;
}

/* A rule that reads again what has gone by takes the lists as they were when it was deployed: their older cuts tell how
 * far other rules had read then. The rows of all other rules are past these cuts anyway. */
static enum err compile_named(struct registry *r, const struct control_rule *from, const char *name,
                              struct diag *d, struct rule_plan **out)
{
    struct registryfork_scope own;
    struct scope scope = *registryfork_scope(r, from->uid, &r->scope, &own);
    enum err e = compile_rule(name, from->sql, strlen(from->sql), &scope, d, out);
    const struct schema *streams[PLAN_STREAMS_MAX];
    unsigned n = e == ERR_OK && (*out)->nlists > 0 ? plan_streams(*out, streams) : 0;
    bool files = false;
    for (unsigned i = 0; i < n; i++)
        files = files || strcmp(streams[i]->connector, "file") == 0;
    if (!files)
        return e;
    plan_unref(*out);
    scope.lists_since = from->lists_seq;
    return compile_rule(name, from->sql, strlen(from->sql), &scope, d, out);
}

/* The text is of the rule that it stands for. */
static enum err compile(struct registry *r, const struct control_rule *from, struct diag *d,
                        struct rule_plan **out)
{
    const char *at = from->stands_for != 0 ? strrchr(from->name, '@') : NULL;
    if (at == NULL)
        return compile_named(r, from, from->name, d, out);
    char *name = mem_dup(from->name, (size_t)(at - from->name));
    enum err e = compile_named(r, from, name, d, out);
    mem_free(name);
    return e;
}

static struct registry_rule *new_rule(const struct control_rule *from, struct rule_plan *plan)
{
    struct registry_rule *rule = mem_new(sizeof *rule);
    rule->uid = from->uid;
    rule->version = from->version;
    rule->name = mem_str(from->name);
    rule->sql = mem_str(from->sql);
    rule->lists_seq = from->lists_seq;
    rule->stands_for = from->stands_for;
    rule->plan = plan; /* nobody else has it yet */
    if (from->stands_for != 0) {
        plan->stands_for = from->stands_for;
        plan->name = arena_str(plan->arena, from->name);
    }
    return rule;
}

/* Takes the place of the one with its uid, if there is one. */
static void replace(struct registry *r, struct registry_rule *rule, bool keeps_old)
{
    for (size_t i = 0; i < r->nrules; i++) {
        if (r->rules[i]->uid != rule->uid)
            continue;
        rule->retired = r->rules[i]->retired;
        if (keeps_old)
            rule->before = r->rules[i];
        else
            free_rule(r->rules[i]);
        r->rules[i] = rule;
        return;
    }
    insert(r, rule);
}

enum err registry_put_rule(struct registry *r, const struct control_rule *from,
                           struct rule_plan *plan, struct diag *d)
{
    struct registry_rule *rule = find_rule(r, from->uid);
    bool handover = rule != NULL && from->version > rule->version && from->ncuts > 0 &&
                    from->cuts[0].handover != JOB_HANDOVER_NONE;
    while (rule != NULL && rule->version > from->version)
        rule = rule->before;
    bool there = rule != NULL && rule->version == from->version;
    if (!there && plan == NULL) {
        enum err e = compile(r, from, d, &plan);
        if (e != ERR_OK)
            return e;
    }
    pthread_mutex_lock(&r->lock);
    if (there) {
        plan_unref(plan);
    } else {
        rule = new_rule(from, plan);
        replace(r, rule, handover);
    }
    set_cuts(rule, from);
    pthread_mutex_unlock(&r->lock);
    return ERR_OK;
}

void registry_retire(struct registry *r, uint64_t uid, uint32_t version)
{
    pthread_mutex_lock(&r->lock);
    struct registry_rule *rule = find_rule(r, uid);
    if (rule != NULL)
        rule->retired = version;
    pthread_mutex_unlock(&r->lock);
}

void registry_forget_versions(struct registry *r, uint64_t uid, uint32_t oldest)
{
    pthread_mutex_lock(&r->lock);
    struct registry_rule *rule = find_rule(r, uid);
    while (rule != NULL && rule->before != NULL && rule->before->version >= oldest)
        rule = rule->before;
    if (rule != NULL) {
        free_rule(rule->before);
        rule->before = NULL;
    }
    pthread_mutex_unlock(&r->lock);
}

void registry_remove_rule(struct registry *r, uint64_t uid)
{
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->nrules; i++)
        if (r->rules[i]->uid == uid) {
            free_rule(r->rules[i]);
            memmove(r->rules + i, r->rules + i + 1,
                    (r->nrules - i - 1) * sizeof(struct registry_rule *));
            r->nrules--;
            break;
        }
    pthread_mutex_unlock(&r->lock);
}

const struct registry_rule *registry_rule(struct registry *r, uint64_t uid)
{
    return find_rule(r, uid);
}

const struct registry_rule *registry_rule_named(struct registry *r, const char *name)
{
    for (size_t i = 0; i < r->nrules; i++)
        if (strcasecmp(r->rules[i]->name, name) == 0)
            return r->rules[i];
    return NULL;
}

const struct registry_rule *registry_rule_at(struct registry *r, unsigned i)
{
    return i < r->nrules ? r->rules[i] : NULL;
}

struct rule_plan *registry_plan(struct registry *r, uint64_t uid, uint32_t *version)
{
    struct rule_plan *plan = NULL;
    pthread_mutex_lock(&r->lock);
    const struct registry_rule *rule = find_rule(r, uid);
    while (*version != 0 && rule != NULL && rule->version != *version)
        rule = rule->before;
    if (rule != NULL) {
        plan = plan_ref(rule->plan);
        *version = rule->version;
    }
    pthread_mutex_unlock(&r->lock);
    return plan;
}

bool registry_has_rule(struct registry *r, const char *name)
{
    pthread_mutex_lock(&r->lock);
    bool has = registry_rule_named(r, name) != NULL;
    pthread_mutex_unlock(&r->lock);
    return has;
}

struct job *registry_job(struct registry *r)
{
    if (r->nstreams == 0)
        return NULL;
    const struct schema **streams =
        mem_array(r->nstreams + r->nforks, sizeof(const struct schema *));
    struct job_rule *rules = NULL;
    size_t nrules = 0, cap = 0, nstreams = r->nstreams;
    for (size_t i = 0; i < r->nstreams; i++)
        streams[i] = r->streams[i].schema;
    for (size_t i = 0; i < r->nforks; i++)
        if (!r->forks[i].gone)
            streams[nstreams++] = r->forks[i].schema;
    for (size_t i = 0; i < r->nrules; i++)
        for (const struct registry_rule *v = r->rules[i]; v != NULL; v = v->before) {
            rules = mem_grow(rules, nrules, 1, &cap, sizeof *rules);
            rules[nrules++] = (struct job_rule){v->plan, v->uid, v->version, v->ncuts, v->cuts};
        }
    struct job *j = job_new(streams, (unsigned)nstreams, rules, (unsigned)nrules);
    mem_free(rules);
    mem_free(streams);
    return j;
}
