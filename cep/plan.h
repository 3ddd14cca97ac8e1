/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - one compiled rule: everything an operator needs, nothing of the syntax. Immutable, shared, one arena.
 *
 * Room:   rules/compile -> [plan] -> job (which merges the plans of all live rules)
 * Owns:   its arena, by reference count (plan_unref); all pointers in it point into that arena or into schemas, which
 *         outlive it
 * Thread: any, read only (the count is atomic). */
#ifndef WEIR_CEP_PLAN_H
#define WEIR_CEP_PLAN_H
#include "base/arena.h"
#include "cep/expr/expr.h"
#include "cep/match/pattern.h"
#include "cep/row/schema.h"

enum rule_shape { RULE_FILTER, RULE_WINDOW, RULE_OVER, RULE_MATCH, RULE_JOIN };
enum rule_mode { RULE_ACTIVE, RULE_SHADOW, RULE_PAUSED };
enum { PLAN_VARS_MAX = 64, PLAN_KEYS_MAX = 16, PLAN_OUTPUTS_MAX = 256 };

struct plan_key_value { /* computed from a row */
    const char *name;
    const struct expr *e;
};

/* PARTITION BY / GROUP BY: columns of the input, in ascending order without doubles, then values that are computed. */
struct plan_key {
    unsigned n; /* of both */
    uint16_t columns[PLAN_KEYS_MAX];
    unsigned nvalues;
    const struct plan_key_value *values;
};

struct plan_output {
    const char *name;
    struct type type;
    const struct expr *
        e; /* over the row (FILTER), slots (WINDOW), both (OVER), the match (MATCH; `current` is its last row) */
};

enum window_kind {
    WINDOW_TUMBLE,
    WINDOW_HOP,
    WINDOW_CUMULATE,
    WINDOW_SESSION,
    WINDOW_COUNT_TUMBLE,
    WINDOW_COUNT_HOP,
    WINDOW_GLOBAL
};

/* When a window gives a result; what replaces the firing at its end but for CONTINUOUS, which adds to it. */
enum window_trigger {
    TRIGGER_EVENT_TIME,
    TRIGGER_PROCESSING_TIME,
    TRIGGER_COUNT,
    TRIGGER_CONTINUOUS,
    TRIGGER_PUNCTUATED
};

/* Which keys' rows are summed up before they go to the key's owner: hot ones, all, none. */
enum window_two_phase { TWO_PHASE_AUTO, TWO_PHASE_ALL, TWO_PHASE_NONE };

/* Which rows a firing leaves out: all but the last so many, those so much older than the newest. */
enum window_evictor { EVICTOR_NONE, EVICTOR_COUNT, EVICTOR_TIME };

/* Slots of a window rule: the key columns in plan_key's order, then window_start, window_end, window_time, then one for
 * each aggregate. Of a rule without GROUP BY (each_row) the outputs are over a row and those slots. */
struct window_plan {
    enum window_kind kind;
    enum window_two_phase two_phase;
    int64_t size_ms, slide_ms,
        offset_ms; /* TUMBLE: slide = size. CUMULATE: slide = step, size = max size. SESSION: size = gap */
    const struct expr *gap; /* SESSION: the gap after a row, in ms, over that row; NULL: size_ms */
    int64_t lateness_ms;
    enum window_trigger trigger;
    int64_t every; /* COUNT: rows; CONTINUOUS: ms */
    bool purge; /* a later firing holds only what came since */
    enum window_evictor evictor;
    int64_t spares; /* rows or ms */
    bool evict_after; /* after the aggregates have been computed */
    bool each_row; /* no GROUP BY: each row with each of its windows */
    struct plan_key
        split; /* SESSION, COUNT_*: what divides a window into groups; the first aggregates are FIRST of each */
    unsigned naggs;
    const struct agg_call *aggs;
    const struct expr *having; /* over slots, or NULL */
};

enum over_kind { OVER_AGG, OVER_LAG, OVER_ROW_NUMBER };

struct over_frame {
    bool rows; /* ROWS, else RANGE, which takes all rows of the current one's time */
    int64_t preceding; /* rows or ms before the current one; -1: all */
};

struct over_call {
    enum over_kind kind;
    struct type type; /* of the result */
    struct agg_call agg; /* AGG; of LAG the argument */
    struct over_frame frame; /* AGG */
    int64_t offset; /* LAG: rows back */
    const struct expr *fallback; /* LAG: its default, over the current row; NULL: none */
};

/* Slot i of an OVER rule is the value of its call i. */
struct over_plan {
    unsigned ncalls;
    const struct over_call *calls;
    const struct expr
        *having; /* QUALIFY, and WHERE around it: over the row and slots; NULL: none */
};

struct match_var {
    const char *name; /* as written; unquoted ones in upper case */
    /* DEFINE, split: `row` reads the tested row only (shared by all rules, evaluated by the batch); `path` is the rest
     * and reads the match so far. Both NULL: true. */
    const struct expr *row, *path;
};

struct subset {
    const char *name;
    uint64_t vars;
};

struct match_plan {
    unsigned nvars, nsubsets;
    const struct match_var *vars;
    const struct subset *subsets;
    const struct pattern *pattern;
    int64_t within_ms; /* -1: none */
    bool within_each_step;
    enum skip_kind skip;
    uint64_t skip_vars; /* SKIP TO: bits of the variables */
    enum rows_kind rows;
    bool bounded; /* the input ends: empty matches are matches */
    unsigned norder; /* columns after the time that order equal times */
    const uint16_t *order_columns;
    uint64_t order_desc; /* bit i: order_columns[i] descends */
    const struct expr
        *having; /* WHERE after MATCH_RECOGNIZE: over the match, as an output is; NULL: none */
    const char *const *var_names; /* for expr_print */
};

/* Two streams side by side. Slot c is column c of the left stream, slot n + c column c of the right one, where n is the
 * left one's number of columns. Joined windows: then window_start, window_end and window_time of the left row, and of the
 * right one. */
enum join_which { JOIN_LEFT, JOIN_RIGHT };

struct join_key {
    const char *name; /* the left column, or what stands there as text */
    struct type type; /* of the values in the key's bytes */
    const struct expr
        *e[2]; /* by side, over its row; both of `type`, but for the digits of numbers */
};

struct join_side {
    const struct schema *schema;
    const char *name; /* the alias */
    const struct expr *where; /* rows that count, over one row; NULL: all */
    const struct expr
        *partner; /* of those, which may find a partner; NULL: all. Outer joins, left side */
    struct colset reads, keeps; /* columns; those of kept rows */
};

struct join_plan {
    bool outer; /* LEFT: a left row without partner is given by itself */
    struct join_side side[2];
    unsigned nkeys;
    const struct join_key *keys;
    int64_t least_ms,
        most_ms; /* bounds of right time - left time, inclusive; least > most: none fits */
    bool windowed; /* rows of the same window are joined, when it is over; there are no bounds */
    struct window_plan window; /* TUMBLE, HOP or CUMULATE: kind, sizes and offset */
    const struct expr *on, *where; /* over slots: the rest of ON, and WHERE; or NULL */
};

/* Rows of a stream that are looked up in a table, before anything else is done with them. */
struct plan_lookup {
    const struct schema
        *rows; /* the derived stream of what comes of it; it names stream and table */
    const struct expr *key; /* what is looked up, over a row of rows->from; of the key's type */
    const struct expr
        *when; /* rows for which it is not true need not be; over the same; NULL: all */
};

/* What goes when a key has too much. Of what is not a pattern, the oldest row. */
enum limit_drop { LIMIT_DROP_OLDEST, LIMIT_DROP_NEWEST, LIMIT_DROP_KEY };

struct plan_limits {
    uint32_t partials, rows; /* of one key; 0: as the task's options say */
    enum limit_drop drop;
};

/* EMIT: what goes to which sink, besides where it is kept. */
enum plan_emit_what { PLAN_EMIT_RESULTS, PLAN_EMIT_LATE, PLAN_EMIT_TIMEOUTS, PLAN_EMIT_ERRORS };
enum { PLAN_EMITS_MAX = 16 };
struct plan_emit {
    enum plan_emit_what what;
    const char *sink;
};

struct rule_plan {
    const char *name;
    uint64_t
        stands_for; /* the rule beside which it runs, and in whose name it finds: ids of results are
                            made from it. 0: itself */
    const char *sql; /* the statement's own text, as written */
    enum rule_shape shape;
    const struct schema *input; /* of a join the left one: see plan_streams */
    const struct expr *where; /* over a row, before anything else; NULL: all rows. Not of joins */
    struct plan_key key;
    unsigned noutputs;
    const struct plan_output *outputs;
    struct colset
        reads; /* columns of the input that anything above reads (the time column is always decoded) */
    struct colset keeps; /* MATCH: columns that a kept row needs */
    enum rule_mode mode;
    int64_t cooldown_ms; /* 0: none */
    struct plan_limits limits;
    int64_t state_ttl_ms; /* a key's state that gets no row for so long is dropped; 0: never */
    const char *severity; /* "low" | "medium" (default) | "high" | "critical" */
    const char *title; /* "Card testing on {card}", or NULL */
    const char *description; /* or NULL */
    unsigned noptions;
    const struct option *options;
    unsigned nemits;
    const struct plan_emit *emits;
    unsigned nlists;
    struct list **lists; /* that IN LIST names, each once; a reference to each */
    unsigned nlookups;
    const struct plan_lookup *lookups; /* a later one may be over the rows of those before it */
    bool windowed; /* FILTER with `window`, not GROUP BY: its rows need not wait */
    union {
        struct window_plan window;
        struct over_plan over;
        struct match_plan match;
        struct join_plan join;
    };
    struct arena *arena;
    int refs;
};

struct rule_plan *plan_ref(struct rule_plan *p);
void plan_unref(struct rule_plan *p); /* NULL is fine; the last frees the arena, and p with it */

enum { PLAN_STREAMS_MAX = 2 };
/* The streams that it reads, each once; whether rows are looked up in tables first is not to be seen from them. */
unsigned plan_streams(const struct rule_plan *p, const struct schema *out[PLAN_STREAMS_MAX]);
/* Streams from outside that all it reads is made from; the compiler sees to it that they are no more than that. */
enum { PLAN_ROOTS_MAX = 8 };
unsigned plan_roots(const struct rule_plan *p, const struct schema *out[PLAN_ROOTS_MAX]);
bool plan_reads_stream(const struct rule_plan *p, const struct schema *s); /* is it among those? */
bool plan_is_derived(const struct rule_plan *p); /* it reads a rule, or a side output */
/* What a result's rows can be: variables of a pattern, sides of a join. */
unsigned plan_nvars(const struct rule_plan *p);
const char *plan_var_name(const struct rule_plan *p, unsigned i);
static inline unsigned plan_key_ncolumns(const struct plan_key *k)
{
    return k->n - k->nvalues;
}
/* Have rows the same key by both? */
bool plan_key_same(const struct plan_key *a, const struct plan_key *b);
/* Do both order equal times alike? NULL: not at all. */
bool plan_order_same(const struct match_plan *a, const struct match_plan *b);
void plan_key_reads(const struct plan_key *k, struct colset *out); /* adds columns */
const char *plan_key_part(const struct plan_key *k, const struct schema *s, unsigned i); /* name */
struct type plan_key_part_type(const struct plan_key *k, const struct schema *s, unsigned i);
/* The same bytes for the same key in every process. */
void plan_key_id(const struct plan_key *k, const struct schema *s, struct bytes *out);
/* What the bytes of a result's key hold: so many values, their names and types. */
unsigned plan_nkeys(const struct rule_plan *p);
const char *plan_key_name(const struct rule_plan *p, unsigned i);
struct type plan_key_type(const struct rule_plan *p, unsigned i);

#endif
