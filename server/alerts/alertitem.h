/* SPDX-License-Identifier: Apache-2.0 */
/* alertitem.h - what is queued for the alert writer.
 *
 * Room:   alertwriter's callers -> [alertitem] -> its thread.  Owns: a copy of all it is given.  Thread: any.  Time: none. */
#ifndef WEIR_SERVER_ALERTITEM_H
#define WEIR_SERVER_ALERTITEM_H
#include "state/catalog_dead.h"

enum alertitem_kind {
    ALERTITEM_RESULTS,
    ALERTITEM_DEAD_LETTER,
    ALERTITEM_ALARM,
    ALERTITEM_NEW_ATTEMPT,
    ALERTITEM_MARK,
    ALERTITEM_COMMIT
};

struct alertitem_mark {
    uint64_t id; /* of a checkpoint */
    bool first, last; /* of the marks of all workers */
};

struct alertitem {
    struct alertitem *next;
    enum alertitem_kind kind;
    unsigned worker;
    struct alertitem_mark mark; /* COMMIT: its id alone */
    struct catalog_dead_letter dead; /* its strings in bytes */
    size_t cooldown_n; /* NEW_ATTEMPT: of the bytes; the rest is of sinks */
    size_t n;
    uint8_t bytes[];
};

struct alertitem *alertitem_new(enum alertitem_kind kind, const void *bytes, size_t n);
struct alertitem *alertitem_letter(enum alertitem_kind kind, const struct catalog_dead_letter *d);

#endif
