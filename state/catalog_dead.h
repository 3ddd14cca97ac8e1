/* SPDX-License-Identifier: Apache-2.0 */
/* catalog_dead.h - dead letters: events that a stream refused or that came too late for rules, and what became of them;
 * and timeouts: partial matches whose time was over.
 *
 * Room:   alert writer, API -> [catalog_dead, catalog_deadlook, catalog_deadsend, catalog_timeout] -> SQLite
 * Owns:   nothing beside the catalogue's connection.  Thread: any; the catalogue's lock inside.
 * Time:   wall clock in `at`s; event time of timeouts.
 *
 * A letter waits, is being sent, was sent, or was deleted. Of one that a replay may find again its place is kept when it is
 * deleted, and of those let go because there are too many, how far they were: so none comes back. */
#ifndef WEIR_STATE_CATALOG_DEAD_H
#define WEIR_STATE_CATALOG_DEAD_H
#include "state/catalog.h"

enum { CATALOG_DEAD_RAW_MAX = 64 << 10 }; /* bytes kept of an event */
enum catalog_dead_state { DEAD_WAITS, DEAD_SENDING, DEAD_SENT, DEAD_DELETED };

struct catalog_dead_letter {
    uint64_t id; /* given */
    const char *kind; /* "error" | "late" */
    uint32_t stream, partition;
    uint64_t offset; /* UINT64_MAX: it never had one */
    const char
        *rule; /* of a rule's ERRORS or LATE; NULL. A late row of several rules is one letter */
    const char *code, *reason;
    const char *raw; /* NULL: not to be had */
    size_t raw_len, size; /* size: as it came, if more than that; given back: as it came */
    uint64_t logged; /* 1 + its offset in the log of what the stream refused; 0: not from there */
    evtime at;
    /* Given back: */
    enum catalog_dead_state state;
    const char *rules_json; /* names, as a JSON list */
    const char *edited; /* NULL: it was not */
    size_t edited_len;
    evtime edited_at; /* EVTIME_MIN: never; so all that follows */
    const char *edited_by;
    unsigned tries; /* how often it was refused again */
    evtime tried_at; /* sent, or tried last */
    const char *tried_by;
    uint32_t sent_partition;
    uint64_t sent_offset; /* UINT64_MAX: it was not */
};
/* One with an offset that is there already (a replay) is left alone, but for its rules. At most about `keep` are kept, the
 * newest, and about as many deleted ones. */
enum err catalog_dead_add(struct catalog *c, const struct catalog_dead_letter *d, unsigned n,
                          uint64_t keep);
/* Lets go those that are older. */
enum err catalog_dead_expire(struct catalog *c, evtime before);
/* Up to where the log of what a stream refused has been added: the offset that is next. */
enum err catalog_dead_mark(struct catalog *c, uint32_t stream, uint64_t *next);

/* --- looking: catalog_deadlook.c --- */
struct catalog_dead_filter { /* NULL, 0, false: any */
    uint64_t id;
    const char *kind, *rule, *code, *reason, *contains; /* contains: in the event's text */
    uint32_t stream;
    bool not_of_rules; /* of the stream itself */
    bool waiting, sent; /* neither: both */
    uint64_t before_id; /* 0: from the newest */
    uint64_t up_to; /* not those with a higher id: what came since somebody looked */
};
typedef void catalog_dead_each(void *ctx, const struct catalog_dead_letter *d);
/* The newest first; deleted ones are never shown. */
enum err catalog_deadlook_list(struct catalog *c, const struct catalog_dead_filter *f,
                               unsigned limit, catalog_dead_each *each, void *ctx);
enum err catalog_deadlook_get(struct catalog *c, uint64_t id, catalog_dead_each *each,
                              void *ctx); /* ERR_NOT_FOUND */
/* Those of the event that stands there; deleted ones, too. */
enum err catalog_deadlook_at(struct catalog *c, uint32_t stream, uint32_t partition,
                             uint64_t offset, catalog_dead_each *each, void *ctx);
enum err catalog_deadlook_count(struct catalog *c, const struct catalog_dead_filter *f,
                                uint64_t *n);
/* The letter whose event stands there since it was sent; 0: none. */
enum err catalog_deadlook_origin(struct catalog *c, uint32_t stream, uint32_t partition,
                                 uint64_t offset, uint64_t *id);

struct catalog_dead_by {
    bool kind, stream, rule, code, reason;
};
struct catalog_dead_group { /* NULL, 0: not grouped by it, or letters of no rule */
    const char *kind, *rule, *code, *reason;
    uint32_t stream;
    uint64_t n, newest; /* newest: its id */
    evtime first, last;
};
/* The largest first. By rule, a letter of several rules is in several groups. */
enum err catalog_deadlook_groups(struct catalog *c, const struct catalog_dead_filter *f,
                                 const struct catalog_dead_by *by, unsigned limit,
                                 void (*each)(void *ctx, const struct catalog_dead_group *g),
                                 void *ctx);

/* --- changing: catalog_deadsend.c. All durable when they answer. --- */
/* text NULL: as it came, again. ERR_NOT_FOUND; ERR_CONFLICT: it was sent. */
enum err catalog_deadsend_edit(struct catalog *c, uint64_t id, const char *text, size_t n,
                               evtime at, const char *by);
/* by: who asks, for the audit; NULL: unknown. */
enum err catalog_deadsend_delete(struct catalog *c, const struct catalog_dead_filter *f,
                                 uint64_t keep, const char *by, uint64_t *deleted);
/* Marks waiting letters as being sent, the oldest first, at most `limit`, and tells of each. */
enum err catalog_deadsend_take(struct catalog *c, const struct catalog_dead_filter *f,
                               unsigned limit, evtime at, const char *by, catalog_dead_each *each,
                               void *ctx);
struct catalog_deadsend_outcome { /* of one that was taken */
    uint64_t id;
    enum catalog_dead_state state; /* DEAD_SENT, or DEAD_WAITS */
    uint32_t partition; /* of the event, when sent */
    uint64_t offset;
    const char *code, *reason; /* why it was refused; NULL: it was not tried */
};
enum err catalog_deadsend_settle(struct catalog *c, const struct catalog_deadsend_outcome *o,
                                 unsigned n);
/* Those that were being sent when the process ended. */
enum err catalog_deadsend_open(struct catalog *c, catalog_dead_each *each, void *ctx);

/* --- timeouts: catalog_timeout.c --- */
struct catalog_timeout {
    uint64_t seq; /* given */
    char id[32]; /* of the result */
    uint64_t rule_uid;
    uint32_t rule_version;
    const char *rule_name;
    evtime time, created;
    const char *key_json, *row_json, *vars_json;
};
/* Of one rule. One that is there already is left alone; the `keep` with the latest times stay. */
enum err catalog_timeouts_add(struct catalog *c, const struct catalog_timeout *t, unsigned n,
                              uint64_t keep);
/* Of a rule, by name, the newest first; after: a seq, 0: from the newest. */
enum err catalog_timeouts_list(struct catalog *c, const char *rule, uint64_t after, unsigned limit,
                               void (*each)(void *ctx, const struct catalog_timeout *t), void *ctx);
enum err catalog_timeouts_expire(struct catalog *c, evtime before);

#endif
