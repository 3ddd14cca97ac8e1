/* SPDX-License-Identifier: Apache-2.0 */
/* tableset.h - the tables of databases outside that a process knows, and the streams of rows that are looked up in them.
 *
 * Room:   catalogue, control messages -> [tableset] -> compiler (scope), jobs
 * Owns:   the compiled texts; all live as long as the set, those of tables that were dropped too: rows may still be around
 * Thread: any; a lock inside.  Time: none. */
#ifndef WEIR_SERVER_TABLESET_H
#define WEIR_SERVER_TABLESET_H
#include "base/diag.h"
#include "cep/table.h"
#include "rules/scope.h"

enum {
    TABLESET_ROWS_MAX = 10000
}; /* ways of looking rows up; texts that are only checked count, too */

struct tableset;

struct tableset *tableset_new(void);
void tableset_free(struct tableset *t); /* NULL is fine */

/* Compiles CREATE TABLE text. One that has the number already is left as it is. A table of that name is no longer found. */
enum err tableset_put(struct tableset *t, uint32_t uid, const char *sql, size_t n, struct diag *d);
void tableset_drop(struct tableset *t, const char *name);

const struct table *tableset_find(struct tableset *t, const char *name); /* NULL: none */
const char *tableset_name(struct tableset *t,
                          uint32_t uid); /* of a dropped one, too; "" if there was none */
const struct table *tableset_at(struct tableset *t, unsigned i); /* by number; NULL past the last */

/* As scope.h's `lookup` says. */
const struct schema *tableset_lookup(struct tableset *t, const struct schema *from,
                                     const struct table *table, uint32_t uid);
const struct schema *tableset_rows(struct tableset *t,
                                   uint32_t stream); /* the newest such stream, or NULL */

#endif
