/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_runtime.h"
#include "base/bug.h"
#include "base/mem.h"
#include "rules/compile.h"
#include "server/api/alertjson.h"
#include "server/checkpoint/savepoints.h"
#include "server/deploy/runtimeversion.h"
#include "server/run/runtimebacktest.h"
#include "server/run/runtimelane.h"
#include "server/run/runtimesave.h"
#include "server/run/runtimetrial.h"
#include "tests/lib/fake_outside.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { STREAMS = 8, RULES = 64, PARTITIONS = 4, EVENTS = 1 << 16 };

struct stream {
    struct script *script; /* owns the schema */
    struct schema schema;
    char *events[PARTITIONS][EVENTS];
    uint64_t end[PARTITIONS];
    bool finished[PARTITIONS];
};
struct runtime {
    struct fake_runtime_knobs knobs;
    struct catalog *c;
    struct scope scope;
    runtime_on_alert *on_alert;
    void *ctx;
    pthread_mutex_t lock;
    unsigned nstreams, nrules;
    struct stream *streams[STREAMS];
    struct {
        uint64_t uid;
        struct rule_plan *plan;
    } rules[RULES];
    atomic_int changes; /* under way */
    uint64_t accepted, refused;
};

struct fake_runtime_knobs *fake_runtime_knobs(struct runtime *r)
{
    return &r->knobs;
}

/* The linker takes these stand-ins along with this file, before it comes to what they stand for. */
void fake_runtime_parts(void (*parts[4])(void))
{
    parts[0] = (void (*)(void))runtimebacktest_catalog;
    parts[1] = (void (*)(void))runtimesave_all;
    parts[2] = (void (*)(void))runtimetrial_of;
    parts[3] = (void (*)(void))savepoints_list;
}

struct catalog *fake_runtime_catalog(struct runtime *r)
{
    return r->c;
}

static struct stream *find(struct runtime *r, const char *name)
{
    for (unsigned i = 0; i < r->nstreams; i++)
        if (strcasecmp(r->streams[i]->schema.name, name) == 0)
            return r->streams[i];
    return NULL;
}

static const struct schema *scope_stream(void *ctx, const char *name)
{
    struct stream *s = find(ctx, name);
    return s ? &s->schema : NULL;
}

static const char *scope_name(void *ctx, unsigned i)
{
    struct runtime *r = ctx;
    return i < r->nstreams ? r->streams[i]->schema.name : NULL;
}

enum err runtime_start(const struct runtime_options *o, runtime_on_alert *on_alert, void *ctx,
                       struct diag *d, struct runtime **out)
{
    struct runtime *r = mem_new(sizeof *r);
    char *path = mem_printf("%s/catalogue.db", o->data);
    fake_outside();
    r->scope = (struct scope){.ctx = r, .stream = scope_stream, .stream_name = scope_name};
    r->on_alert = on_alert;
    r->ctx = ctx;
    pthread_mutex_init(&r->lock, NULL);
    enum err e = catalog_open(path, d, &r->c);
    mem_free(path);
    if (e == ERR_OK)
        *out = r;
    else
        mem_free(r);
    return e;
}

void runtime_stop(struct runtime *r)
{
    if (!r)
        return;
    atomic_store(&r->knobs.hold_changes, false);
    while (atomic_load(&r->changes) > 0)
        usleep(1000);
    for (unsigned i = 0; i < r->nrules; i++)
        plan_unref(r->rules[i].plan);
    for (unsigned i = 0; i < r->nstreams; i++) {
        for (unsigned p = 0; p < PARTITIONS; p++)
            for (uint64_t k = 0; k < r->streams[i]->end[p]; k++)
                mem_free(r->streams[i]->events[p][k]);
        compile_script_free(r->streams[i]->script);
        mem_free(r->streams[i]);
    }
    catalog_close(r->c);
    pthread_mutex_destroy(&r->lock);
    mem_free(r);
}

bool runtime_ready(struct runtime *r)
{
    return !atomic_load(&r->knobs.not_ready);
}

const struct scope *runtime_scope(struct runtime *r)
{
    return &r->scope;
}

const struct schema *runtime_stream(struct runtime *r, const char *name)
{
    return scope_stream(r, name);
}

struct rule_plan *runtime_plan(struct runtime *r, uint64_t uid)
{
    for (unsigned i = 0; i < r->nrules; i++)
        if (r->rules[i].uid == uid)
            return plan_ref(r->rules[i].plan);
    return NULL;
}

const char *runtime_stream_name(struct runtime *r, uint32_t stream)
{
    (void)r;
    (void)stream;
    return NULL;
}

enum err runtime_event(struct runtime *r, uint32_t stream, uint32_t partition, uint64_t offset,
                       char **text, size_t *n)
{
    for (unsigned i = 0; i < r->nstreams; i++) {
        struct stream *s = r->streams[i];
        if (s->schema.id != stream || partition >= PARTITIONS || offset >= s->end[partition])
            continue;
        *text = mem_str(s->events[partition][offset]);
        *n = strlen(*text);
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

/* --- changes ----------------------------------------------------------------------------------------------------- */

struct change {
    struct runtime *r;
    runtime_done *done;
    void *ctx;
    enum err e;
};

static void *end_change(void *arg)
{
    struct change *c = arg;
    struct runtime *r = c->r;
    do
        usleep(1000);
    while (atomic_load(&r->knobs.hold_changes));
    struct diag d;
    diag_init(&d, NULL, 0);
    if (c->e == ERR_EXISTS)
        diag_say(&d, "exists", "choose another name", "the name is taken");
    c->done(c->ctx, c->e, &d);
    diag_fini(&d);
    mem_free(c);
    atomic_fetch_sub(&r->changes, 1);
    return NULL;
}

static enum err later(struct runtime *r, enum err e, runtime_done *done, void *ctx)
{
    struct change *c = mem_new(sizeof *c);
    pthread_t t;
    *c = (struct change){r, done, ctx, e};
    atomic_fetch_add(&r->changes, 1);
    BUG_IF(pthread_create(&t, NULL, end_change, c) != 0, "no thread");
    pthread_detach(t);
    return ERR_OK;
}

static enum err add_stream(struct runtime *r, struct script *script, const char *sql)
{
    struct stream *s = mem_new(sizeof *s);
    struct catalog_text row = {.created = timebase_now_ms()};
    s->script = script;
    s->schema = *script->statements[0].schema;
    row.name = (char *)(uintptr_t)s->schema.name;
    row.sql = (char *)(uintptr_t)sql;
    enum err e = r->nstreams == STREAMS ? ERR_LIMIT : catalog_texts_add(r->c, CATALOG_STREAM, &row);
    if (e != ERR_OK) {
        mem_free(s);
        return e;
    }
    s->schema.id = row.uid;
    r->streams[r->nstreams++] = s;
    return ERR_OK;
}

static enum err add_rule(struct runtime *r, struct rule_plan *plan, const char *sql)
{
    struct catalog_cut cut = {.deployed = 1, .mode = (int)plan->mode};
    struct catalog_rule row = {.name = (char *)(uintptr_t)plan->name,
                               .sql = (char *)(uintptr_t)sql,
                               .version = 1,
                               .mode = (int)plan->mode,
                               .created = timebase_now_ms(),
                               .updated = timebase_now_ms(),
                               .ncuts = 1,
                               .cuts = &cut};
    enum err e = r->nrules == RULES ? ERR_LIMIT : catalog_rules_add(r->c, &row);
    if (e == ERR_OK) {
        r->rules[r->nrules].uid = row.uid;
        r->rules[r->nrules++].plan = plan_ref(plan);
    }
    return e;
}

enum err runtime_create(struct runtime *r, const char *sql, size_t n, const char *select_name,
                        struct diag *d, runtime_done *done, void *ctx)
{
    struct script *script = NULL;
    struct rule_plan *plan = NULL;
    char *text = mem_dup(sql, n);
    enum err e = select_name ? compile_rule(select_name, sql, n, &r->scope, d, &plan)
                             : compile_script(sql, n, &r->scope, d, &script);
    if (e == ERR_OK && plan) {
        e = add_rule(r, plan, text);
    } else if (e == ERR_OK && (script->n != 1 || script->statements[0].kind > STATEMENT_RULE)) {
        diag_say(d, "test", NULL, "one stream or rule");
        e = ERR_UNSUPPORTED;
    } else if (e == ERR_OK && script->statements[0].kind == STATEMENT_STREAM) {
        e = add_stream(r, script, text);
        if (e == ERR_OK)
            script = NULL; /* the stream's now */
    } else if (e == ERR_OK) {
        e = add_rule(r, script->statements[0].rule, text);
    }
    plan_unref(plan);
    compile_script_free(script);
    mem_free(text);
    return e == ERR_OK || e == ERR_EXISTS ? later(r, e, done, ctx) : e;
}

static enum err cut(struct runtime *r, const char *rule, int deployed, enum rule_mode mode)
{
    uint64_t uid = 0;
    enum err e = catalog_rules_find(r->c, rule, &uid);
    struct catalog_cut cut = {.deployed = deployed, .mode = (int)mode, .at = timebase_now_ms()};
    return e == ERR_OK ? catalog_rules_cut(r->c, uid, &cut) : e;
}

/* There is one version of each rule. */
enum err runtimeversion_activate(struct runtime *r, const struct runtimeversion_activation *what,
                                 struct diag *d, runtime_done *done, void *ctx)
{
    (void)d;
    return later(r, cut(r, what->rule, 1, RULE_ACTIVE), done, ctx);
}

enum err runtimeversion_add(struct runtime *r, struct catalog_version *v)
{
    return catalog_versions_add(r->c, v);
}

bool runtimeversion_handover(struct runtime *r, uint64_t uid, uint32_t version,
                             struct task_kept *kept)
{
    (void)r;
    (void)uid;
    *kept = (struct task_kept){0};
    return version == 1;
}

struct runtime_rule_stats runtimeversion_stats(struct runtime *r, uint64_t uid)
{
    (void)r;
    return (struct runtime_rule_stats){.uid = uid};
}

enum err runtime_set_mode(struct runtime *r, const char *rule, enum rule_mode mode,
                          runtime_done *done, void *ctx)
{
    return later(r, cut(r, rule, 1, mode), done, ctx);
}

enum err runtime_delete_rule(struct runtime *r, const char *rule, runtime_done *done, void *ctx)
{
    return later(r, cut(r, rule, 0, RULE_ACTIVE), done, ctx);
}

/* It has no lists (fake_outside.c): tests/e2e/test_lists_server.py has. */
enum err runtime_edit_list(struct runtime *r, const char *list, struct changelist *edit,
                           runtime_done *done, void *ctx)
{
    (void)list;
    (void)edit;
    return later(r, ERR_NOT_FOUND, done, ctx);
}

enum err runtime_drop_list(struct runtime *r, const char *list, runtime_done *done, void *ctx)
{
    (void)list;
    return later(r, ERR_NOT_FOUND, done, ctx);
}

/* --- intake ------------------------------------------------------------------------------------------------------ */

enum err runtime_intake(struct runtime *r, const char *stream, unsigned partition,
                        const struct runtime_row *rows, unsigned n, bool durable,
                        struct runtime_row_answer *answers)
{
    struct stream *s = find(r, stream);
    (void)durable;
    if (!s || partition >= s->schema.partitions || partition >= PARTITIONS)
        return ERR_NOT_FOUND;
    if (s->finished[partition])
        return ERR_CONFLICT;
    if (atomic_load(&r->knobs.backpressure) || s->end[partition] + n > EVENTS)
        return ERR_AGAIN;
    for (unsigned i = 0; i < n; i++) {
        answers[i] = (struct runtime_row_answer){.accepted = rows[i].p[0] == '{'};
        if (answers[i].accepted) {
            answers[i].offset = s->end[partition];
            s->events[partition][s->end[partition]++] = mem_dup(rows[i].p, rows[i].n);
            r->accepted++;
        } else {
            snprintf(answers[i].code, sizeof answers[i].code, "not-an-object");
            snprintf(answers[i].error, sizeof answers[i].error, "the event is no object");
            r->refused++;
        }
    }
    return ERR_OK;
}

enum err runtime_finish(struct runtime *r, const char *stream, int partition)
{
    struct stream *s = find(r, stream);
    enum err e = s ? ERR_CONFLICT : ERR_NOT_FOUND;
    for (unsigned p = 0; s && p < s->schema.partitions && p < PARTITIONS; p++) {
        if ((partition >= 0 && (unsigned)partition != p) || s->finished[p])
            continue;
        s->finished[p] = true;
        e = ERR_OK;
    }
    return e;
}

/* --- snapshots ---------------------------------------------------------------------------------------------------- */

unsigned runtime_workers(struct runtime *r, struct runtime_worker *out, unsigned cap)
{
    if (cap > 0)
        out[0] =
            (struct runtime_worker){.pid = 1,
                                    .state = runtime_ready(r) ? WORKER_RUNNING : WORKER_CREATED,
                                    .busy = 0.5,
                                    .watermark = EVTIME_MIN};
    return 1;
}

unsigned runtime_partitions(struct runtime *r, struct runtime_partition *out, unsigned cap)
{
    unsigned n = 0;
    for (unsigned i = 0; i < r->nstreams; i++)
        for (unsigned p = 0; p < r->streams[i]->schema.partitions && p < PARTITIONS; p++, n++)
            if (n < cap)
                out[n] = (struct runtime_partition){.stream = r->streams[i]->schema.name,
                                                    .stream_id = r->streams[i]->schema.id,
                                                    .partition = p,
                                                    .end = r->streams[i]->end[p],
                                                    .watermark = EVTIME_MIN,
                                                    .finished = r->streams[i]->finished[p]};
    return n;
}

unsigned runtime_channels(struct runtime *r, struct runtime_channel *out, unsigned cap)
{
    (void)r;
    if (cap > 0)
        out[0] = (struct runtime_channel){.from = 0, .to = -1, .window = 100, .credit = -1};
    return 1;
}

unsigned runtime_rules(struct runtime *r, struct runtime_rule_stats *out, unsigned cap)
{
    for (unsigned i = 0; i < r->nrules && i < cap; i++)
        out[i] = (struct runtime_rule_stats){.uid = r->rules[i].uid, .partials = i};
    return r->nrules;
}

/* No letter can be sent, none is there. */
enum err runtime_send_letters(struct runtime *r, const struct catalog_dead_filter *f,
                              unsigned limit, const char *by, struct runtime_sent *out)
{
    (void)r, (void)f, (void)limit, (void)by;
    *out = (struct runtime_sent){0};
    return ERR_OK;
}

enum err runtime_edit_letter(struct runtime *r, uint64_t id, const char *text, size_t n,
                             const char *by)
{
    return catalog_deadsend_edit(r->c, id, text, n, 1, by);
}

enum err runtime_delete_letters(struct runtime *r, const struct catalog_dead_filter *f,
                                const char *by, uint64_t *deleted)
{
    return catalog_deadsend_delete(r->c, f, 1000, by, deleted);
}

void runtime_restart(struct runtime *r, struct runtime_restart *out)
{
    (void)r;
    *out = (struct runtime_restart){.next_ms = -1};
}

unsigned runtime_poison(struct runtime *r, struct runtime_poison *out, unsigned cap)
{
    (void)r;
    if (cap > 0)
        out[0] = (struct runtime_poison){"payments", 0, 7, 3, false};
    return 1;
}

enum err runtime_try_again(struct runtime *r, bool skip)
{
    (void)skip;
    (void)r;
    return ERR_CONFLICT;
}

void runtime_checkpoint(struct runtime *r, runtime_done *done, void *ctx)
{
    struct diag d;
    (void)r;
    diag_init(&d, NULL, 0);
    done(ctx, ERR_OK, &d);
    diag_fini(&d);
}

unsigned runtime_checkpoints(struct runtime *r, struct runtime_checkpoint *out, unsigned cap)
{
    (void)r;
    if (cap > 0)
        out[0] = (struct runtime_checkpoint){.id = 1,
                                             .state = CHECKPOINT_COMPLETED,
                                             .trigger = "manual",
                                             .workers = 1,
                                             .part = {{.entries = 3, .bytes = 100}}};
    return 1;
}

void runtime_checkpoint_counts(struct runtime *r, struct runtime_checkpoint_counts *out)
{
    (void)r;
    *out = (struct runtime_checkpoint_counts){.completed = 1};
}

unsigned runtime_exceptions(struct runtime *r, struct runtime_exception *out, unsigned cap)
{
    (void)r;
    if (cap > 0) {
        out[0] = (struct runtime_exception){.at = 0, .attempt = 1};
        snprintf(out[0].text, sizeof out[0].text, "worker 0 was killed");
    }
    return 1;
}

void runtime_totals(struct runtime *r, struct runtime_totals *out)
{
    *out = (struct runtime_totals){.events_accepted = r->accepted,
                                   .events_refused = r->refused,
                                   .watermark = EVTIME_MIN};
}

void fake_runtime_alert(struct runtime *r, const char *id, size_t bytes, uint64_t *seq)
{
    struct bytes json = {0};
    char *row = mem_printf("{\"pad\":\"%0*d\"}", (int)bytes, 0);
    unsigned inserted = 0;
    struct catalog_alert a = {.rule_uid = 1,
                              .rule_version = 1,
                              .rule_name = "spend",
                              .severity = "high",
                              .time = 1000,
                              .created = timebase_now_ms(),
                              .window_start = EVTIME_MIN,
                              .window_end = EVTIME_MIN,
                              .key_json = "{\"card\":\"c1\"}",
                              .row_json = row,
                              .count = 1,
                              .status = "open"};
    snprintf(a.id, sizeof a.id, "%s", id);
    pthread_mutex_lock(&r->lock);
    BUG_IF(catalog_alerts_add(r->c, &a, 1, &inserted) != ERR_OK || inserted != 1, "alert %s", id);
    alertjson_short(&a, &json);
    r->on_alert(r->ctx, a.seq, (const char *)json.p, json.n);
    pthread_mutex_unlock(&r->lock);
    *seq = a.seq;
    bytes_fini(&json);
    mem_free(row);
}

/* --- operations: there are none ------------------------------------------------------------------------------------- */

enum err runtimelane_cover(struct runtime *r, const struct rule_plan *p, evtime since,
                           struct diag *d, struct laneplan_cover *out)
{
    (void)r;
    (void)since;
    *out = (struct laneplan_cover){.from = EVTIME_MIN};
    return laneplan_may(p, d);
}

enum err runtimelane_back(struct runtime *r, const struct runtimelane_past *past, struct diag *d,
                          struct runtimelane_back *out)
{
    (void)r;
    (void)past;
    (void)out;
    diag_say(d, "conflict", NULL, "there is no savepoint");
    return ERR_CONFLICT;
}

enum err runtimelane_add(struct runtime *r, struct catalog_operation *o, bool saves, bool must,
                         struct diag *d)
{
    (void)saves;
    (void)must;
    (void)d;
    return catalog_operations_add(r->c, o);
}

enum err runtimelane_cancel(struct runtime *r, uint64_t id)
{
    (void)r;
    (void)id;
    return ERR_NOT_FOUND;
}

bool runtimelane_progress(struct runtime *r, uint64_t id, struct lanes_progress *out)
{
    (void)r;
    (void)id;
    (void)out;
    return false;
}

void runtimelane_counts(struct runtime *r, struct lanes_counts *out, uint64_t *bytes)
{
    (void)r;
    *out = (struct lanes_counts){0};
    *bytes = 0;
}
