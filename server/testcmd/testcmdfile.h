/* SPDX-License-Identifier: Apache-2.0 */
/* testcmdfile.h - a file of tests as a tree: what it includes, and of each test its events and what it expects.
 *
 * Room:   testcmdtext -> [testcmdfile] -> testcmdbind (names and types), testcmdrun
 * Owns:   its arena, with copies of all texts.  Thread: one.
 * Time:   evtime; times of the file count from TESTCMDFILE_START.
 *
 * Only the form is checked here; which streams, rules and columns there are is known once the rules are compiled. */
#ifndef WEIR_SERVER_TESTCMDFILE_H
#define WEIR_SERVER_TESTCMDFILE_H
#include "base/diag.h"
#include "base/err.h"
#include "base/timebase.h"
#include "cep/result.h"

#define TESTCMDFILE_START INT64_C(1767225600000) /* 2026-01-01 00:00:00 UTC is 0s */

enum {
    TESTCMDFILE_INCLUDES_MAX = 64,
    TESTCMDFILE_TESTS_MAX = 10000, /* of a file */
    TESTCMDFILE_EXPECTS_MAX = 1000, /* of a test */
    TESTCMDFILE_FIELDS_MAX = 256, /* of a row; defaults that hold at once */
    TESTCMDFILE_SHOWN_MAX = 200, /* bytes of a text in a message */
};

enum testcmdfile_literal_kind {
    TESTCMDFILE_NULL,
    TESTCMDFILE_BOOLEAN,
    TESTCMDFILE_NUMBER,
    TESTCMDFILE_STRING,
    TESTCMDFILE_DURATION,
    TESTCMDFILE_TIME
};

struct testcmdfile_literal {
    enum testcmdfile_literal_kind kind;
    struct span at;
    const char *text; /* STRING: its value; NUMBER: as written, with its sign */
    size_t n;
    int64_t ms; /* DURATION, TIME (evtime); BOOLEAN: 0 or 1 */
};

struct testcmdfile_field {
    struct testcmdfile_field *next;
    const char *name;
    struct span at; /* of the name */
    struct testcmdfile_literal value;
};

/* DEFAULT a = 1: newest first. */
struct testcmdfile_default {
    const struct testcmdfile_default *older;
    unsigned depth; /* how many hold, this one included */
    const char *stream; /* NULL: the test's own */
    const struct testcmdfile_field *field;
};

enum testcmdfile_event_kind { TESTCMDFILE_ROW, TESTCMDFILE_JSON, TESTCMDFILE_WATERMARK };

struct testcmdfile_event {
    struct testcmdfile_event *next;
    enum testcmdfile_event_kind kind;
    struct span at;
    evtime time; /* ROW, WATERMARK */
    const char *stream; /* NULL: the test's own */
    struct span stream_at;
    const struct testcmdfile_field *fields;
    const struct testcmdfile_default *defaults;
    const char *json; /* on one line */
    size_t json_n;
};

struct testcmdfile_expect {
    struct testcmdfile_expect *next;
    struct span at;
    bool none; /* EXPECT NO */
    enum result_kind kind;
    const char *rule; /* NULL: any */
    struct span rule_at;
    bool timed;
    evtime time;
    const struct testcmdfile_field *fields;
};

struct testcmdfile_test {
    struct testcmdfile_test *next;
    const char *name;
    struct span at; /* of the name */
    const char *stream; /* NULL: not said */
    struct span stream_at;
    bool no_end;
    unsigned nexpects;
    struct testcmdfile_event *events;
    struct testcmdfile_expect *expects;
};

struct testcmdfile {
    unsigned nincludes, ntests;
    const char *includes[TESTCMDFILE_INCLUDES_MAX];
    struct span include_at[TESTCMDFILE_INCLUDES_MAX];
    struct testcmdfile_test *tests;
    char *
        sql; /* the text with all but its CREATE and INSERT statements blanked, so that places stay */
    size_t sql_n;
    struct arena *arena;
};

/* ERR_INVALID, ERR_LIMIT: said in d, whose text this is; *out is untouched. */
enum err testcmdfile_parse(const char *text, size_t n, struct diag *d, struct testcmdfile **out);
void testcmdfile_free(struct testcmdfile *f); /* NULL is fine */

#endif
