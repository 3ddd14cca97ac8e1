/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - a table of a database outside, in which rows are looked up: CREATE TABLE. What it is, not how it is asked.
 *
 * Room:   rules/tabledef -> [table] -> derived streams of looked-up rows (derived.h), io/table_source
 * Owns:   nothing; a table and all it points to lives in the arena that it was compiled into
 * Thread: any, read only.  Time: none; durations in ms. */
#ifndef WEIR_CEP_TABLE_H
#define WEIR_CEP_TABLE_H
#include "cep/row/schema.h"

/* What becomes of a row that could not be looked up: it is set aside, it goes on with NULLs, or all stops. */
enum table_on_error { TABLE_DEAD_LETTER, TABLE_NULL, TABLE_FAIL };

enum {
    TABLE_BATCH_MAX = 1000, /* keys of one request */
    TABLE_CONNECTIONS_MAX = 32,
    TABLE_ROW_MAX = 64 << 10 /* bytes of one row of it */
};

struct table {
    const struct schema *schema; /* name, id, text, columns, connector, options; it has no time */
    unsigned key; /* the column that is looked up */
    unsigned capacity; /* keys that may be asked for at the same time */
    unsigned batch; /* keys of one request */
    unsigned connections; /* requests at the same time */
    int64_t timeout_ms; /* of a row, from when it was asked for, all retries among it */
    unsigned retries;
    int64_t retry_delay_ms;
    unsigned cache_rows; /* 0: no cache */
    int64_t cache_ttl_ms;
    bool cache_missing; /* that a key is not there is remembered, too */
    bool unordered; /* rows go on as their answers come */
    enum table_on_error on_error;
};

#endif
