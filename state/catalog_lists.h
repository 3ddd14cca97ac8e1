/* SPDX-License-Identifier: Apache-2.0 */
/* catalog_lists.h - lists as they are now, who changed them and why, and the edits that a replay needs.
 *
 * Room:   server/deploy/change, API -> [catalog_lists, catalog_listedit] -> the catalogue's tables of lists
 * Owns:   nothing.  Thread: as catalog.h.  Time: wall clock; a mark's w is event time.
 *
 * An item's key is the text that is shown; its row a JSON object of all columns, as the caller wrote it. A change is one
 * transaction. While rules read the list, it is recorded with its cut: a mark for each partition, and for each key its row
 * before and after. What was cut before every rule that reads the list was deployed is folded: nothing asks for it. */
#ifndef WEIR_STATE_CATALOG_LISTS_H
#define WEIR_STATE_CATALOG_LISTS_H
#include "state/catalog.h"
#include <stdbool.h>

enum { CATALOG_LISTS_SAMPLE = 5, CATALOG_LISTS_HISTORY = 1000 }; /* keys; changes kept of a list */

struct catalog_list {
    uint64_t uid; /* given by catalog_lists_add */
    const char *name, *sql;
    evtime created, updated;
    uint64_t items, edits; /* now; kept for a replay */
};
typedef void catalog_lists_each(void *ctx, const struct catalog_list *l);

enum err catalog_lists_add(struct catalog *c, struct catalog_list *l); /* ERR_EXISTS */
enum err catalog_lists_define(struct catalog *c, uint64_t uid, const char *sql);
enum err catalog_lists_remove(struct catalog *c, uint64_t uid); /* with all that is in it */
/* By uid; texts live for the call. */
enum err catalog_lists(struct catalog *c, catalog_lists_each *each, void *ctx);
enum err catalog_lists_get(struct catalog *c, const char *name, catalog_lists_each *each,
                           void *ctx); /* ERR_NOT_FOUND */

/* --- items --- */
struct catalog_list_item {
    const char *key, *row;
    evtime added, changed, expires; /* EVTIME_MIN: never */
    const char *who, *reason; /* of the last change; NULL: not said */
};
typedef void catalog_lists_item(void *ctx, const struct catalog_list_item *i);
/* In order of key, from the one after `after` (NULL: from the first); contains: in key or row, without regard to case of
 * ASCII (NULL: all). */
enum err catalog_lists_items(struct catalog *c, uint64_t list, const char *after,
                             const char *contains, unsigned limit, catalog_lists_item *each,
                             void *ctx);
enum err catalog_lists_item_get(struct catalog *c, uint64_t list, const char *key,
                                catalog_lists_item *each, void *ctx); /* ERR_NOT_FOUND */
/* Keys that were to go by `now`, of the list that has the oldest of them; at most limit. *list 0: none. */
enum err catalog_lists_expired(struct catalog *c, evtime now, unsigned limit, uint64_t *list,
                               void (*each)(void *ctx, const char *key), void *ctx);

/* --- changes --- */
struct catalog_list_edit {
    const char *key;
    const char *row; /* NULL: the item is taken out */
};
struct catalog_list_mark {
    uint32_t stream, partition;
    uint64_t offset;
    evtime w;
};
struct catalog_list_change {
    uint64_t list;
    const char *what, *who, *reason; /* "edit", "replace", "expiry"; who and reason may be NULL */
    evtime at, expires; /* of what is put; EVTIME_MIN: never */
    bool keep; /* an item that is there stays as it is */
    bool keep_expiry; /* … keeps its time */
    bool replace; /* what is not put goes */
    size_t n;
    const struct catalog_list_edit *edits;
    bool cut; /* rules read the list */
    unsigned nmarks;
    const struct catalog_list_mark *marks;
    uint64_t folded; /* changes up to this one are needed by no replay */
    uint64_t max_items, max_changes; /* ERR_LIMIT: *too_many says which */
    const char *too_many;
    /* given */
    uint64_t seq; /* 0: everything was so already, and nothing was recorded */
    uint64_t added, removed, changed; /* items */
};
/* A key's row; NULL: it is not in the list. */
struct catalog_list_states {
    const char *key, *before, *row;
};
/* catalog_listedit.c. each: for every key that came, went or has another row, in order. ERR_NOT_FOUND: no such list. */
enum err catalog_listedit(struct catalog *c, struct catalog_list_change *ch,
                          void (*each)(void *ctx, const struct catalog_list_states *s), void *ctx);
/* The greatest seq there ever was. */
enum err catalog_lists_seq(struct catalog *c, uint64_t *seq);
enum err catalog_listedit_fold(struct catalog *c, uint64_t list, uint64_t folded);

struct catalog_list_told { /* a change, for people */
    uint64_t seq;
    evtime at;
    const char *what, *who, *reason, *keys; /* keys: JSON array of the first ones */
    uint64_t added, removed, changed;
};
/* The newest first, from the one before `before` (0: from the newest). */
enum err catalog_lists_history(struct catalog *c, uint64_t list, uint64_t before, unsigned limit,
                               void (*each)(void *ctx, const struct catalog_list_told *t),
                               void *ctx);

/* --- for a replay: changes that were cut, with their marks; edits in order of seq; then the keys of today --- */
enum err catalog_lists_cuts(struct catalog *c, uint64_t list,
                            void (*each)(void *ctx, uint64_t seq, unsigned nmarks,
                                         const struct catalog_list_mark *marks),
                            void *ctx);
enum err catalog_lists_edits(struct catalog *c, uint64_t list,
                             void (*each)(void *ctx, uint64_t seq,
                                          const struct catalog_list_states *s),
                             void *ctx);
enum err catalog_lists_keys(struct catalog *c, uint64_t list,
                            void (*each)(void *ctx, const char *key, const char *row), void *ctx);

#endif
