/* SPDX-License-Identifier: Apache-2.0 */
/* cc.h - what every stage of compiling one statement is given.
 *
 * Owns:   nothing.  Thread: one. */
#ifndef WEIR_RULES_CC_H
#define WEIR_RULES_CC_H
#include "base/arena.h"
#include "base/diag.h"
#include "base/map.h"
#include "cep/plan.h"
#include "rules/scope.h"

/* What the script has defined so far: a map by the name in small letters. */
struct cc_known {
    const char *name, *key;
    const char *what; /* "stream", "rule", "list", "table", "sink" */
    const struct schema *schema; /* a stream's, or NULL */
    struct list *list; /* a list's, or NULL */
    const struct table *table; /* a table's, or NULL */
    const struct rule_plan *plan; /* a rule's, or NULL */
    unsigned number; /* a rule's, from 1, in order of the script */
    const struct schema *derived[DERIVED_STREAM_LATE + 1]; /* those that have been read, by kind */
    bool wrong; /* its statement has errors: what reads it says nothing more */
    MAP_LINK;
};

/* The lists that a statement names, each once, with a reference. */
struct cc_lists {
    struct list **v;
    size_t n, cap;
};

/* The look-ups in tables of the rule that is being compiled, in order. */
struct cc_lookups {
    struct plan_lookup *v;
    unsigned n, cap;
};

/* Streams of looked-up rows that the script has made. */
struct cc_looked {
    const struct schema *rows;
    struct cc_looked *next;
};

struct cc {
    struct diag *d;
    struct arena *arena; /* of the result: schemas or one plan */
    struct arena *scratch; /* gone with the statement */
    const struct scope *scope; /* may be NULL */
    struct cc_known *known;
    struct cc_lists *lists;
    struct cc_lookups *lookups; /* of a rule; else NULL */
    struct cc_looked **looked; /* of the script */
    struct arena *lasting; /* of the whole script */
    const char *creating; /* the rule that is being compiled, or NULL */
    const char *text; /* of the script */
    size_t text_len;
    bool bounded; /* the input ends, whatever the streams' connectors */
};

#endif
