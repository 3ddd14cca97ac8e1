/* SPDX-License-Identifier: Apache-2.0 */
/* table_kind.h - what each kind of database does for table_source.c. The rules of table_source.h hold.
 *
 * Owns: see table_source.h.  Thread: one at a time. */
#ifndef WEIR_IO_TABLE_KIND_H
#define WEIR_IO_TABLE_KIND_H
#include "io/table_source.h"
#include <stdatomic.h>

/* How long a question may take. */
struct table_limit {
    montime deadline;
    const atomic_bool *stopped;
};
static inline bool table_kind_is_over(const struct table_limit *l)
{
    return timebase_mono_ns() >= l->deadline ||
           atomic_load_explicit(l->stopped, memory_order_relaxed);
}

struct table_kind {
    const char *connector;
    /* NULL: it failed. */
    void *(*open)(const struct table *t, const struct table_limit *limit, char why[TABLE_WHY]);
    void (*close)(void *connection);
    /* ERR_CLOSED, too: the connection is of no more use. */
    enum err (*get)(void *connection, const struct value *keys, unsigned n,
                    const struct table_limit *limit, struct table_answer *answers,
                    struct bytes *out, char why[TABLE_WHY]);
};

extern const struct table_kind table_sqlite, table_postgres;

#endif
