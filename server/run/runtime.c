/* SPDX-License-Identifier: Apache-2.0
 *
 * The API's side of the runtime: start, stop, requests that are handed to the loop's thread, snapshots. */
#define LOG_MODULE "runtime"
#include "server/run/runtime.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "cep/list.h"
#include "server/alerts/deadsend.h"
#include "server/alerts/eventtext.h"
#include "server/deploy/changelist.h"
#include "server/deploy/changeload.h"
#include "server/deploy/lanes.h"
#include "server/deploy/registrylist.h"
#include "server/deploy/tableset.h"
#include "server/run/runtimedef.h"
#include "server/run/runtimepoison.h"
#include "server/run/runtimesave.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ORDERING_ROWS_MAX = 64 << 20 };

/* --- start and stop ---------------------------------------------------------------------------------------------- */

static void wake_loop(void *ctx)
{
    runtimeloop_wake(ctx);
}

static void on_room_or_rows(void *ctx)
{
    runtimeloop_wake(&((struct runtime *)ctx)->loop);
}

static void on_refused(void *ctx, const struct catalog_dead_letter *d)
{
    alertwriter_dead_letter(((struct runtime *)ctx)->alerts, d);
}

static enum err open_stores(struct runtime *r, const char *data, struct diag *d)
{
    if (mkdir(data, 0750) < 0 && errno != EEXIST) {
        diag_say(d, "data", NULL, "the data folder %s cannot be made: %s", data, strerror(errno));
        return ERR_IO;
    }
    char *log = mem_printf("%s/log", data), *catalogue = mem_printf("%s/catalogue.db", data),
         *poison = mem_printf("%s/poison.list", data);
    /* The log first: its lock tells whether another server uses the folder. */
    enum err e = intakelog_open(log, d, &r->log);
    if (e == ERR_OK)
        e = catalog_open(catalogue, d, &r->catalog);
    if (e == ERR_OK)
        e = poison_open(poison, d, &r->loop.poison);
    mem_free(poison);
    mem_free(log);
    mem_free(catalogue);
    return e;
}

/* The count of key groups is the catalogue's from the first start on. */
static enum err fix_key_groups(struct runtime *r, const struct runtime_options *o, struct diag *d,
                               unsigned *groups)
{
    char text[256];
    *groups = o->key_groups;
    enum err e = catalog_get_setting(r->catalog, "key_groups", text);
    if (e == ERR_OK) {
        *groups = (unsigned)strtoul(text, NULL, 10);
    } else if (e == ERR_NOT_FOUND) {
        snprintf(text, sizeof text, "%u", *groups);
        e = catalog_set_setting(r->catalog, "key_groups", text);
    }
    if (e != ERR_OK) {
        diag_say(d, "catalogue", NULL, "the settings cannot be read: %s", err_text(e));
        return e;
    }
    if (*groups == 0 || (*groups & (*groups - 1)) != 0 || o->workers == 0 || o->workers > *groups ||
        o->workers > TASK_WORKERS_MAX) {
        diag_say(d, "workers", "give --workers from 1 to the number of key groups",
                 "%u workers cannot share %u key groups (a power of two)", o->workers, *groups);
        return ERR_INVALID;
    }
    return ERR_OK;
}

static void make_parts(struct runtime *r, const struct runtime_options *o,
                       runtime_on_alert *on_alert, void *ctx)
{
    struct intake_events events = {on_refused, on_room_or_rows, r};
    struct alertwriter_options w = {.catalog = r->catalog,
                                    .registry = r->registry,
                                    .sinks = r->sinks,
                                    .log = r->log,
                                    .queue_bytes = o->budget.alerts_bytes,
                                    .dead_letters_kept = o->dead_letters_kept,
                                    .timeouts_kept = o->timeouts_kept,
                                    .trials = r->trials,
                                    .trial_results_kept = o->trial_results_kept,
                                    .side_retention_ms = o->side_retention_ms,
                                    .on_alert = on_alert,
                                    .ctx = ctx,
                                    .marked = checkpointer_stored,
                                    .not_stored = checkpointer_not_stored,
                                    .marked_ctx = r->checkpointer,
                                    .drained = on_room_or_rows,
                                    .drained_ctx = r};
    struct crew_events from_crew;
    runtimeloop_events(&r->loop, &from_crew);
    r->intake = intake_new(r->log, &events, o->max_intake_ahead_rows);
    r->feed = feed_new(r->registry, r->log, r->intake, o->workers, &o->budget);
    r->crew = crew_new(o->workers, o->budget.results_window, &from_crew);
    r->loop.inspector = inspector_new(r->crew, o->workers);
    r->whynot = whynot_new(r->log, r->loop.inspector, wake_loop, &r->loop);
    r->generators = generators_new(r->registry, r->intake);
    r->alerts = alertwriter_start(&w);
}

static struct deadsend letters_of(struct runtime *r)
{
    return (struct deadsend){r->catalog, r->registry, r->intake, r->log};
}

/* What the end of the last process left open. */
static enum err settle_letters(struct runtime *r, const struct runtime_options *o, struct diag *d)
{
    struct deadsend letters = letters_of(r);
    r->letters_kept = o->dead_letters_kept;
    enum err e = deadsend_settle(&letters);
    if (e == ERR_OK)
        e = deadsend_refill(&letters, r->alerts, o->dead_letters_kept);
    if (e != ERR_OK)
        diag_say(d, "dead-letters", NULL, "the dead letters cannot be brought up to date: %s",
                 err_text(e));
    return e;
}

enum err runtime_start(const struct runtime_options *o, runtime_on_alert *on_alert, void *ctx,
                       struct diag *d, struct runtime **out)
{
    struct catalog_counts counts = {0};
    unsigned groups = 0;
    struct runtime *r = mem_new(sizeof *r);
    struct runtimeloop *l = &r->loop;
    runtimeloop_init(l);
    r->registry = registry_new();
    r->trials = trials_new();
    r->sinks = sinks_new(o->sinks, o->data);
    enum err e = runtimesave_before(r, o, d);
    if (e == ERR_OK)
        e = open_stores(r, o->data, d);
    if (e != ERR_OK || (e = fix_key_groups(r, o, d, &groups)) != ERR_OK)
        goto out;
    if ((e = checkpointer_open(o->data, &o->checkpoint, d, &r->checkpointer)) != ERR_OK)
        goto out;
    make_parts(r, o, on_alert, ctx);
    checkpointer_set_env(r->checkpointer, &(struct checkpointer_env){.registry = r->registry,
                                                                     .feed = r->feed,
                                                                     .log = r->log,
                                                                     .alerts = r->alerts,
                                                                     .crew = r->crew,
                                                                     .workers = o->workers,
                                                                     .key_groups = groups,
                                                                     .wake = wake_loop,
                                                                     .ctx = l});
    l->checkpointer = r->checkpointer;
    l->env = (struct change_env){.catalog = r->catalog,
                                 .registry = r->registry,
                                 .intake = r->intake,
                                 .log = r->log,
                                 .lanes = lanes_new(&o->lanes, r->feed,
                                                    mem_printf("%s/savepoints", o->data)),
                                 .feed = r->feed,
                                 .alerts = r->alerts,
                                 .trials = r->trials,
                                 .sinks = r->sinks,
                                 .limits = {o->max_lists, o->max_list_items, o->max_list_edits}};
    l->crew = r->crew;
    l->generators = r->generators;
    l->task = (struct task_options){.workers = o->workers,
                                    .key_groups = groups,
                                    .max_ordering_rows = ORDERING_ROWS_MAX,
                                    .max_partials_per_key = o->max_partials_per_key,
                                    .max_rows_per_key = o->max_rows_per_key};
    restart_init(&l->restart, &o->restart);
    l->heartbeat_timeout_ms = o->heartbeat_timeout_ms;
    l->buffer_timeout_ms = o->buffer_timeout_ms;
    l->last_checkpoint_ms = o->last_checkpoint_ms;
    l->budget = o->budget;
    if ((e = changeload(&l->env, d)) != ERR_OK || (e = settle_letters(r, o, d)) != ERR_OK ||
        (e = runtimesave_start(r, o, d)) != ERR_OK)
        goto out;
    if (catalog_alerts_count(r->catalog, timebase_now_ms(), &counts) == ERR_OK)
        r->alerts_before = counts.alerts;
    BUG_IF(pthread_create(&r->thread, NULL, runtimeloop_run, l) != 0, "no thread for the runtime");
    r->running = true;
    *out = r;
    r = NULL;
out:
    runtime_stop(r);
    return e;
}

void runtime_stop(struct runtime *r)
{
    if (r == NULL)
        return;
    if (r->running) {
        atomic_store(&r->loop.stop, true);
        runtimeloop_wake(&r->loop);
        pthread_join(r->thread, NULL);
    }
    whynot_stop(r->whynot);
    inspector_free(r->loop.inspector);
    whynot_free(r->whynot);
    alertwriter_stop(r->alerts);
    checkpointer_refuse(r->checkpointer);
    savepoints_stop(r->savepoints);
    checkpointer_close(r->checkpointer);
    generators_free(r->generators);
    crew_free(r->crew);
    feed_free(r->feed);
    intake_free(r->intake);
    registry_free(r->registry);
    lanes_free(r->loop.env.lanes);
    trials_free(r->trials);
    sinks_free(r->sinks);
    catalog_close(r->catalog);
    intakelog_close(r->log);
    poison_close(r->loop.poison);
    runtimesave_end(r);
    runtimeloop_fini(&r->loop);
    mem_free(r);
}

bool runtime_ready(struct runtime *r)
{
    return atomic_load(&r->loop.ready);
}

/* --- names ------------------------------------------------------------------------------------------------------- */

const struct scope *runtime_scope(struct runtime *r)
{
    return registry_scope(r->registry);
}

const struct schema *runtime_stream(struct runtime *r, const char *name)
{
    return registry_stream(r->registry, name);
}

struct rule_plan *runtime_plan(struct runtime *r, uint64_t uid)
{
    uint32_t version = 0;
    return registry_plan(r->registry, uid, &version);
}

const char *runtime_stream_name(struct runtime *r, uint32_t stream)
{
    const struct schema *s = registry_stream_by_id(r->registry, stream);
    return s == NULL ? NULL : s->name;
}

enum err runtime_event(struct runtime *r, uint32_t stream, uint32_t partition, uint64_t offset,
                       char **text, size_t *n)
{
    const char *found = NULL;
    struct arena *a = arena_new(4096, 0);
    struct eventtext *texts = eventtext_new(r->log, r->registry);
    enum err e = eventtext_get(texts, &(struct place){stream, partition, offset}, a, &found, n);
    if (e == ERR_OK)
        *text = mem_dup(found, *n);
    eventtext_free(texts);
    arena_free(a);
    return e;
}

/* --- changes ----------------------------------------------------------------------------------------------------- */

static enum err enqueue(struct runtime *r, struct change *c, runtime_done *done, void *ctx)
{
    change_on_done(c, done, ctx);
    runtimeloop_enqueue(&r->loop, c);
    return ERR_OK;
}

enum err runtime_create(struct runtime *r, const char *sql, size_t n, const char *select_name,
                        struct diag *d, runtime_done *done, void *ctx)
{
    struct change *c = NULL;
    enum err e = change_script(&r->loop.env, sql, n, select_name, d, &c);
    return e != ERR_OK ? e : enqueue(r, c, done, ctx);
}

enum err runtime_enqueue_for(struct runtime *r, const char *rule, struct change *c,
                             runtime_done *done, void *ctx)
{
    if (!registry_has_rule(r->registry, rule)) {
        change_free(c);
        return ERR_NOT_FOUND;
    }
    change_on_done(c, done, ctx);
    runtimeloop_enqueue(&r->loop, c);
    return ERR_OK;
}

enum err runtime_set_mode(struct runtime *r, const char *rule, enum rule_mode mode,
                          runtime_done *done, void *ctx)
{
    return runtime_enqueue_for(r, rule, change_mode(rule, mode), done, ctx);
}

enum err runtime_delete_rule(struct runtime *r, const char *rule, runtime_done *done, void *ctx)
{
    return runtime_enqueue_for(r, rule, change_delete(rule), done, ctx);
}

struct list *runtime_list(struct runtime *r, const char *name, uint64_t *uid)
{
    return registrylist_find(r->registry, name, uid);
}

static bool has_list(struct runtime *r, const char *name)
{
    struct list *l = registrylist_find(r->registry, name, NULL);
    list_unref(l);
    return l != NULL;
}

enum err runtime_edit_list(struct runtime *r, const char *list, struct changelist *edit,
                           runtime_done *done, void *ctx)
{
    return has_list(r, list) ? enqueue(r, change_edit(list, edit), done, ctx) : ERR_NOT_FOUND;
}

enum err runtime_drop_list(struct runtime *r, const char *list, runtime_done *done, void *ctx)
{
    return has_list(r, list) ? enqueue(r, change_drop_list(list), done, ctx) : ERR_NOT_FOUND;
}

struct rule_teller {
    void (*each)(void *ctx, uint64_t uid, const char *rule);
    void *ctx;
};

static void tell_rule(void *ctx, const struct registry_rule *rule)
{
    const struct rule_teller *t = ctx;
    t->each(t->ctx, rule->uid, rule->name);
}

unsigned runtime_list_rules(struct runtime *r, const char *list,
                            void (*each)(void *ctx, uint64_t uid, const char *rule), void *ctx)
{
    struct rule_teller t = {each, ctx};
    return registrylist_rules(r->registry, list, tell_rule, &t);
}

const struct table *runtime_table(struct runtime *r, const char *name)
{
    return tableset_find(registry_tables(r->registry), name);
}

enum err runtime_drop_table(struct runtime *r, const char *table, runtime_done *done, void *ctx)
{
    return runtime_table(r, table) != NULL ? enqueue(r, change_drop_table(table), done, ctx)
                                           : ERR_NOT_FOUND;
}

unsigned runtime_table_rules(struct runtime *r, const char *table,
                             void (*each)(void *ctx, uint64_t uid, const char *rule), void *ctx)
{
    struct rule_teller t = {each, ctx};
    return registry_table_rules(r->registry, table, tell_rule, &t);
}

unsigned runtime_lookups(struct runtime *r, struct runtime_lookups *out, unsigned cap)
{
    unsigned n = crew_lookups(r->crew, out, cap);
    for (unsigned i = 0; i < n && i < cap; i++)
        out[i].table = tableset_name(registry_tables(r->registry), out[i].uid);
    return n;
}

/* --- checkpoints ------------------------------------------------------------------------------------------------- */

void runtime_checkpoint(struct runtime *r, runtime_done *done, void *ctx)
{
    checkpointer_want(r->checkpointer, done, ctx);
}

unsigned runtime_checkpoints(struct runtime *r, struct runtime_checkpoint *out, unsigned cap)
{
    return checkpointer_history(r->checkpointer, out, cap);
}

void runtime_checkpoint_counts(struct runtime *r, struct runtime_checkpoint_counts *out)
{
    checkpointer_counts(r->checkpointer, out);
}

/* --- intake ------------------------------------------------------------------------------------------------------ */

static enum err posted_stream(struct runtime *r, const char *name, const struct schema **out)
{
    *out = registry_stream(r->registry, name);
    if (*out == NULL)
        return ERR_NOT_FOUND;
    /* Events of the others come from where the stream says. */
    return strcmp((*out)->connector, "http") == 0 ? ERR_OK : ERR_CONFLICT;
}

enum err runtime_intake(struct runtime *r, const char *stream, unsigned partition,
                        const struct runtime_row *rows, unsigned n, bool durable,
                        struct runtime_row_answer *answers)
{
    const struct schema *s = NULL;
    enum err e = posted_stream(r, stream, &s);
    if (e == ERR_OK && alertwriter_letters_full(r->alerts))
        e = ERR_AGAIN;
    return e != ERR_OK ? e : intake_rows(r->intake, s, partition, rows, n, durable, answers);
}

enum err runtime_finish(struct runtime *r, const char *stream, int partition)
{
    const struct schema *s = NULL;
    enum err e = posted_stream(r, stream, &s);
    if (e != ERR_OK)
        return e;
    if (partition >= 0)
        return intake_finish(r->intake, s, (unsigned)partition);
    bool any = false;
    for (unsigned p = 0; p < s->partitions; p++) {
        e = intake_finish(r->intake, s, p);
        if (e != ERR_OK && e != ERR_CONFLICT)
            return e;
        any = any || e == ERR_OK;
    }
    return any ? ERR_OK : ERR_CONFLICT;
}

/* --- dead letters ------------------------------------------------------------------------------------------------ */

enum err runtime_send_letters(struct runtime *r, const struct catalog_dead_filter *f,
                              unsigned limit, const char *by, struct runtime_sent *out)
{
    struct deadsend letters = letters_of(r);
    enum err e = deadsend_go(&letters, f, limit, by, out);
    atomic_fetch_add(&r->letters_sent, out->sent);
    return e;
}

enum err runtime_edit_letter(struct runtime *r, uint64_t id, const char *text, size_t n,
                             const char *by)
{
    return catalog_deadsend_edit(r->catalog, id, text, n, timebase_now_ms(), by);
}

enum err runtime_delete_letters(struct runtime *r, const struct catalog_dead_filter *f,
                                const char *by, uint64_t *deleted)
{
    return catalog_deadsend_delete(r->catalog, f, r->letters_kept, by, deleted);
}

void runtime_restart(struct runtime *r, struct runtime_restart *out)
{
    struct runtimeloop *l = &r->loop;
    pthread_mutex_lock(&l->lock);
    *out = l->shown_restart;
    montime left = l->next_attempt - timebase_mono_ns();
    out->next_ms = l->phase != PHASE_DOWN || out->given_up ? -1 : left > 0 ? left / 1000000 : 0;
    pthread_mutex_unlock(&l->lock);
}

enum err runtime_try_again(struct runtime *r, bool skip)
{
    struct runtimeloop *l = &r->loop;
    pthread_mutex_lock(&l->lock);
    bool down = l->phase == PHASE_DOWN;
    pthread_mutex_unlock(&l->lock);
    if (!down)
        return ERR_CONFLICT;
    atomic_store(&l->skip_poison, skip);
    atomic_store(&l->try_again, true);
    runtimeloop_wake(l);
    return ERR_OK;
}

/* --- snapshots --------------------------------------------------------------------------------------------------- */

unsigned runtime_workers(struct runtime *r, struct runtime_worker *out, unsigned cap)
{
    return crew_workers(r->crew, out, cap);
}

unsigned runtime_channels(struct runtime *r, struct runtime_channel *out, unsigned cap)
{
    unsigned workers = crew_workers(r->crew, NULL, 0);
    unsigned n = feed_channels(r->feed, out, cap);
    for (unsigned i = 0; i < workers && i < cap; i++)
        out[i].queued = 0; /* what is sent is under way until it is taken: that is its credit */
    return n + crew_channels(r->crew, n < cap ? out + n : NULL, n < cap ? cap - n : 0);
}

unsigned runtime_partitions(struct runtime *r, struct runtime_partition *out, unsigned cap)
{
    return feed_snapshot(r->feed, out, cap);
}

unsigned runtime_poison(struct runtime *r, struct runtime_poison *out, unsigned cap)
{
    return runtimepoison_list(&r->loop, out, cap);
}

unsigned runtime_rules(struct runtime *r, struct runtime_rule_stats *out, unsigned cap)
{
    return crew_rules(r->crew, out, cap);
}

/* The newest first. */
unsigned runtime_exceptions(struct runtime *r, struct runtime_exception *out, unsigned cap)
{
    struct runtimeloop *l = &r->loop;
    pthread_mutex_lock(&l->lock);
    unsigned n =
        l->nexceptions < RUNTIMELOOP_EXCEPTIONS ? (unsigned)l->nexceptions : RUNTIMELOOP_EXCEPTIONS;
    for (unsigned i = 0; i < n && i < cap; i++)
        out[i] = l->exceptions[(l->nexceptions - 1 - i) % RUNTIMELOOP_EXCEPTIONS];
    pthread_mutex_unlock(&l->lock);
    return n;
}

void runtime_totals(struct runtime *r, struct runtime_totals *out)
{
    struct intake_counts in;
    struct alertwriter_counts alerts;
    struct runtimeloop *l = &r->loop;
    intake_count(r->intake, &in);
    alertwriter_count(r->alerts, &alerts);
    *out = (struct runtime_totals){.events_accepted = in.accepted,
                                   .events_refused = in.refused,
                                   .alerts = r->alerts_before + alerts.alerts,
                                   .timeouts = alerts.timeouts,
                                   .timeouts_dropped = alerts.timeouts_dropped,
                                   .letters_sent = atomic_load(&r->letters_sent),
                                   .results_waiting_bytes = alerts.waiting_bytes,
                                   .watermark = feed_watermark(r->feed)};
    pthread_mutex_lock(&l->lock);
    out->events_processed = l->processed;
    out->poison_skipped = poison_skipped(l->poison);
    out->late = l->late;
    unsigned n = l->nrates < RUNTIMELOOP_RATE_SECONDS ? l->nrates : RUNTIMELOOP_RATE_SECONDS;
    for (unsigned i = 0; i < n; i++)
        out->events_per_second += l->rates[i] / n;
    pthread_mutex_unlock(&l->lock);
}
