/* SPDX-License-Identifier: Apache-2.0 */
/* keyed.h - what the rules of one (stream, key definition) share on the keyed side: keys, kept rows, the row in hand.
 *
 * Room:   order -> [keyed] -> match, window
 * Owns:   the key table and the memory of kept rows
 * Thread: one worker.  Time: evtime; reads no clock.
 *
 * A row that some rule must remember is copied once (`struct kept`), when the first rule takes it, and counted by
 * reference; which columns are copied grows with the rules and never shrinks, so that rows kept before a change of rules
 * can still be read. */
#ifndef WEIR_CEP_KEYED_H
#define WEIR_CEP_KEYED_H
#include "cep/emit.h"
#include "cep/key/keytable.h"
#include "cep/key/keytrack.h"
#include "cep/row/row.h"

#define KEPT_SEQ_MASK ((UINT64_C(1) << 55) - 1)
#define KEPT_SEQ_LOADED_MAX (UINT64_C(1) << 54) /* none that was saved is larger */

struct kept {
    uint64_t seq : 55; /* order in which rows were released */
    uint64_t ncells : 9; /* those of the layout when it was kept */
    uint32_t size;
    uint32_t mark; /* its number in the entry that is being saved (keysave.h) */
    struct row row;
};

struct keyed_row { /* being given to the operators */
    struct batch *b; /* NULL: it is a kept one, given again */
    unsigned i;
    bool late;
    evtime ts;
    const uint64_t *bits; /* conditions of the key definition that hold */
    uint64_t fold; /* the same, folded to 64 bits: bit b % 64 */
    uint64_t seq;
    struct kept *kept; /* once some rule has kept it */
};

struct keyed_column {
    uint16_t column;
    bool string;
};

struct keyed {
    const struct schema *schema;
    struct plan_key key; /* of the job that runs */
    struct exprvm *values[PLAN_KEYS_MAX]; /* of the key, that are computed */
    struct keytable table;
    struct keytrack track; /* which keys have changed since the last snapshot */
    struct row_layout layout;
    struct keyed_column keeps[SCHEMA_COLUMNS_MAX]; /* by cell */
    uint64_t
        beyond[SCHEMA_COLUMNS_MAX / 64]; /* bits of cells that rows do not have yet: NULL there */
    struct slabs memory; /* of kept rows */
    struct emit *emit;
    struct arena *scratch; /* emptied after each row */
    struct bytes key_bytes;
    bool by_arrival; /* rows are given as they come; results of rows too */
    bool of_row; /* a row is in hand, not time */
    evtime late_w; /* of the row in hand, if it is late; EVTIME_MIN: it is not, or there is none */
    /* For operators that know only later which rows are late: row i of b goes to LATE, which others read. */
    void (*pass_late)(void *ctx, unsigned stream, struct batch *b, unsigned i);
    void *pass_ctx;
    evtime step; /* the watermark that is being carried out */
    evtime clock; /* processing time at this step; EVTIME_MIN: nobody has said it yet */
    uint64_t seq; /* of the last row released */
    size_t max_partials, max_rows; /* of one key and rule, unless the rule says otherwise */
    uint64_t kept_rows, partials, partials_dropped, timeouts, windows, expired;
};

/* A rule as an operator sees it. */
struct cut;
struct keyed_rule {
    const struct rule_plan *plan;
    const struct cut *cut;
    uint64_t uid;
    uint32_t version;
    uint32_t index; /* in the job */
    uint32_t slot; /* among the rules of the key definition */
    bool read; /* other rules read its results */
    unsigned late; /* the stream of the job that its LATE is, UINT32_MAX: nobody reads that */
};

void keyed_init(struct keyed *k, const struct schema *s, struct emit *emit);
/* What the key is made of; the plan of which it is outlives k, or the next call, which may only say the same anew. */
void keyed_set_key(struct keyed *k, const struct plan_key *key);
void keyed_fini(struct keyed *k);
/* Columns that kept rows have from now on, beside those that they have already. */
void keyed_keep(struct keyed *k, const struct colset *columns);

/* Canonical bytes of row i's key, in k->key_bytes. k->scratch is empty then, if something is computed. */
void keyed_key_of(struct keyed *k, const struct batch *b, unsigned i);
/* The key of row i if it is there, else NULL; k->key_bytes may be another's. */
struct key *keyed_find(struct keyed *k, const struct batch *b, unsigned i, uint64_t hash);
/* The key of a row, made if it is not there. */
struct key *keyed_key(struct keyed *k, const struct keyed_row *r, uint64_t hash);
struct key *keyed_add(struct keyed *k, uint64_t hash, const void *p,
                      size_t n); /* must not be there */
/* To be called before anything of the key's state changes: rows, time that passes, what is dropped. Uses no scratch. */
static inline void keyed_touch(struct keyed *k, struct key *key)
{
    keytrack_touch(&k->track, key);
}
/* Frees the key when no rule has a cell for it. */
void keyed_drop_if_idle(struct keyed *k, struct key *key);
/* The key's values from its bytes; strings point into it. n = key.n */
void keyed_values(const struct keyed *k, const struct key *key, struct value *out);

/* The row in hand as a kept one, with a reference for the caller. */
struct kept *keyed_keep_row(struct keyed *k, struct keyed_row *r);
static inline struct kept *keyed_ref(struct kept *r)
{
    r->row.refs++;
    return r;
}
void keyed_free_row(struct keyed *k, struct kept *r);
static inline void keyed_unref(struct keyed *k, struct kept *r)
{
    if (--r->row.refs == 0)
        keyed_free_row(k, r);
}
size_t keyed_bytes(const struct keyed *k);
size_t keyed_used(const struct keyed *k); /* of these, by what is there */

/* A result of a rule for a key (NULL: the empty one), to be filled and done; NULL: it is paused at that time. */
struct result *keyed_result(struct keyed *k, const struct keyed_rule *r, const struct key *key,
                            enum result_kind kind, evtime decided);
/* The same for a key that has no state. */
struct result *keyed_result_of(struct keyed *k, const struct keyed_rule *r, const void *key,
                               size_t len, enum result_kind kind, evtime decided);

/* A limit of the rule for a key, or the keyed side's. 0: none is said. */
static inline size_t keyed_limit(uint32_t own, size_t common)
{
    return own > 0 ? own : common > 0 ? common : SIZE_MAX;
}
/* ERRORS of the rule are told that a limit was met at the row in hand, and what was dropped. */
void keyed_tell_limit(struct keyed *k, const struct keyed_rule *rule, const struct key *key,
                      struct rowref at, evtime ts, const char *what, size_t limit,
                      const char *dropped);

/* The row in hand, in its batch or, once that is gone, kept. */
static inline struct rowref keyed_row_ref(const struct keyed_row *r)
{
    if (r->b != NULL)
        return (struct rowref){.b = r->b, .i = r->i};
    return (struct rowref){.b = NULL, .r = &r->kept->row};
}

static inline bool keyed_bit(const struct keyed_row *r, unsigned bit)
{
    return r->bits[bit / 64] >> (bit % 64) & 1;
}

#endif
