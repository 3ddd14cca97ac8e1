/* SPDX-License-Identifier: Apache-2.0 */
/* registry.h - the streams and rules that a process runs, compiled: the same module in coordinator and worker.
 *
 * Room:   catalogue, control messages -> [registry] -> job (worker), API and alert writer (coordinator)
 * Owns:   the compiled texts. Schemas live until registry_free; plans by reference.
 * Thread: any; a lock inside. One thread changes it, so that thread may use the pointers it gets without the lock.
 * Time:   evtime in the cuts. */
#ifndef WEIR_SERVER_REGISTRY_H
#define WEIR_SERVER_REGISTRY_H
#include "cep/job.h"
#include "rules/compile.h"
#include "rules/scope.h"
#include "server/wire/control.h"

struct registry;
struct tableset; /* tableset.h */

struct registry_rule {
    uint64_t uid;
    uint32_t version;
    char *name, *sql;
    struct rule_plan *plan;
    enum rule_mode mode; /* since the last cut */
    unsigned ncuts;
    struct job_cut *cuts; /* of its own memory, marks too */
    uint64_t lists_seq; /* the newest change of a list when it was deployed */
    uint64_t
        stands_for; /* plan.h; its name is then that rule's with "@" and the version behind it */
    uint32_t retired; /* coordinator: workers know no version before this one any more */
    struct registry_rule
        *before; /* the version that hands over to this one, if it is still needed */
};

struct registry_list {
    uint64_t uid;
    const char *name; /* lives as long as the registry: the compiler may be offering it */
    char *sql;
    struct list *list; /* as it is defined now; in a worker with its items */
    struct list
        *cuts; /* of the coordinator: the first definition, for list_cut and list_merge only */
};

struct registry *registry_new(void);
void registry_free(struct registry *r); /* NULL is fine */

const struct scope *registry_scope(struct registry *r); /* lives as long as the registry */

/* Compiles CREATE STREAM text and publishes it under `id`. partitions: 0, or how many there are whatever the text says.
 * ERR_EXISTS: the name or the id is taken. */
enum err registry_add_stream(struct registry *r, uint32_t id, unsigned partitions, const char *sql,
                             size_t n, struct diag *d);
/* NULL: none. The schema lives as long as the registry. */
const struct schema *registry_stream(struct registry *r, const char *name);
const struct schema *registry_stream_by_id(struct registry *r, uint32_t id);
unsigned registry_streams(struct registry *r, const struct schema **out,
                          unsigned cap); /* by id; how many there are */
/* Those, each followed by its ERRORS if some rule reads them: all that is read from outside. */
unsigned registry_sources(struct registry *r, const struct schema **out, unsigned cap);

/* --- forks (registryfork.c): a stream read a second time, from an older place, for the one rule that has that number (lane).
 * It has the stream's columns, partitions and time, and a number and a name of its own; the rule's text, which names the
 * stream, is compiled with it. --- */
struct registry_fork {
    uint32_t id, stream; /* of which */
    uint64_t lane;
    const struct schema *schema;
};
/* Nothing, if it is there. ERR_NOT_FOUND: no such stream. */
enum err registryfork_add(struct registry *r, uint32_t id, uint32_t stream, uint64_t lane,
                          struct diag *d);
void registryfork_remove(struct registry *r, uint64_t lane); /* after the rule */
unsigned registryfork_all(struct registry *r, struct registry_fork *out, unsigned cap);
bool registryfork_is_lane(struct registry *r, uint64_t uid); /* Any thread. Does it read forks? */

/* --- tables outside: a set of its own, which goes with the registry --- */
struct tableset *registry_tables(struct registry *r);
/* Any thread: calls `each` (or not, if NULL) for the rules that look into the table of that name; how many there are. */
unsigned registry_table_rules(struct registry *r, const char *table,
                              void (*each)(void *ctx, const struct registry_rule *rule), void *ctx);

/* --- sinks: from here on a rule's sinks must be there. A worker is told of none, and asks for none. --- */
struct sinks;
void registry_offer_sinks(struct registry *r, struct sinks *sinks);
/* As registry_table_rules, for the rules that give to it. */
unsigned registry_sink_rules(struct registry *r, const char *sink,
                             void (*each)(void *ctx, const struct registry_rule *rule), void *ctx);

/* Adds the rule, or puts other cuts in place of those it has. A newer version than the one that is there, whose first cut is
 * a handover, has that one `before` it; any other takes its place. plan: taken over; NULL: compiled from the text. */
enum err registry_put_rule(struct registry *r, const struct control_rule *rule,
                           struct rule_plan *plan, struct diag *d);
void registry_remove_rule(struct registry *r, uint64_t uid); /* all its versions */
void registry_retire(struct registry *r, uint64_t uid,
                     uint32_t version); /* registry_rule.retired */
/* Versions of the rule before that one are not needed any longer. */
void registry_forget_versions(struct registry *r, uint64_t uid, uint32_t oldest);
/* The changing thread's: valid until it changes that rule. NULL: none. */
const struct registry_rule *registry_rule(struct registry *r, uint64_t uid);
const struct registry_rule *registry_rule_named(struct registry *r, const char *name);
const struct registry_rule *registry_rule_at(struct registry *r,
                                             unsigned i); /* in order of uid; NULL past the last */
/* Any thread: a reference to a live rule's plan, or NULL. *version: which one is wanted, 0: the newest; which it is. */
struct rule_plan *registry_plan(struct registry *r, uint64_t uid, uint32_t *version);
bool registry_has_rule(struct registry *r, const char *name);

/* The changing thread's: one job of all rules; NULL as long as there are no streams. */
struct job *registry_job(struct registry *r);
/* A cut with marks of its own; registry_cut_fini frees them. */
struct job_cut registry_cut_copy(const struct job_cut *c);
void registry_cut_fini(struct job_cut *c);

#endif
