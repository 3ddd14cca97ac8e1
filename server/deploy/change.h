/* SPDX-License-Identifier: Apache-2.0 */
/* change.h - a change of streams and rules on its way: what was asked for, the cut it makes, what workers must be told.
 *
 * Room:   API -> [change] -> catalogue, registry, feed -> CONTROL_CHANGE
 * Owns:   the texts of the request
 * Thread: change_script checks on the asker's thread; the rest is the runtime's.  Time: evtime in cuts.
 *
 * The cut of a rule is made at (offset, watermark) of the end of each partition of its stream, and is in the catalogue
 * before any worker hears of the change. A row belongs to the new rules by its place, so the log need not be drained
 * first: a worker that is behind the cut comes to it later, as a replay does. A rule over files that end sees them from
 * their beginning: how far they have been read just then is nobody's concern. */
#ifndef WEIR_SERVER_CHANGE_H
#define WEIR_SERVER_CHANGE_H
#include "server/alerts/alertwriter.h"
#include "server/deploy/registry.h"
#include "server/intake/feed.h"
#include "server/intake/intake.h"
#include "server/run/runtime.h"

struct change;

struct change_env {
    struct catalog *catalog;
    struct registry *registry;
    struct intake *intake;
    struct intakelog *log;
    struct feed *feed;
    struct alertwriter *alerts;
    struct sinks *sinks; /* NULL: nothing is given out (weir backtest) */
    struct trials *trials;
    struct lanes *lanes;
    struct change_limits {
        uint64_t lists, list_items, list_edits;
    } limits;
};

/* Compiles and checks names; on success *out is to be queued. Errors as runtime_create says. */
enum err change_script(const struct change_env *env, const char *sql, size_t n,
                       const char *select_name, struct diag *d, struct change **out);
struct runtimeversion_activation;
enum err change_activate(const struct change_env *env, const struct runtimeversion_activation *what,
                         struct diag *d, struct change **out);
/* A version beside the active one of its rule, its share, its end (changetrial.h); texts are copied. */
struct changetrial;
struct change *change_trial(const struct changetrial *what);
struct change *change_trial_over(uint64_t uid); /* its last results are there: it goes */
/* The lane of an operation (lanes.h), and its end. */
struct change *change_lane(uint64_t operation);
struct change *change_lane_over(uint64_t operation);
struct change *change_mode(const char *rule, enum rule_mode mode);
struct change *change_delete(const char *rule);
/* Every worker has handed over to that version of the rule: those before it go. */
struct change *change_retire(uint64_t uid, uint32_t version);
struct changelist;
struct change *change_edit(const char *list, struct changelist *edit); /* a reference of its own */
struct change *change_drop_list(const char *list);
struct change *change_drop_table(const char *table);
struct change *change_drop_sink(const char *sink);
void change_free(struct change *c); /* NULL is fine */
void change_on_done(struct change *c, runtime_done *done, void *ctx);
void change_done(struct change *c, enum err e, const struct diag *d); /* calls done, frees */

/* The first half: names are free or known still, new streams and lists are stored and published. *rules: it changes rules
 * or items, so the workers must be prepared before the second half. */
enum err change_begin(struct change *c, const struct change_env *env, struct diag *d, bool *rules);
/* The second half: the cut is recorded, registry and feed follow. On an error of the catalogue what was recorded before
 * stands. The delta holds what has changed in any case. */
struct change_delta {
    uint64_t *put, *removed;
    uint32_t *opened; /* streams that are read from now on */
    struct bytes *lists; /* messages (listwire.h); an empty one says nothing */
    bool again; /* a rule wants rows that have gone by: all must be read again, by a new attempt */
    size_t nput, nremoved, nopened, put_cap, removed_cap, opened_cap, nlists, lists_cap;
};
enum err change_commit(struct change *c, const struct change_env *env, struct diag *d,
                       struct change_delta *delta);
void change_delta_fini(struct change_delta *delta);
/* Where each partition of a stream ends now. */
void change_marks(const struct change_env *env, const struct schema *s, struct job_mark *marks);
/* How many files the stream reads; 0: it reads none. */
enum err change_count_files(const struct change_env *env, const char *sql, struct diag *d,
                            unsigned *partitions);

#endif
