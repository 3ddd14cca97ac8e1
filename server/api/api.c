/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/api.h"
#include "base/mem.h"
#include "server/deploy/changelist.h"
#include "server/http/http.h"
#include "server/http/jsonw.h"
#include <inttypes.h>
#include <string.h>

/* The path of events first: it is asked for most, and the table is searched from its start. */
const struct route api_routes[] = {
    {"POST", "/api/v1/streams/{s}/events", "partition wait rows", ROUTE_EVENTS, api_events_post,
     "take events: one, an array, or one a line"},
    {"GET", "/api/v1/streams/{s}/events", "partition limit", ROUTE_NO_BODY, api_events_recent,
     "the newest recorded events"},
    {"POST", "/api/v1/streams/{s}:finish", "partition", ROUTE_NO_BODY, api_streams_finish,
     "end the input of a stream, or of one partition"},
    {"POST", "/api/v1/streams", NULL, ROUTE_JSON, api_streams_create, "create a stream"},
    {"GET", "/api/v1/streams", NULL, ROUTE_NO_BODY, api_streams_list, "all streams"},
    {"GET", "/api/v1/streams/{s}", NULL, ROUTE_NO_BODY, api_streams_get, "one stream"},
    {"GET", "/api/v1/streams/{s}/late", "limit after", ROUTE_NO_BODY, api_sides_stream_late,
     "events of a stream that came too late for rules"},
    {"GET", "/api/v1/streams/{s}/errors", "limit after", ROUTE_NO_BODY, api_sides_stream_errors,
     "events that a stream refused"},
    {"POST", "/api/v1/rules:validate", NULL, ROUTE_JSON, api_rules_validate,
     "check a rule's text and draw its automaton; changes nothing"},
    {"POST", "/api/v1/rules:explain", NULL, ROUTE_JSON, api_explain_rule,
     "what a rule has become: plan, automaton, state, what it shares; changes nothing"},
    {"POST", "/api/v1/rules", NULL, ROUTE_JSON, api_rules_create, "create a rule"},
    {"GET", "/api/v1/rules", "limit after state", ROUTE_NO_BODY, api_rules_list, "all rules"},
    {"GET", "/api/v1/rules/{r}", NULL, ROUTE_NO_BODY, api_rules_get, "one rule, by name or id"},
    {"GET", "/api/v1/rules/{r}/versions", NULL, ROUTE_NO_BODY, api_versions_list,
     "versions of a rule"},
    {"POST", "/api/v1/rules/{r}/versions", NULL, ROUTE_JSON, api_versions_add,
     "a draft of a new version"},
    {"POST", "/api/v1/rules/{r}/versions/{v}:plan", NULL, ROUTE_NO_BODY, api_plan_version,
     "what an upgrade to that version would keep"},
    {"POST", "/api/v1/rules/{r}:activate", NULL, ROUTE_JSON, api_versions_activate,
     "make a version the active one"},
    {"POST", "/api/v1/rules/{r}:rollback", NULL, ROUTE_JSON, api_versions_rollback,
     "go back to the version before"},
    {"GET", "/api/v1/rules/{r}/versions/{v}", NULL, ROUTE_NO_BODY, api_diff_versions,
     "what a version changes: 3..5, or 5 for what it changes of the active one"},
    {"POST", "/api/v1/rules/{r}:archive", NULL, ROUTE_JSON, api_lives_archive,
     "end a rule, and keep it with its versions"},
    {"POST", "/api/v1/rules/{r}:restore", NULL, ROUTE_JSON, api_lives_restore,
     "take a rule out of the archive, as a draft"},
    {"GET", "/api/v1/rules/{r}/approvals", NULL, ROUTE_NO_BODY, api_lives_approvals,
     "who asked for versions, approved or rejected them"},
    {"POST", "/api/v1/rules/{r}/approvals", NULL, ROUTE_JSON, api_lives_approve,
     "ask for a version, approve or reject it"},
    {"GET", "/api/v1/audit", "limit after name", ROUTE_NO_BODY, api_lives_audit,
     "who changed what, the newest first"},
    {"POST", "/api/v1/rules/{r}:shadow", NULL, ROUTE_JSON, api_trials_shadow,
     "run a version beside the active one, without alerts"},
    {"POST", "/api/v1/rules/{r}:discard", NULL, ROUTE_JSON, api_trials_discard,
     "end what runs beside the active version"},
    {"GET", "/api/v1/rules/{r}/comparison", "shadow class limit after", ROUTE_NO_BODY,
     api_trials_comparison, "what the active version and the one beside it have found"},
    {"POST", "/api/v1/rules/{r}:pause", NULL, ROUTE_NO_BODY, api_rules_pause, "pause a rule"},
    {"POST", "/api/v1/rules/{r}:resume", NULL, ROUTE_NO_BODY, api_rules_resume,
     "resume a paused rule"},
    {"GET", "/api/v1/rules/{r}/partials", "key state older_than limit items after", ROUTE_NO_BODY,
     api_inspect_partials, "partial matches of a pattern, by key"},
    {"GET", "/api/v1/rules/{r}/state", "key state older_than limit items after", ROUTE_NO_BODY,
     api_inspect_state, "what a rule keeps of its keys: partial matches, windows, rows"},
    {"POST", "/api/v1/streams/{s}:why_not", NULL, ROUTE_JSON, api_whyevent,
     "what each rule says of one event: found, nearly, or why not"},
    {"POST", "/api/v1/rules/{r}:why_not", NULL, ROUTE_JSON, api_whynot,
     "why a rule has not fired for a key, event by event"},
    {"GET", "/api/v1/rules/{r}/late", "limit after", ROUTE_NO_BODY, api_sides_rule_late,
     "events that came too late for a rule"},
    {"GET", "/api/v1/rules/{r}/timeouts", "limit after", ROUTE_NO_BODY, api_sides_rule_timeouts,
     "partial matches of a rule whose time was over"},
    {"GET", "/api/v1/rules/{r}/errors", "limit after", ROUTE_NO_BODY, api_sides_rule_errors,
     "what a rule could not do"},
    {"DELETE", "/api/v1/rules/{r}", NULL, ROUTE_NO_BODY, api_rules_delete, "delete a rule"},
    {"POST", "/api/v1/lists", NULL, ROUTE_JSON, api_lists_create,
     "create a list, or put items into lists, in SQL"},
    {"GET", "/api/v1/lists", NULL, ROUTE_NO_BODY, api_lists_list, "all lists"},
    {"GET", "/api/v1/lists/{l}", NULL, ROUTE_NO_BODY, api_lists_get, "one list"},
    {"DELETE", "/api/v1/lists/{l}", NULL, ROUTE_NO_BODY, api_lists_delete,
     "delete a list that no rule reads"},
    {"POST", "/api/v1/tables", NULL, ROUTE_JSON, api_tables_create,
     "make a table of a database known"},
    {"GET", "/api/v1/tables", NULL, ROUTE_NO_BODY, api_tables_list, "all tables of databases"},
    {"GET", "/api/v1/tables/{t}", NULL, ROUTE_NO_BODY, api_tables_get, "one table"},
    {"DELETE", "/api/v1/tables/{t}", NULL, ROUTE_NO_BODY, api_tables_delete,
     "forget a table that no rule looks into"},
    {"POST", "/api/v1/sinks", NULL, ROUTE_JSON, api_sinks_create,
     "make a sink that rules may give to"},
    {"GET", "/api/v1/sinks", NULL, ROUTE_NO_BODY, api_sinks_list,
     "all sinks: what was written and committed, what is wrong"},
    {"GET", "/api/v1/sinks/{s}", NULL, ROUTE_NO_BODY, api_sinks_get, "one sink"},
    {"DELETE", "/api/v1/sinks/{s}", NULL, ROUTE_NO_BODY, api_sinks_delete,
     "end a sink that no rule gives to"},
    {"GET", "/api/v1/lists/{l}/changes", "limit after", ROUTE_NO_BODY, api_lists_changes,
     "who changed a list, when and why, the newest first"},
    {"GET", "/api/v1/lists/{l}/items", "limit after contains", ROUTE_NO_BODY, api_items_list,
     "a list's items, in order of key"},
    {"POST", "/api/v1/lists/{l}/items:bulk", "mode by reason expires_in expires_at", ROUTE_ITEMS,
     api_items_bulk, "add, remove or replace many items"},
    {"GET", "/api/v1/lists/{l}/items/{key}", NULL, ROUTE_NO_BODY, api_items_get, "one item"},
    {"PUT", "/api/v1/lists/{l}/items/{key}", "by reason expires_in expires_at", ROUTE_JSON,
     api_items_put, "add an item, or put another in its place"},
    {"PATCH", "/api/v1/lists/{l}/items/{key}", "by reason expires_in expires_at", ROUTE_JSON,
     api_items_patch, "change columns of an item, or its time"},
    {"DELETE", "/api/v1/lists/{l}/items/{key}", "by reason", ROUTE_NO_BODY, api_items_delete,
     "remove an item"},
    {"GET", "/api/v1/alerts", "limit after rule severity key mode status order", ROUTE_NO_BODY,
     api_alerts_list, "alerts, the newest first"},
    {"GET", "/api/v1/alerts/stream", "after", ROUTE_NO_BODY, api_alerts_stream,
     "alerts as they come (server-sent events)"},
    {"GET", "/api/v1/alerts/{id}", NULL, ROUTE_NO_BODY, api_alerts_get,
     "one alert with the events that made it"},
    {"PATCH", "/api/v1/alerts/{id}", NULL, ROUTE_JSON, api_trials_label,
     "say of an alert whether it was fraud"},
    {"GET", "/api/v1/dead_letters", "limit after kind stream rule code reason contains state",
     ROUTE_NO_BODY, api_dead_list, "events that were refused or came too late, the newest first"},
    {"GET", "/api/v1/dead_letters:groups", "by limit kind stream rule code reason contains state",
     ROUTE_NO_BODY, api_dead_groups, "how many there are of each kind, stream, rule and reason"},
    {"POST", "/api/v1/dead_letters:replay", "kind stream rule code reason contains up_to limit by",
     ROUTE_NO_BODY, api_dead_replay_all, "send all that fit again"},
    {"DELETE", "/api/v1/dead_letters", "kind stream rule code reason contains state up_to by",
     ROUTE_NO_BODY, api_dead_delete_all, "delete all that fit"},
    {"GET", "/api/v1/dead_letters/{id}", NULL, ROUTE_NO_BODY, api_dead_get, "one of them"},
    {"PATCH", "/api/v1/dead_letters/{id}", "by", ROUTE_JSON, api_dead_edit, "put its event right"},
    {"POST", "/api/v1/dead_letters/{id}:replay", "by", ROUTE_NO_BODY, api_dead_replay,
     "send its event again"},
    {"DELETE", "/api/v1/dead_letters/{id}", "by", ROUTE_NO_BODY, api_dead_delete, "delete one"},
    {"GET", "/api/v1/overview", NULL, ROUTE_NO_BODY, api_status_overview, "the server in figures"},
    {"GET", "/api/v1/overview/stream", NULL, ROUTE_NO_BODY, api_status_overview_stream,
     "the same each second (server-sent events)"},
    {"GET", "/api/v1/workers", NULL, ROUTE_NO_BODY, api_workers_list,
     "the worker processes and what went wrong in them"},
    {"POST", "/api/v1/workers:restart", "poison", ROUTE_NO_BODY, api_workers_restart,
     "start workers that have failed, without waiting"},
    {"POST", "/api/v1/workers:rescale", NULL, ROUTE_JSON, api_workers_rescale,
     "another number of workers, with their state; answers when they run"},
    {"GET", "/api/v1/checkpoints", NULL, ROUTE_NO_BODY, api_checkpoints_list,
     "the last checkpoints: state, sizes, durations, what failed"},
    {"POST", "/api/v1/checkpoints", NULL, ROUTE_NO_BODY, api_checkpoints_create,
     "make a checkpoint now; answers when it is complete"},
    {"GET", "/api/v1/savepoints", NULL, ROUTE_NO_BODY, api_savepoints_list,
     "the savepoints: of when, how large, of which rules"},
    {"POST", "/api/v1/savepoints", NULL, ROUTE_JSON, api_savepoints_create,
     "make a savepoint; answers when it is complete"},
    {"GET", "/api/v1/savepoints/{s}", NULL, ROUTE_NO_BODY, api_savepoints_get,
     "one of them: rules with their texts, positions, operators, files"},
    {"DELETE", "/api/v1/savepoints/{s}", NULL, ROUTE_NO_BODY, api_savepoints_delete, "delete one"},
    {"POST", "/api/v1/savepoints/{s}:restore", NULL, ROUTE_JSON, api_savepoints_restore,
     "go back to one, or (dry_run) say what would become of each rule"},
    {"POST", "/api/v1/savepoints/{s}:verify", NULL, ROUTE_NO_BODY, api_savepoints_verify,
     "read one from beginning to end, and hold it against its checksums"},
    {"POST", "/api/v1/backtests", NULL, ROUTE_JSON, api_backtests_create,
     "run a rule's text or version over recorded events, beside what live told"},
    {"GET", "/api/v1/backtests", "limit after rule", ROUTE_NO_BODY, api_backtests_list,
     "backtests, the newest first"},
    {"GET", "/api/v1/backtests/{b}", NULL, ROUTE_NO_BODY, api_backtests_get,
     "one backtest: how far it is, or what it came to"},
    {"GET", "/api/v1/backtests/{b}/alerts", "variant limit after", ROUTE_NO_BODY,
     api_backtests_alerts, "the alerts of a variant: those of it alone first"},
    {"GET", "/api/v1/backtests/{b}/diff", "variant side limit after", ROUTE_NO_BODY,
     api_backtests_diff, "alerts that only the old side has, only the variant, or both"},
    {"DELETE", "/api/v1/backtests/{b}", NULL, ROUTE_NO_BODY, api_backtests_delete,
     "cancel a backtest, or delete one that has ended"},
    {"GET", "/api/v1/operations", "limit after rule", ROUTE_NO_BODY, api_operations_list,
     "long work on rules, the newest first"},
    {"GET", "/api/v1/operations/{o}", NULL, ROUTE_NO_BODY, api_operations_get,
     "one of them: how far it is, or how it ended"},
    {"DELETE", "/api/v1/operations/{o}", NULL, ROUTE_NO_BODY, api_operations_delete,
     "end one: the active version stays as it is"},
    {"GET", "/api/v1/operations/{o}/events", NULL, ROUTE_NO_BODY, api_operations_events,
     "how far one is, each second (server-sent events)"},
    {"GET", "/api/v1/watermarks", NULL, ROUTE_NO_BODY, api_time_watermarks,
     "how far each partition is, and which holds time back"},
    {"GET", "/api/v1/version", NULL, ROUTE_NO_BODY, api_status_version, "version and commit"},
    {"GET", "/api/v1", NULL, ROUTE_NO_BODY, api_status_index, "this list"},
    {"GET", "/metrics", NULL, ROUTE_NO_BODY, api_status_metrics, "figures for Prometheus"},
    {"GET", "/healthz", NULL, ROUTE_NO_BODY, api_status_health, "200: the process answers"},
    {"GET", "/readyz", NULL, ROUTE_NO_BODY, api_status_ready,
     "200: the workers run the present rules; else 503"},
    {"GET", "/problems/", NULL, ROUTE_NO_BODY, api_status_problems, "what can go wrong"},
    {"GET", "/problems/{code}", NULL, ROUTE_NO_BODY, api_status_problems,
     "what a problem means and what to do"},
};
const size_t api_nroutes = sizeof api_routes / sizeof *api_routes;

struct api *api_new(struct http *h, struct runtime *r, struct catalog *reader, unsigned max_events,
                    unsigned max_readers)
{
    struct api *a = mem_new(sizeof *a);
    a->http = h;
    a->runtime = r;
    a->reader = reader;
    a->max_events = max_events;
    a->started = timebase_now_ms();
    a->intake = api_events_new(max_events);
    a->sse = sse_new(h, max_readers,
                     &(struct sse_source){a, api_alerts_replay, api_status_overview_json,
                                          api_operations_json});
    return a;
}

void api_free(struct api *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->nstreams; i++)
        mem_free(a->streams[i].name);
    mem_free(a->streams);
    sse_free(a->sse);
    api_events_free(a->intake);
    mem_free(a);
}

void api_page_open(struct bytes *out)
{
    jsonw_open(out, '{');
    jsonw_key(out, "data");
    jsonw_open(out, '[');
}

void api_page_close(struct bytes *out, bool has_more, uint64_t next)
{
    char cursor[24];
    jsonw_close(out, ']');
    jsonw_key(out, "page");
    jsonw_open(out, '{');
    snprintf(cursor, sizeof cursor, "%" PRIu64, next);
    jsonw_kstr(out, "next", has_more ? cursor : NULL);
    jsonw_kbool(out, "has_more", has_more);
    jsonw_close(out, '}');
    jsonw_close(out, '}');
}

static void note_name(void *ctx, const struct catalog_text *s)
{
    struct api *a = ctx;
    if (a->nstreams > 0 && s->uid <= a->streams[a->nstreams - 1].id)
        return; /* they come in order of id, and are never renamed nor deleted */
    a->streams = mem_grow(a->streams, a->nstreams, 1, &a->streams_cap, sizeof *a->streams);
    a->streams[a->nstreams].id = s->uid;
    a->streams[a->nstreams++].name = mem_str(s->name);
}

void api_read_stream_names(struct api *a)
{
    enum err e = catalog_texts(a->reader, CATALOG_STREAM, note_name, a);
    (void)e; /* a name that cannot be had is shown as null; the failure is in the log */
}

const char *api_stream_name(const struct api *a, uint32_t id)
{
    for (size_t i = 0; i < a->nstreams; i++)
        if (a->streams[i].id == id)
            return a->streams[i].name;
    return NULL;
}

void api_not_found(struct httpcall *c, const char *what, const char *name, char **names, size_t n)
{
    const char *near = diag_nearest(name, (const char *const *)names, n);
    char *hint = near ? mem_printf("did you mean '%s'?", near)
                 : n  ? mem_printf("GET /api/v1/%ss lists what there is", what)
                      : mem_printf("there is no %s yet: POST /api/v1/%ss creates one", what, what);
    httpcall_problem(c, PROBLEM_NOT_FOUND, hint, "there is no %s '%.200s'", what, name);
    mem_free(hint);
}

const char *api_user(struct httpcall *c, const json_t *body)
{
    const char *name = json_string_value(json_object_get(body, "author"));
    name = name != NULL ? name : json_string_value(json_object_get(body, "by"));
    name = name != NULL ? name : httpcall_header(c, "x-weir-user");
    return name == NULL || *name == '\0' ? NULL : name;
}

void api_failed(struct httpcall *c, enum err e)
{
    httpcall_problem(c, problem_of(e), NULL, "%s", err_text(e));
}

/* --- changes that end later ------------------------------------------------------------------------------------ */

struct api_change {
    struct api *api;
    struct httplater *later;
    char *name;
    api_answer *answer;
    enum problem bad;
    enum err e;
    struct diag d; /* its own copies */
    char *kept_why;
    struct changelist *edit; /* of a list's items, or NULL */
};

static void free_change(struct api_change *ch)
{
    diag_fini(&ch->d);
    changelist_unref(ch->edit);
    mem_free(ch->kept_why);
    mem_free(ch->name);
    mem_free(ch);
}

static void answer_failed(struct httpcall *c, enum problem bad, enum err e, const struct diag *d)
{
    bool of_lists = bad == PROBLEM_INVALID_LIST || bad == PROBLEM_INVALID_ITEM;
    enum problem p = e == ERR_LIMIT && of_lists           ? PROBLEM_LIST_FULL
                     : e == ERR_INVALID || e == ERR_LIMIT ? bad
                                                          : problem_of(e);
    if (d && d->errors > 0)
        httpcall_diag(c, p, d);
    else
        httpcall_problem(c, p, NULL, "%s", err_text(e));
}

static void change_ended(struct httpcall *c, void *state)
{
    struct api_change *ch = state;
    ch->api->edited = ch->edit;
    ch->api->kept_why = ch->kept_why;
    if (c && ch->e == ERR_OK)
        ch->answer(ch->api, c, ch->name);
    else if (c)
        answer_failed(c, ch->bad, ch->e, &ch->d);
    ch->api->edited = NULL;
    ch->api->kept_why = NULL;
    free_change(ch);
}

void api_change_edits(struct api_change *ch, struct changelist *edit)
{
    ch->edit = edit;
}

void api_change_kept(struct api_change *ch, const char *why)
{
    ch->kept_why = why == NULL ? NULL : mem_str(why);
}

struct api_change *api_change_new(struct api *a, struct httpcall *c, const char *name,
                                  enum problem bad, api_answer *answer)
{
    struct api_change *ch = mem_new(sizeof *ch);
    ch->api = a;
    ch->name = mem_str(name);
    ch->answer = answer;
    ch->bad = bad;
    diag_init(&ch->d, NULL, 0);
    ch->later = httpcall_later(c, change_ended, ch);
    return ch;
}

/* On the runtime's thread: what it tells lives for the call only, so it is copied. */
void api_change_done(void *change, enum err e, const struct diag *d)
{
    struct api_change *ch = change;
    ch->e = e;
    for (int i = 0; d && i < d->n; i++) {
        ch->d.items[i] = d->items[i];
        ch->d.items[i].message = mem_str(d->items[i].message);
        ch->d.items[i].hint = d->items[i].hint ? mem_str(d->items[i].hint) : NULL;
    }
    if (d) {
        ch->d.n = d->n;
        ch->d.errors = d->errors;
    }
    httpcall_resume(ch->later);
}

void api_change_started(struct api_change *ch, struct httpcall *c, enum err e, const struct diag *d)
{
    if (e == ERR_OK)
        return; /* `done` has been or will be called */
    httpcall_later_drop(ch->later);
    answer_failed(c, ch->bad, e, d);
    free_change(ch);
}
