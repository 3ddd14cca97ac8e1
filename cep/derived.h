/* SPDX-License-Identifier: Apache-2.0 */
/* derived.h - streams that are made of what a rule finds, or of its side outputs: their number, schema and watermark.
 *
 * Room:   plan of a rule -> [derived] -> schema that other rules read
 * Owns:   nothing; a schema lives in the arena that it was made in
 * Thread: any.  Time: evtime.
 *
 * The time of a row is that of the result (MATCH_ROWTIME()). If the rule gives it out, that column is the stream's time;
 * else there is a hidden column `rowtime`. A row of LATE has the columns of what the rule reads, and for its time the
 * watermark that it came behind, so that late rows are in order of their coming and never late again.
 *
 * What a stream refuses, its ERRORS, is none of them: nobody makes those rows while others are worked on. It is a stream from
 * outside, whose rows the owner of the input writes down as they are refused: when, why, and as they came.
 *
 * The place of a row: of a filter, of OVER and of LATE that of the row it is made from; else (0, 64 bits of the result's
 * id). So it does not depend on when and where the row was made. */
#ifndef WEIR_CEP_DERIVED_H
#define WEIR_CEP_DERIVED_H
#include "cep/plan.h"
#include "cep/result.h"

enum { DERIVED_STAGES_MAX = 16 };
#define DERIVED_ROWTIME "rowtime"

/* The stream's number: the same whenever and wherever it is made. uid: of the rule; of STREAM_LATE the stream's id. */
uint32_t derived_id(enum derived_kind k, uint64_t uid);
enum derived_kind derived_kind(uint32_t stream); /* DERIVED_NOT: of no derived stream */
uint64_t derived_uid(uint32_t stream); /* of the rule (or stream) that it is made from */
/* "LATE", "TIMEOUTS", "ERRORS", or NULL. */
const char *derived_kind_name(enum derived_kind k);

/* NULL: the rule gives as many columns as a stream may have, and none of them is its time; or LATE of a join, which would be
 * rows of two streams. */
struct schema *derived_schema(const struct rule_plan *p, enum derived_kind k, uint32_t id,
                              struct arena *a);
/* Rows of `from` with the columns of the table behind them. uid: a hash of what is looked up by what. NULL: too many columns.
 * Its columns have the numbers that they have in `from`, its rows their places and times; its name is for snapshots, and
 * no two columns have the same. */
struct schema *derived_lookup(const struct schema *from, const struct table *table, uint32_t uid,
                              struct arena *a);
enum { DERIVED_UID_BITS = 28 };
struct schema *derived_late_of(const struct schema *s, struct arena *a); /* STREAM_LATE */
/* ERRORS of a stream from outside; its number is derived_errors_id, to be set anew if the stream's is. */
struct schema *derived_errors_of(const struct schema *s, struct arena *a);
uint32_t derived_errors_id(uint32_t stream);
uint32_t derived_errors_stream(uint32_t id); /* whose ERRORS that is; UINT32_MAX: it is no such */
/* Its columns, in that order, then the hidden time: when it was refused. */
enum derived_error {
    DERIVED_ERROR_CODE, /* codec_problem_name */
    DERIVED_ERROR_REASON,
    DERIVED_ERROR_RAW, /* the event as it came; its first CATALOG_DEAD_RAW_MAX bytes */
    DERIVED_ERROR_PARTITION,
    DERIVED_ERROR_OFFSET, /* in its file; NULL: it never had one */
    DERIVED_ERROR_COLUMNS
};
extern const char *const derived_error_names[DERIVED_ERROR_COLUMNS];

/* Is the result's place in its derived stream that of its only row? */
bool derived_keeps_place(const struct rule_plan *p);
/* The stream in which the places of s were given: s, or one that it is made of. */
const struct schema *derived_place_of(const struct schema *s);
/* What the id of the result begins with (its first revision), whose place in a derived stream has that offset. */
enum { DERIVED_ALERT_TEXT = 17 }; /* "alt_", 12 of the digits, NUL */
void derived_alert(uint64_t offset, char out[DERIVED_ALERT_TEXT]);
/* The place, in a derived stream of results of r's rule, of the row that is made from r. */
struct place derived_place(uint32_t stream, const struct result *r);

#endif
