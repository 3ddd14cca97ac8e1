/* SPDX-License-Identifier: Apache-2.0 */
/* result.h - what a rule has found: the record from which alerts, side outputs and the lines of `weir eval` are made.
 *
 * Room:   operators -> [result] -> effects of the task -> io/result_json, alert store
 * Owns:   nothing; lives in the effects' arena until task_effects_clear
 * Thread: one worker.  Time: evtime. */
#ifndef WEIR_CEP_RESULT_H
#define WEIR_CEP_RESULT_H
#include "cep/plan.h"

enum result_kind { RESULT_MATCH, RESULT_UPDATE, RESULT_TIMEOUT, RESULT_LATE, RESULT_ERROR };
const char *result_kind_name(enum result_kind k); /* "match" … as in `weir eval` */

struct place { /* of an event */
    uint32_t stream; /* schema->id */
    uint32_t partition;
    uint64_t offset;
};

struct result_row { /* one event of a match, in the order taken */
    int var; /* of the pattern; -1: none (filter, window, late) */
    struct place place;
    evtime ts;
};

enum { RESULT_ID_BYTES = 16, RESULT_ID_TEXT = 31 }; /* "alt_" + 26 base32 digits + NUL */

struct result {
    const struct rule_plan *rule;
    uint32_t rule_index; /* in the job */
    uint64_t rule_uid;
    uint32_t rule_version;
    enum result_kind kind;
    enum rule_mode mode; /* ACTIVE or SHADOW when it was made */
    evtime time; /* event time of the result */
    evtime
        step; /* the watermark whose coming decided it (order of results: step, time, rule, key, places) */
    uint8_t id[RESULT_ID_BYTES]; /* the same after every replay (DESIGN, Alert id) */
    const uint8_t *key; /* canonical key bytes (value_key of each key column) */
    uint32_t key_len;
    unsigned nvalues;
    const struct value
        *values; /* the rule's outputs; LATE: all columns read, as value pairs of the input row */
    unsigned nrows;
    const struct result_row *rows;
    uint32_t row_number; /* ALL ROWS PER MATCH: from 1, of the row given out among `rows`; else 0 */
    evtime window_start, window_end; /* WINDOW; else EVTIME_MIN */
    uint32_t revision; /* 0 for a match, then 1 … for updates */
    bool retracted;
    unsigned nreplaces; /* results whose place this one takes: sessions that are one now */
    const uint8_t (*replaces)[RESULT_ID_BYTES];
    const char *reason; /* ERROR, or NULL */
    bool early; /* decided where its row was made, without waiting for the watermark */
    evtime late_w; /* of a filter: its row came late, behind this; EVTIME_MIN: in time */
};

/* Hash of the rule's uid, kind, key and places (or window bounds), and of the row's number with ALL ROWS PER MATCH, where
 * each row of a match is a result with an id of its own: fills r->id from the other fields. */
void result_make_id(struct result *r);
void result_id_text(const uint8_t id[RESULT_ID_BYTES], char out[RESULT_ID_TEXT]);
/* Order of results within one step: (step, time, rule, key, revision, places, row number). */
int result_compare(const struct result *a, const struct result *b);

#endif
