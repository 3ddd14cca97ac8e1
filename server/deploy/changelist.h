/* SPDX-License-Identifier: Apache-2.0 */
/* changelist.h - a change of one list's items: asked for on one thread, made on the runtime's, counted for the asker.
 *
 * Room:   API, change_script -> [changelist] -> catalogue, CONTROL_LIST
 * Owns:   its items; by reference count: who asked may want the counts when the change is done
 * Thread: made by the asker; changelist_commit is the runtime's.  Time: wall clock for expiry; evtime in marks.
 *
 * The cut is made at the end of each partition of the streams whose rules read the list, in one transaction with the
 * items, before any worker hears of it. */
#ifndef WEIR_SERVER_CHANGELIST_H
#define WEIR_SERVER_CHANGELIST_H
#include "server/deploy/listitems.h"
#include "server/deploy/registry.h"

struct change_env;

struct changelist_options {
    const char *what; /* "edit", "replace", "insert", "expiry"; lives on */
    const char *who, *reason; /* NULL: not said */
    evtime expires; /* of what is put; EVTIME_MIN: never */
    bool keep, keep_expiry, replace; /* catalog_lists.h */
};

struct changelist;
/* Takes the items over. uid: of the list that they were made for; 0: whichever has the name when it is done. */
struct changelist *changelist_new(uint64_t uid, struct listitems *items,
                                  const struct changelist_options *o);
/* Of a change that lays `text` (JSON, an object of columns) over the item that is there: ERR_NOT_FOUND if none is. */
struct changelist *changelist_over(uint64_t uid, struct list *l, const char *key, const char *text,
                                   size_t n, const struct changelist_options *o);
struct changelist *changelist_ref(struct changelist *c);
void changelist_unref(struct changelist *c); /* NULL is fine */

struct changelist_counts {
    uint64_t added, removed, changed;
};
struct changelist_counts changelist_counts(const struct changelist *c); /* once it is done */

/* The runtime's thread. Appends to `wire` what workers must be told (nothing, if no key came or went). ERR_NOT_FOUND,
 * ERR_LIMIT, ERR_INVALID and failures of the catalogue with a sentence in d. */
enum err changelist_commit(struct changelist *c, const struct change_env *env, const char *name,
                           struct diag *d, struct bytes *wire);

/* --- lists: the runtime's thread --- */
/* A new list, or another definition of one that is there: its key must stay what it is. */
enum err changelist_create(const struct change_env *env, const char *name, const char *sql,
                           struct diag *d);
/* ERR_NOT_FOUND; ERR_CONFLICT: rules read it, d names them. */
enum err changelist_may_go(const struct change_env *env, const char *name, struct diag *d);
enum err changelist_drop(const struct change_env *env, const char *name, struct diag *d,
                         struct bytes *wire);
/* At the start: where the list was cut. */
enum err changelist_load(const struct change_env *env, const struct registry_list *l);

/* Definition and all that a worker that begins must know of a list: `send` is called for each message. */
enum err changelist_everything(const struct change_env *env, const struct registry_list *l,
                               void (*send)(void *ctx, const struct bytes *message), void *ctx);
/* What no rule can ask for any more goes out of the catalogue. */
enum err changelist_fold(const struct change_env *env);

/* What is due to go by `now`, as a change of the list *name; NULL: nothing. */
struct changelist *changelist_expired(const struct change_env *env, evtime now, const char **name);

#endif
