/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.h - what the server knows of itself, in SQLite: streams, rules and their cuts, alerts, dead letters, audit.
 *
 * Room:   API and runtime -> [catalog] -> <data>/catalogue.db (WAL; schema in catalog.sql with a version and migrations)
 * Owns:   its connections.  Thread: the writer handle belongs to one thread at a time (a mutex inside); readers open
 *         their own handle with catalog_reader.  Time: evtime of events and of the wall clock, ms. */
#ifndef WEIR_STATE_CATALOG_H
#define WEIR_STATE_CATALOG_H
#include "base/bytes.h"
#include "base/diag.h"
#include "base/timebase.h"
#include <stdint.h>

struct catalog;

enum err catalog_open(const char *path, struct diag *d,
                      struct catalog **out); /* creates, migrates; ERR_VERSION, ERR_IO */
enum err catalog_reader(const char *path, struct catalog **out); /* read-only, another thread's */
void catalog_close(struct catalog *c);

/* Many changes with one wait for the disk: between the two, each function of the writer is a step of one transaction (one that
 * fails undoes itself alone), and other threads wait. What was changed is durable when catalog_end answers ERR_OK. */
enum err catalog_begin(struct catalog *c);
enum err catalog_end(struct catalog *c);

/* --- settings fixed at the first start (key groups, format) --- */
enum err catalog_get_setting(struct catalog *c, const char *name,
                             char out[256]); /* ERR_NOT_FOUND */
enum err catalog_set_setting(struct catalog *c, const char *name, const char *value);

/* --- what is a name and a text: streams, tables of databases outside, sinks (catalog_texts.c) --- */
enum catalog_text_kind { CATALOG_STREAM, CATALOG_TABLE, CATALOG_SINK };
struct catalog_text {
    uint32_t uid; /* given by catalog_texts_add */
    const char *name, *sql;
    evtime created;
};
enum err catalog_texts_add(struct catalog *c, enum catalog_text_kind kind,
                           struct catalog_text *t); /* ERR_EXISTS */
/* Not of a stream: its number stands in the log. */
enum err catalog_texts_delete(struct catalog *c, enum catalog_text_kind kind, const char *name);
/* Calls `each` for every one by uid; strings live for the call. */
enum err catalog_texts(struct catalog *c, enum catalog_text_kind kind,
                       void (*each)(void *ctx, const struct catalog_text *t), void *ctx);

/* --- rules --- */
struct catalog_mark {
    uint32_t stream, partition;
    uint64_t offset;
    evtime w;
};
struct catalog_cut { /* job.h job_cut, durable */
    int deployed, mode; /* enum rule_mode */
    uint32_t version; /* of the rule */
    int handover; /* enum job_handover */
    uint64_t from; /* whose state is taken; 0: of the version before it */
    evtime w, at; /* event time of the cut; wall clock */
    unsigned nmarks;
    struct catalog_mark *marks;
};
struct catalog_rule {
    uint64_t uid; /* given by catalog_add_rule; shown as "rul_…" */
    char *name, *sql;
    uint32_t version;
    int mode, deleted;
    evtime created, updated;
    uint64_t lists_seq; /* the newest change of a list when it was deployed */
    uint64_t
        stands_for; /* a version that runs beside the active one of that rule (catalog_trials.h); 0: no */
    bool
        hidden; /* of catalog_rules_add alone: it is made for an operation, and no news for the audit */
    const char *author, *reason; /* of catalog_rules_add alone; or NULL */
    unsigned ncuts;
    struct catalog_cut *cuts; /* the first deploys */
    uint32_t
        rollback_to; /* of catalog_rules_add alone: its text is that version's; 0: it is its own */
};
/* uid 0: a new rule, with its cuts; ERR_EXISTS if a live one has the name. Else the next version of that rule: its text,
 * version and mode are replaced, its cuts are added to those there; ERR_NOT_FOUND. */
enum err catalog_rules_add(struct catalog *c, struct catalog_rule *r);
/* Adds a cut; one with deployed = 0 deletes the rule, any other sets its mode. ERR_NOT_FOUND. */
enum err catalog_rules_cut(struct catalog *c, uint64_t uid, const struct catalog_cut *cut);
/* Of a rule that was made for an operation: its end, at which another takes its state; and that nobody needs it any more. */
enum err catalog_rules_end_lane(struct catalog *c, uint64_t uid, const struct catalog_cut *cut);
enum err catalog_rules_forget_lane(struct catalog *c, uint64_t uid);
/* By uid; strings and cuts live for the call. */
typedef void catalog_rules_each(void *ctx, const struct catalog_rule *r);
enum err catalog_rules(struct catalog *c, int with_deleted, catalog_rules_each *each, void *ctx);
/* Without cuts, in order of uid from the one after `after`: for lists. */
enum err catalog_rules_page(struct catalog *c, uint64_t after, unsigned limit,
                            catalog_rules_each *each, void *ctx);
enum err catalog_rules_find(struct catalog *c, const char *name,
                            uint64_t *uid); /* a live one; ERR_NOT_FOUND */
enum err catalog_rules_count(struct catalog *c,
                             uint64_t by_mode[3]); /* live ones, by enum rule_mode */
enum err catalog_rules_get(struct catalog *c, uint64_t uid, catalog_rules_each *each,
                           void *ctx); /* deleted ones too */

/* --- versions: the texts of a rule, which do not change --- */
struct catalog_version {
    uint64_t uid;
    uint32_t version;
    const char *sql, *author, *reason; /* the last two or NULL */
    int mode;
    evtime created, activated; /* wall clock; EVTIME_MIN: a draft that was never active */
    uint64_t lists_seq;
    const char *activated_by, *activated_reason; /* or NULL */
    uint32_t rollback_to; /* it was a way back to that one; 0: it was not */
};
typedef void catalog_versions_each(void *ctx, const struct catalog_version *v);
/* A draft: gets the next number. ERR_NOT_FOUND: there is no such rule. */
enum err catalog_versions_add(struct catalog *c, struct catalog_version *v);
/* The newest first. */
enum err catalog_versions(struct catalog *c, uint64_t uid, catalog_versions_each *each, void *ctx);
enum err catalog_versions_get(struct catalog *c, uint64_t uid, uint32_t version,
                              catalog_versions_each *each, void *ctx); /* ERR_NOT_FOUND */
/* The number that the next version of the rule gets. */
enum err catalog_versions_next(struct catalog *c, uint64_t uid, uint32_t *version);

/* --- lists: catalog_lists.h --- */

/* --- alerts --- */
struct catalog_alert_event { /* an event of the match */
    const char *var; /* NULL: none */
    uint32_t stream, partition;
    uint64_t offset;
    evtime ts;
    const char *json; /* the event's text, or NULL if it could not be had */
    size_t json_len;
};
struct catalog_alert_revision { /* what an alert was before it was changed */
    uint32_t revision;
    evtime time, created, window_start, window_end;
    const char *title, *row_json;
    int retracted;
};
enum { CATALOG_REVISIONS_MAX = 100 }; /* that are kept of an alert: the newest */
struct catalog_alert {
    char id[32]; /* "alt_…" */
    uint64_t rule_uid;
    uint32_t rule_version;
    const char *rule_name, *severity, *title;
    int kind, mode; /* enum result_kind, enum rule_mode */
    evtime time, created; /* event time; wall clock */
    evtime window_start, window_end; /* EVTIME_MIN: none */
    const char *key_json; /* {"card":"c_17"} */
    const char *row_json; /* the rule's outputs */
    const char *vars_json; /* {"A":[{"stream":…,"partition":…,"offset":…}]} as stored */
    uint32_t revision, count;
    int retracted;
    unsigned nevents;
    const struct catalog_alert_event *events;
    uint64_t
        seq; /* given on insert: order of arrival, the cursor of lists and of the live stream */
    const char *status; /* "open" … */
    const char *replaces; /* JSON list of the ids whose place it takes; NULL: none */
    const char *replaced_by; /* the id that took its place; NULL: none */
    const char *label; /* what people say of it; NULL: nothing. Only of catalog_backtests_told */
    int only_update; /* nothing is made if the id is not there: its first result was held back */
    bool unknown; /* set by catalog_alerts_add: … and it was not there */
    unsigned nrevisions; /* of one alert: what it was before, the oldest first */
    const struct catalog_alert_revision *revisions;
};
/* One transaction; an id that is there already is left alone (a replay) unless its revision is higher. *inserted: how many
 * were new or updated; those get their seq, ascending in the order given; the others seq = 0. */
enum err catalog_alerts_add(struct catalog *c, struct catalog_alert *alerts, unsigned n,
                            unsigned *inserted);
/* An alert's count, raised to `count` if it is lower. */
enum err catalog_alerts_raise(struct catalog *c, const char *id, uint32_t count);

struct catalog_alert_filter {
    const char *rule, *severity, *key,
        *status; /* NULL: any. rule: name; key: the key's values, joined by "," */
    int mode; /* enum rule_mode; -1: any */
    uint64_t after_seq; /* cursor; 0: from the start (newest first: from the end) */
    int oldest_first;
    unsigned limit;
};
typedef void catalog_alerts_each(void *ctx, const struct catalog_alert *a);
/* Without vars_json and events. */
enum err catalog_alerts(struct catalog *c, const struct catalog_alert_filter *f,
                        catalog_alerts_each *each, void *ctx);
enum err catalog_alerts_get(struct catalog *c, const char *id, catalog_alerts_each *each,
                            void *ctx); /* ERR_NOT_FOUND */
/* The first alert whose id begins so, without vars_json and events. ERR_NOT_FOUND. */
enum err catalog_alerts_like(struct catalog *c, const char *prefix, catalog_alerts_each *each,
                             void *ctx);
struct catalog_counts {
    uint64_t alerts, open, last_hour, shadow,
        dead_letters; /* shadow results are in no other count; letters: those that wait */
    uint64_t dead_kept, timeouts; /* letters that wait or were sent; timeouts kept */
    uint64_t last_seq;
};
enum err catalog_alerts_count(struct catalog *c, evtime now, struct catalog_counts *out);
/* Kept with each insert, so all three are cheap. By rule: shadow results apart; last is wall time, EVTIME_MIN: none. */
enum err catalog_alerts_by_rule(struct catalog *c,
                                void (*each)(void *ctx, uint64_t uid, uint64_t alerts,
                                             uint64_t shadow, evtime last),
                                void *ctx);
enum err catalog_alerts_by_minute(struct catalog *c, evtime since,
                                  void (*each)(void *ctx, evtime minute, const char *severity,
                                               uint64_t n),
                                  void *ctx);

/* --- dead letters and timeouts: catalog_dead.h --- */

#endif
