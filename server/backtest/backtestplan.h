/* SPDX-License-Identifier: Apache-2.0 */
/* backtestplan.h - what a backtest is to do: the request with all names resolved, as it is kept and given to the process
 * that does it.
 *
 * Room:   API -> [backtestplan] -> catalogue, `weir backtest`
 * Owns:   the JSON object; all texts point into it.  Thread: any.  Time: evtime. */
#ifndef WEIR_SERVER_BACKTESTPLAN_H
#define WEIR_SERVER_BACKTESTPLAN_H
#include "base/diag.h"
#include "base/timebase.h"
#include <jansson.h>

enum { BACKTESTPLAN_FILES_MAX = 64, BACKTESTPLAN_STREAMS_MAX = 64, BACKTESTPLAN_SEGMENTS_MAX = 3 };

struct backtestplan {
    json_t *json;
    /* asked for */
    const char *name, *sql; /* the rule; its text, with :names */
    const char *baseline_sql; /* NULL: what live told */
    evtime from, to; /* [from, to); EVTIME_MIN, EVTIME_MAX: not said */
    int64_t warm_up_ms; /* rows of so long before `from` are read, too */
    const json_t *parameters; /* or NULL */
    const json_t *streams; /* names; NULL: all that the rule reads */
    const json_t *files; /* [{"stream":…,"path":…}] in place of the log, or NULL */
    const char *label_column, *label_value; /* value NULL: any but false, 0 and "" */
    const char *sum; /* an output, or NULL */
    const json_t *segments; /* names of outputs, by which alerts are counted; or NULL */
    const char *start; /* "empty", or a savepoint's name; NULL: empty */
    /* found out */
    const char *savepoint; /* its folder, or NULL */
    uint64_t uid; /* whose alerts are compared and whose ids are given; 0: no live rule */
    uint32_t version, baseline_version; /* 0: none has this text */
    /* set by the server */
    uint64_t memory_bytes, max_alerts, max_labels;
    uint64_t max_partials_per_key, max_rows_per_key;
};

/* Takes the reference. ERR_INVALID: d says which field is wrong. */
enum err backtestplan_read(json_t *json, struct diag *d, struct backtestplan *out);
void backtestplan_fini(struct backtestplan *p);
/* Those alone that a person may give, to be shown. */
json_t *backtestplan_request(const struct backtestplan *p);

#endif
