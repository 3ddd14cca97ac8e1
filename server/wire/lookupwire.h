/* SPDX-License-Identifier: Apache-2.0 */
/* lookupwire.h - what a worker says of its look-ups in tables outside: CONTROL_LOOKUPS.
 *
 * Room:   workerlookup -> [lookupwire] -> crew -> pages, metrics
 * Owns:   nothing.  Thread: any.
 *
 * Bytes come from another process and are taken as hostile: what does not fit is ERR_CORRUPT. */
#ifndef WEIR_SERVER_LOOKUPWIRE_H
#define WEIR_SERVER_LOOKUPWIRE_H
#include "base/bytes.h"
#include "base/err.h"
#include "server/worker/lookups.h"

enum { LOOKUPWIRE_TABLES = 64 };

struct lookupwire_table {
    uint32_t uid;
    struct lookups_stats stats; /* without `table` */
};
struct lookupwire {
    unsigned n;
    struct lookupwire_table tables[LOOKUPWIRE_TABLES];
};

void lookupwire_put(const struct lookupwire *m, struct bytes *out);
enum err lookupwire_get(const void *p, size_t n, struct lookupwire *out);

#endif
