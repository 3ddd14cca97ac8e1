/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "change"
#include "server/deploy/change.h"
#include "base/log.h"
#include "base/mem.h"
#include "cep/list.h"
#include "io/source_file.h"
#include "server/alerts/sinks.h"
#include "server/deploy/changecut.h"
#include "server/deploy/changelist.h"
#include "server/deploy/changerule.h"
#include "server/deploy/changesink.h"
#include "server/deploy/changetable.h"
#include "server/deploy/changetrial.h"
#include "server/deploy/lanes.h"
#include "server/deploy/registrylist.h"
#include "server/deploy/runtimeversion.h"
#include "server/deploy/tableset.h"
#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum change_kind {
    CHANGE_SCRIPT,
    CHANGE_MODE,
    CHANGE_DELETE,
    CHANGE_DROP_LIST,
    CHANGE_DROP_TABLE,
    CHANGE_DROP_SINK,
    CHANGE_RETIRE,
    CHANGE_TRIAL,
    CHANGE_TRIAL_OVER,
    CHANGE_LANE,
    CHANGE_LANE_OVER
};
enum create_kind { CREATE_STREAM, CREATE_LIST, CREATE_TABLE, CREATE_SINK, CREATE_RULE, EDIT_LIST };

struct create {
    enum create_kind kind;
    bool or_replace;
    char *name, *sql; /* sql: NULL of EDIT_LIST */
    char *author, *reason; /* of a version of a rule; or NULL */
    uint64_t resting; /* a rule that is not live yet, or again: its number; 0: none */
    uint32_t version; /* of a rule: it has this number already; 0: it gets one */
    bool reset; /* it takes over no state from the version before it */
    uint32_t rollback_to; /* it has that version's text; 0: its own */
    uint64_t operation; /* it takes the state of that one's lane (lanes.h); 0: there is none */
    uint32_t beside; /* changerule.h */
    struct changelist *edit;
};
struct change {
    enum change_kind kind;
    char *rule; /* or the list's name */
    uint64_t
        uid; /* RETIRE: versions of it before this one; TRIAL_OVER; of LANE and LANE_OVER the operation */
    struct changetrial *trial;
    uint32_t version;
    enum rule_mode mode;
    unsigned n;
    struct create *creates;
    bool stored; /* streams and lists */
    runtime_done *done;
    void *ctx;
};

/* --- what is asked for ------------------------------------------------------------------------------------------- */

struct change *change_mode(const char *rule, enum rule_mode mode)
{
    struct change *c = mem_new(sizeof *c);
    c->kind = CHANGE_MODE;
    c->rule = mem_str(rule);
    c->mode = mode;
    return c;
}

enum err change_activate(const struct change_env *env, const struct runtimeversion_activation *what,
                         struct diag *d, struct change **out)
{
    struct rule_plan *plan = NULL;
    enum err e = compile_rule(what->rule, what->sql, strlen(what->sql),
                              registry_scope(env->registry), d, &plan);
    plan_unref(plan);
    if (e != ERR_OK)
        return e;
    struct change *c = mem_new(sizeof *c);
    c->creates = mem_array(1, sizeof *c->creates);
    c->creates[c->n++] =
        (struct create){.kind = CREATE_RULE,
                        .or_replace = what->resting == 0,
                        .resting = what->resting,
                        .name = mem_str(what->rule),
                        .sql = mem_str(what->sql),
                        .author = what->author == NULL ? NULL : mem_str(what->author),
                        .reason = what->reason == NULL ? NULL : mem_str(what->reason),
                        .version = what->version,
                        .reset = what->reset,
                        .rollback_to = what->rollback_to,
                        .operation = what->operation,
                        .beside = what->beside};
    *out = c;
    return ERR_OK;
}

struct change *change_delete(const char *rule)
{
    struct change *c = mem_new(sizeof *c);
    c->kind = CHANGE_DELETE;
    c->rule = mem_str(rule);
    return c;
}

struct change *change_retire(uint64_t uid, uint32_t version)
{
    struct change *c = mem_new(sizeof *c);
    c->kind = CHANGE_RETIRE;
    c->uid = uid;
    c->version = version;
    return c;
}

struct change *change_trial(const struct changetrial *what)
{
    struct change *c = change_delete(what->rule);
    c->kind = CHANGE_TRIAL;
    c->trial = changetrial_copy(what);
    return c;
}

struct change *change_trial_over(uint64_t uid)
{
    struct change *c = change_retire(uid, 0);
    c->kind = CHANGE_TRIAL_OVER;
    return c;
}

struct change *change_lane(uint64_t operation)
{
    struct change *c = change_retire(operation, 0);
    c->kind = CHANGE_LANE;
    return c;
}

struct change *change_lane_over(uint64_t operation)
{
    struct change *c = change_retire(operation, 0);
    c->kind = CHANGE_LANE_OVER;
    return c;
}

struct change *change_drop_list(const char *list)
{
    struct change *c = change_delete(list);
    c->kind = CHANGE_DROP_LIST;
    return c;
}

struct change *change_drop_table(const char *table)
{
    struct change *c = change_delete(table);
    c->kind = CHANGE_DROP_TABLE;
    return c;
}

struct change *change_drop_sink(const char *sink)
{
    struct change *c = change_delete(sink);
    c->kind = CHANGE_DROP_SINK;
    return c;
}

struct change *change_edit(const char *list, struct changelist *edit)
{
    struct change *c = mem_new(sizeof *c);
    c->creates = mem_array(1, sizeof *c->creates);
    c->creates[c->n++] =
        (struct create){.kind = EDIT_LIST, .name = mem_str(list), .edit = changelist_ref(edit)};
    return c;
}

void change_free(struct change *c)
{
    if (c == NULL)
        return;
    for (unsigned i = 0; i < c->n; i++) {
        mem_free(c->creates[i].name);
        mem_free(c->creates[i].sql);
        mem_free(c->creates[i].author);
        mem_free(c->creates[i].reason);
        changelist_unref(c->creates[i].edit);
    }
    mem_free(c->creates);
    changetrial_free(c->trial);
    mem_free(c->rule);
    mem_free(c);
}

void change_on_done(struct change *c, runtime_done *done, void *ctx)
{
    c->done = done;
    c->ctx = ctx;
}

void change_done(struct change *c, enum err e, const struct diag *d)
{
    if (c->done != NULL)
        c->done(c->ctx, e, d);
    change_free(c);
}

static enum err exists(struct diag *d, struct span at, const char *what, const char *name)
{
    diag_error(d, "exists", at, "choose another name, or delete the old one first",
               "there is a %s %s already", what, name);
    return ERR_EXISTS;
}

static const char *const kinds[] = {[CREATE_STREAM] = "stream",
                                    [CREATE_LIST] = "list",
                                    [CREATE_TABLE] = "table",
                                    [CREATE_SINK] = "sink",
                                    [CREATE_RULE] = "rule"};

static bool has_list(const struct change_env *env, const char *name)
{
    struct list *l = registrylist_find(env->registry, name, NULL);
    list_unref(l);
    return l != NULL;
}

/* Of one statement: may it be created as things are now? They share their names: most can stand after FROM. */
static enum err check_name(const struct change_env *env, const struct create *k, struct span at,
                           struct diag *d)
{
    const char *name = k->name;
    if (k->kind == EDIT_LIST)
        return ERR_OK;
    /* Both can stand after FROM. */
    if (registry_has_rule(env->registry, name) && !(k->kind == CREATE_RULE && k->or_replace))
        return exists(d, at, "rule", name);
    if (registry_stream(env->registry, name) != NULL)
        return exists(d, at, "stream", name);
    if (tableset_find(registry_tables(env->registry), name) != NULL)
        return exists(d, at, "table", name);
    if (env->sinks != NULL && sinks_has(env->sinks, name))
        return exists(d, at, "sink", name);
    if (k->kind == CREATE_RULE)
        return ERR_OK;
    if (has_list(env, name) && !(k->kind == CREATE_LIST && k->or_replace))
        return exists(d, at, "list", name);
    return ERR_OK;
}

/* The rows of an INSERT, as a change of the list. An item that is there stays as it is. */
static enum err make_edit(const struct statement *s, struct diag *d, struct changelist **out)
{
    static const struct changelist_options o = {.what = "insert",
                                                .expires = EVTIME_MIN,
                                                .keep = true};
    struct listitems *items = listitems_new(s->list);
    struct listitems_problem problem = {0};
    enum err e = ERR_OK;
    for (size_t i = 0; i < s->nrows && e == ERR_OK; i++)
        e = listitems_values(items, s->rows[i], &problem);
    if (e != ERR_OK)
        diag_error(d, "item", s->at, NULL, "%s", problem.text);
    *out = changelist_new(0, items, &o);
    return e;
}

static enum err add_statement(struct change *c, const struct change_env *env,
                              const struct statement *s, const char *sql, struct diag *d)
{
    static const enum create_kind of[] = {
        [STATEMENT_STREAM] = CREATE_STREAM, [STATEMENT_RULE] = CREATE_RULE,
        [STATEMENT_LIST] = CREATE_LIST,     [STATEMENT_TABLE] = CREATE_TABLE,
        [STATEMENT_SINK] = CREATE_SINK,     [STATEMENT_INSERT] = EDIT_LIST};
    if (s->kind == STATEMENT_EXPLAIN) {
        diag_error(d, "unsupported", s->at, NULL,
                   "only CREATE STREAM, LIST, TABLE, SINK and RULE, and INSERT can be sent here");
        return ERR_UNSUPPORTED;
    }
    struct create *k = &c->creates[c->n++];
    bool edits = s->kind == STATEMENT_INSERT;
    *k = (struct create){.kind = of[s->kind],
                         .or_replace = s->or_replace,
                         .name = mem_str(edits ? list_name(s->list) : s->name),
                         .sql = edits ? NULL : mem_dup(sql + s->at.begin, s->at.end - s->at.begin)};
    if (edits)
        return make_edit(s, d, &k->edit);
    if (k->kind == CREATE_STREAM && s->or_replace &&
        registry_stream(env->registry, s->name) != NULL) {
        diag_error(d, "unsupported", s->at, "create a stream of another name",
                   "a stream that exists cannot be replaced yet");
        return ERR_UNSUPPORTED;
    }
    for (unsigned i = 0; i + 1 < c->n; i++)
        if (c->creates[i].kind == k->kind && strcasecmp(c->creates[i].name, k->name) == 0)
            return exists(d, s->at, kinds[k->kind], k->name);
    return check_name(env, k, s->at, d);
}

static enum err add_script(struct change *c, const struct change_env *env, const char *sql,
                           size_t n, struct diag *d)
{
    struct script *script = NULL;
    enum err e = compile_script(sql, n, registry_scope(env->registry), d, &script);
    if (e != ERR_OK)
        return e;
    if (script->n == 0) {
        diag_say(d, "empty", NULL, "there is no statement in the text");
        e = ERR_INVALID;
    }
    c->creates = mem_array(script->n, sizeof *c->creates);
    for (unsigned i = 0; i < script->n && e == ERR_OK; i++)
        e = add_statement(c, env, &script->statements[i], sql, d);
    compile_script_free(script);
    return e;
}

static enum err add_select(struct change *c, const struct change_env *env, const char *name,
                           const char *sql, size_t n, struct diag *d)
{
    struct rule_plan *plan = NULL;
    enum err e = compile_rule(name, sql, n, registry_scope(env->registry), d, &plan);
    if (e != ERR_OK)
        return e;
    c->creates = mem_array(1, sizeof *c->creates);
    c->creates[c->n++] =
        (struct create){.kind = CREATE_RULE, .name = mem_str(plan->name), .sql = mem_dup(sql, n)};
    plan_unref(plan);
    return check_name(env, &c->creates[0], (struct span){0, 0}, d);
}

enum err change_script(const struct change_env *env, const char *sql, size_t n,
                       const char *select_name, struct diag *d, struct change **out)
{
    struct change *c = mem_new(sizeof *c);
    enum err e = select_name != NULL ? add_select(c, env, select_name, sql, n, d)
                                     : add_script(c, env, sql, n, d);
    if (e == ERR_OK)
        *out = c;
    else
        change_free(c);
    return e;
}

/* --- the first half ---------------------------------------------------------------------------------------------- */

/* How many files there are is known only when they are looked for; then it is the number of partitions. */
enum err change_count_files(const struct change_env *env, const char *sql, struct diag *d,
                            unsigned *partitions)
{
    struct script *script = NULL;
    enum err e = compile_script(sql, strlen(sql), registry_scope(env->registry), d, &script);
    *partitions = 0;
    if (e == ERR_OK && strcmp(script->statements[0].schema->connector, "file") == 0) {
        char **paths = NULL;
        e = source_file_list(script->statements[0].schema, d, &paths, partitions);
        source_file_list_free(paths);
    }
    compile_script_free(script);
    return e;
}

static enum err store_stream(const struct change_env *env, const struct create *k, struct diag *d)
{
    unsigned partitions = 0;
    struct catalog_text s = {.name = k->name, .sql = k->sql, .created = timebase_now_ms()};
    enum err e = change_count_files(env, k->sql, d, &partitions);
    if (e == ERR_OK && (e = catalog_texts_add(env->catalog, CATALOG_STREAM, &s)) != ERR_OK)
        diag_say(d, "catalogue", NULL, "stream %s cannot be stored: %s", k->name, err_text(e));
    if (e == ERR_OK)
        e = registry_add_stream(env->registry, s.uid, partitions, k->sql, strlen(k->sql), d);
    if (e == ERR_OK)
        LOG_INFO("stream created", "stream=%s id=%u", k->name, s.uid);
    return e;
}

static enum err store(const struct change_env *env, const struct create *k, struct diag *d)
{
    if (k->kind == CREATE_STREAM)
        return store_stream(env, k, d);
    if (k->kind == CREATE_TABLE)
        return changetable_create(env, k->name, k->sql, d);
    if (k->kind == CREATE_SINK)
        return changesink_create(env, k->name, k->sql, d);
    return k->kind == CREATE_LIST ? changelist_create(env, k->name, k->sql, d) : ERR_OK;
}

static enum err begin_other(const struct change *c, const struct change_env *env, struct diag *d)
{
    if (c->rule == NULL)
        return ERR_OK;
    if (c->kind == CHANGE_DROP_LIST)
        return changelist_may_go(env, c->rule, d);
    if (c->kind == CHANGE_DROP_TABLE)
        return changetable_may_go(env, c->rule, d);
    if (c->kind == CHANGE_DROP_SINK)
        return changesink_may_go(env, c->rule, d);
    const struct registry_rule *rule = registry_rule_named(env->registry, c->rule);
    if (rule != NULL && c->kind == CHANGE_TRIAL)
        return changetrial_may(env, c->trial, d);
    if (rule != NULL)
        return c->kind == CHANGE_DELETE ? changecut_may_go(env, rule, d) : ERR_OK;
    diag_say(d, "not-found", NULL, "there is no rule %s", c->rule);
    return ERR_NOT_FOUND;
}

enum err change_begin(struct change *c, const struct change_env *env, struct diag *d, bool *rules)
{
    enum err e = ERR_OK;
    *rules = c->kind != CHANGE_SCRIPT;
    if (c->kind != CHANGE_SCRIPT)
        return begin_other(c, env, d);
    for (unsigned i = 0; i < c->n && e == ERR_OK; i++) {
        bool later = c->creates[i].kind == CREATE_RULE || c->creates[i].kind == EDIT_LIST;
        *rules = *rules || later;
        if (!c->stored || later)
            e = check_name(env, &c->creates[i], (struct span){0, 0}, d);
    }
    for (unsigned i = 0; i < c->n && e == ERR_OK && !c->stored; i++)
        e = store(env, &c->creates[i], d);
    if (e == ERR_OK)
        c->stored = true;
    return e;
}

/* --- the second half ----------------------------------------------------------------------------------------------- */

void change_marks(const struct change_env *env, const struct schema *s, struct job_mark *marks)
{
    const struct schema *of = s->copy_of != NULL ? s->copy_of : s;
    if (strcmp(s->connector, "file") == 0)
        feed_marks(env->feed, of, marks);
    else
        intake_marks(env->intake, of, marks);
    for (unsigned i = 0; s != of && i < s->partitions; i++)
        marks[i].stream = s->id;
}

void change_delta_fini(struct change_delta *delta)
{
    mem_free(delta->put);
    mem_free(delta->removed);
    mem_free(delta->opened);
    for (size_t i = 0; i < delta->nlists; i++)
        bytes_fini(&delta->lists[i]);
    mem_free(delta->lists);
    *delta = (struct change_delta){0};
}

static struct bytes *note_list(struct change_delta *delta)
{
    delta->lists =
        mem_grow(delta->lists, delta->nlists, 1, &delta->lists_cap, sizeof *delta->lists);
    delta->lists[delta->nlists] = (struct bytes){0};
    return &delta->lists[delta->nlists++];
}

enum err change_commit(struct change *c, const struct change_env *env, struct diag *d,
                       struct change_delta *delta)
{
    if (c->kind == CHANGE_DROP_LIST)
        return changelist_drop(env, c->rule, d, note_list(delta));
    if (c->kind == CHANGE_DROP_TABLE)
        return changetable_drop(env, c->rule, d);
    if (c->kind == CHANGE_DROP_SINK)
        return changesink_drop(env, c->rule, d);
    if (c->kind == CHANGE_TRIAL)
        return changetrial_commit(env, c->trial, d, delta);
    if (c->kind == CHANGE_TRIAL_OVER) {
        changetrial_over(env, c->uid, delta);
        return ERR_OK;
    }
    if (c->kind == CHANGE_RETIRE) {
        changerule_retire(env, c->uid, c->version, delta);
        return ERR_OK;
    }
    if (c->kind == CHANGE_LANE)
        return lanes_begin(env, c->uid, d, delta);
    if (c->kind == CHANGE_LANE_OVER) {
        lanes_over(env, c->uid, delta);
        return ERR_OK;
    }
    if (c->kind != CHANGE_SCRIPT)
        return changerule_mode(env, c->rule, c->kind == CHANGE_MODE, c->mode, d, delta);
    /* A script of a thousand rules waits for the disk once. */
    enum err e = catalog_begin(env->catalog), stored = ERR_OK;
    if (e != ERR_OK) {
        diag_say(d, "catalogue", NULL, "the change cannot be stored: %s", err_text(e));
        return e;
    }
    for (unsigned i = 0; i < c->n && e == ERR_OK; i++) {
        const struct create *k = &c->creates[i];
        if (k->kind == CREATE_RULE)
            e = changerule_create(env,
                                  &(struct changerule){k->name, k->sql, k->author, k->reason,
                                                       k->version, k->reset, k->resting,
                                                       k->rollback_to, k->operation, k->beside},
                                  d, delta);
        else if (k->kind == EDIT_LIST)
            e = changelist_commit(k->edit, env, k->name, d, note_list(delta));
    }
    if ((stored = catalog_end(env->catalog)) != ERR_OK && e == ERR_OK) {
        diag_say(d, "catalogue", NULL, "the change cannot be stored: %s", err_text(stored));
        e = stored;
    }
    return e;
}
