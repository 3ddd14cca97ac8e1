/* SPDX-License-Identifier: Apache-2.0 */
/* api.h - what the handlers of the API share: the parts of the server they speak to, and the route table.
 *
 * Room:   http -> [api: api_streams, api_events, api_rules, api_inspect, api_lists, api_tables, api_items, api_alerts,
 *         api_dead, api_sides, api_status] -> runtime, catalogue
 * Owns:   the catalogue's reader, its buffers; not the runtime nor the server
 * Thread: the HTTP thread. */
#ifndef WEIR_SERVER_API_H
#define WEIR_SERVER_API_H
#include "server/http/httpcall.h"
#include "server/http/route.h"
#include "server/http/sse.h"
#include "server/run/runtime.h"
#include "state/catalog.h"
#include "state/catalog_lives.h"

struct config;
struct http;
struct backtests; /* backtests.h */
struct api_intake; /* api_events.c: buffers of one request's rows */

struct api {
    struct runtime *runtime;
    struct catalog *reader;
    struct http *http;
    struct sse *sse;
    struct backtests *backtests;
    struct api_intake *intake;
    evtime started;
    unsigned max_events;
    const struct config *config; /* for metrics; NULL: they have no limits */
    bool needs_approval; /* a version must be approved by a second person before it is active */
    const char *kept_why; /* api_change_kept of the change that is just being answered, or NULL */
    const struct changelist *edited; /* by the change that is just being answered, or NULL */
    struct api_stream_name {
        uint32_t id;
        char *name;
    } * streams; /* of api_stream_name */
    size_t nstreams, streams_cap;
};

/* The one table of all that is served but the dashboard's files. */
extern const struct route api_routes[];
extern const size_t api_nroutes;

/* max_readers: live streams. The runtime may be set afterwards, before requests come. */
struct api *api_new(struct http *h, struct runtime *r, struct catalog *reader, unsigned max_events,
                    unsigned max_readers);
void api_free(struct api *a); /* NULL is fine */

/* --- shared by the resources --- */
/* {"data":[ … and ]… with the page's end. */
void api_page_open(struct bytes *out);
void api_page_close(struct bytes *out, bool has_more, uint64_t next);
/* A stream's name by the catalogue's number, or NULL. Read them first, outside of any call back from the catalogue. */
void api_read_stream_names(struct api *a);
const char *api_stream_name(const struct api *a, uint32_t id);
/* 404 with the nearest of the names. what: "stream", "rule". */
void api_not_found(struct httpcall *c, const char *what, const char *name, char **names, size_t n);
void api_failed(struct httpcall *c,
                enum err e); /* an outcome for which there is nothing better to say */

/* The live rule that {r} names, by name or id. False: answered. */
struct api_rule {
    uint64_t uid;
    uint32_t version;
    char *name; /* the caller's to free */
    enum catalog_rests rests; /* of api_rules_find_any */
};
bool api_rules_find_any(struct api *a, struct httpcall *c,
                        struct api_rule *out); /* or a draft, or one of the archive */
void api_rules_answer(struct api *a, struct httpcall *c, uint64_t uid, int status);
bool api_rules_find(struct api *a, struct httpcall *c, struct api_rule *out);
void api_rules_changed(struct api *a, struct httpcall *c, const char *name); /* an api_answer */

/* A change that the runtime ends later. `answer` writes the reply of one that went well. */
struct api_change;
typedef void api_answer(struct api *a, struct httpcall *c, const char *name);
/* Takes the request: then start it with api_change_done as `done` and the change as ctx, and hand its outcome to
 * api_change_started, which answers what failed at once. bad: the problem of an ERR_INVALID. */
struct api_change *api_change_new(struct api *a, struct httpcall *c, const char *name,
                                  enum problem bad, api_answer *answer);
void api_change_edits(struct api_change *ch, struct changelist *edit); /* takes the reference */
/* A way back with what can be kept, since (why; NULL: that was asked for) no savepoint does; the answer says so. */
void api_change_kept(struct api_change *ch, const char *why);
void api_change_done(void *change, enum err e, const struct diag *d); /* a runtime_done */
void api_change_started(struct api_change *ch, struct httpcall *c, enum err e,
                        const struct diag *d);

/* --- handlers --- */
void api_streams_create(struct httpcall *c, void *app);
void api_streams_list(struct httpcall *c, void *app);
void api_streams_get(struct httpcall *c, void *app);
void api_streams_finish(struct httpcall *c, void *app);
/* Answers 404 if there is no such stream. */
const struct schema *api_streams_find(struct api *a, struct httpcall *c, const char *name);

void api_events_post(struct httpcall *c, void *app);
void api_events_recent(struct httpcall *c, void *app);
struct api_intake *api_events_new(unsigned max_events);
void api_events_free(struct api_intake *in);
/* An event's text as a JSON value: as it is if it is JSON, else as a string. */
void api_events_value(struct bytes *out, const char *text, size_t n);

void api_explain_rule(struct httpcall *c, void *app);
void api_rules_validate(struct httpcall *c, void *app);
void api_rules_create(struct httpcall *c, void *app);
void api_rules_list(struct httpcall *c, void *app);
void api_rules_get(struct httpcall *c, void *app);
void api_versions_list(struct httpcall *c, void *app);
void api_versions_add(struct httpcall *c, void *app);
/* Its text, compiled; NULL: answered. */
struct rule_plan *api_versions_compile(struct api *a, struct httpcall *c,
                                       const struct api_rule *rule, uint32_t version);
/* The same, of whoever says itself what is wrong: NULL, and d says it. */
struct rule_plan *api_versions_plan(struct api *a, const struct api_rule *rule, uint32_t version,
                                    struct diag *d);
void api_plan_version(struct httpcall *c, void *app);
void api_versions_activate(struct httpcall *c, void *app);
void api_versions_rollback(struct httpcall *c, void *app);
/* "state": "keep", which it is without, or "reset"; false: answered. */
bool api_versions_state(struct httpcall *c, const json_t *body, bool *reset);
/* "handover": what that version, under that uid, has taken over. */
/* What a way back to that text would begin with: "way_back". */
void api_versions_write_back(struct api *a, struct bytes *out, uint64_t uid, uint32_t active,
                             const struct rule_plan *plan);
/* … and what one begins with, and why: the last field of an object that is closed already. */
void api_versions_write_way(struct bytes *out, const char *savepoint, const char *why);
void api_versions_write_handover(struct api *a, struct bytes *out, uint64_t uid, uint32_t version);
/* Who asks: the body's `author` or `by`, else the header X-Weir-User; NULL: nobody says. Lives as long as the body. */
const char *api_user(struct httpcall *c, const json_t *body);
/* A rule that is not deployed; answers. */
void api_lives_draft(struct api *a, struct httpcall *c, const struct rule_plan *plan,
                     const char *sql, const json_t *body);
bool api_lives_may_deploy(struct api *a,
                          struct httpcall *c); /* without approval; false: answered */
/* May that version be active? False: answered. */
bool api_lives_may_activate(struct api *a, struct httpcall *c, const struct api_rule *rule,
                            uint32_t version);
/* "approval": what was said last of the version, or null. */
void api_lives_write_approval(struct api *a, struct bytes *out, uint64_t uid, uint32_t version);
void api_lives_archive(struct httpcall *c, void *app);
void api_lives_restore(struct httpcall *c, void *app);
void api_lives_approvals(struct httpcall *c, void *app);
void api_lives_approve(struct httpcall *c, void *app);
void api_lives_audit(struct httpcall *c, void *app);
void api_diff_versions(struct httpcall *c, void *app);
void api_trials_shadow(struct httpcall *c, void *app);
void api_trials_discard(struct httpcall *c, void *app);
void api_trials_comparison(struct httpcall *c, void *app);
void api_trials_label(struct httpcall *c, void *app);
/* A version beside the active one, for so many of a hundred keys; answers. */
void api_trials_run(struct httpcall *c, struct api *a, const struct api_rule *rule,
                    uint32_t version, unsigned percent, const json_t *body);
void api_trials_write(struct api *a, struct bytes *out, uint64_t rule); /* "trial": … or null */
/* "own": the state that the version has gathered beside the active one; null: it does not run. */
void api_trials_write_own(struct api *a, struct bytes *out, uint64_t rule, uint32_t version);
struct trials_one;
const char *api_trials_state(const struct trials_one *t); /* "shadow", "rollout", "ending" */
void api_rules_pause(struct httpcall *c, void *app);
void api_rules_resume(struct httpcall *c, void *app);
void api_rules_delete(struct httpcall *c, void *app);
/* The name of the live rule that {r} names, freed by the caller. NULL: answered. */
char *api_rules_name(struct api *a, struct httpcall *c);

uint64_t api_inspect_keys_out(struct api *a); /* of memory, of all rules */
void api_inspect_partials(struct httpcall *c, void *app);
void api_inspect_state(struct httpcall *c, void *app);
void api_whynot(struct httpcall *c, void *app);
void api_whyevent(struct httpcall *c, void *app);

void api_lists_create(struct httpcall *c, void *app);
void api_lists_list(struct httpcall *c, void *app);
void api_lists_get(struct httpcall *c, void *app);
void api_lists_delete(struct httpcall *c, void *app);
void api_sinks_create(struct httpcall *c, void *app);
void api_sinks_list(struct httpcall *c, void *app);
void api_sinks_get(struct httpcall *c, void *app);
void api_sinks_delete(struct httpcall *c, void *app);
void api_tables_create(struct httpcall *c, void *app);
void api_tables_list(struct httpcall *c, void *app);
void api_tables_get(struct httpcall *c, void *app);
void api_tables_delete(struct httpcall *c, void *app);
void api_lists_changes(struct httpcall *c, void *app);
/* A reference to the list that {l} names, and its number. NULL: answered. */
struct list *api_lists_find(struct api *a, struct httpcall *c, uint64_t *uid);
void api_items_list(struct httpcall *c, void *app);
void api_items_bulk(struct httpcall *c, void *app);
void api_items_get(struct httpcall *c, void *app);
void api_items_put(struct httpcall *c, void *app);
void api_items_patch(struct httpcall *c, void *app);
void api_items_delete(struct httpcall *c, void *app);

void api_alerts_list(struct httpcall *c, void *app);
void api_alerts_get(struct httpcall *c, void *app);
void api_alerts_stream(struct httpcall *c, void *app);
unsigned api_alerts_replay(void *api, uint64_t after, unsigned limit, struct bytes *out,
                           uint64_t *last);

void api_dead_list(struct httpcall *c, void *app);
void api_dead_groups(struct httpcall *c, void *app);
void api_dead_get(struct httpcall *c, void *app);
void api_dead_edit(struct httpcall *c, void *app);
void api_dead_replay(struct httpcall *c, void *app);
void api_dead_replay_all(struct httpcall *c, void *app);
void api_dead_delete(struct httpcall *c, void *app);
void api_dead_delete_all(struct httpcall *c, void *app);
/* Answers a page of the letters that fit. */
struct catalog_dead_filter;
void api_dead_page(struct api *a, struct httpcall *c, struct catalog_dead_filter *f);

void api_sides_stream_late(struct httpcall *c, void *app);
void api_sides_stream_errors(struct httpcall *c, void *app);
void api_sides_rule_late(struct httpcall *c, void *app);
void api_sides_rule_timeouts(struct httpcall *c, void *app);
void api_sides_rule_errors(struct httpcall *c, void *app);

void api_status_index(struct httpcall *c, void *app);
void api_status_overview(struct httpcall *c, void *app);
void api_status_overview_stream(struct httpcall *c, void *app);
void api_status_overview_json(void *api, struct bytes *out);
void api_workers_list(struct httpcall *c, void *app);
void api_workers_rescale(struct httpcall *c, void *app);
void api_workers_restart(struct httpcall *c, void *app);
void api_checkpoints_list(struct httpcall *c, void *app);
void api_savepoints_list(struct httpcall *c, void *app);
void api_savepoints_create(struct httpcall *c, void *app);
void api_savepoints_get(struct httpcall *c, void *app);
void api_savepoints_delete(struct httpcall *c, void *app);
void api_savepoints_restore(struct httpcall *c, void *app);
void api_savepoints_verify(struct httpcall *c, void *app);
void api_checkpoints_create(struct httpcall *c, void *app);
void api_backtests_list(struct httpcall *c, void *app);
void api_backtests_create(struct httpcall *c, void *app);
void api_backtests_get(struct httpcall *c, void *app);
void api_backtests_alerts(struct httpcall *c, void *app);
void api_backtests_diff(struct httpcall *c, void *app);
void api_backtests_delete(struct httpcall *c, void *app);
void api_operations_list(struct httpcall *c, void *app);
void api_operations_get(struct httpcall *c, void *app);
void api_operations_delete(struct httpcall *c, void *app);
void api_operations_events(struct httpcall *c, void *app);
bool api_operations_json(void *api, uint64_t id, struct bytes *json); /* sse_source.operation */
/* "log": what it has for the version of that plan, or why it is of no use. */
void api_operations_write_log(struct api *a, struct bytes *out, const struct rule_plan *plan,
                              evtime since);
struct api_operations_wish { /* a version of a rule that is to be active, with state from the log */
    const struct api_rule *rule;
    const struct rule_plan *plan; /* of the version */
    const char *sql, *savepoint; /* savepoint: NULL, or whose state is the beginning */
    uint32_t version, rollback_to; /* as in runtimeversion_activation */
    const char *why; /* NULL, or why a way back begins with that savepoint */
    bool saves, must; /* runtimelane_add */
};
/* Begins the operation; answers. */
void api_operations_begin(struct api *a, struct httpcall *c, const struct api_operations_wish *wish,
                          const json_t *body);
void api_time_watermarks(struct httpcall *c, void *app);
void api_status_version(struct httpcall *c, void *app);
void api_status_health(struct httpcall *c, void *app);
void api_status_ready(struct httpcall *c, void *app);
void api_status_metrics(struct httpcall *c, void *app);
void api_status_problems(struct httpcall *c, void *app);

#endif
