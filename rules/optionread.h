/* SPDX-License-Identifier: Apache-2.0 */
/* optionread.h - one WITH list against the options that there are: names, values of their kinds.
 *
 * Room:   ast -> [optionread] -> options, which knows what each means.  Thread: one. */
#ifndef WEIR_RULES_OPTIONREAD_H
#define WEIR_RULES_OPTIONREAD_H
#include "rules/ast.h"
#include "rules/cc.h"

enum optionread_kind {
    OPTIONREAD_TEXT,
    OPTIONREAD_DURATION,
    OPTIONREAD_NUMBER,
    OPTIONREAD_COUNT,
    OPTIONREAD_AMOUNT, /* may be zero */
    OPTIONREAD_SIZE,
    OPTIONREAD_WORD,
    OPTIONREAD_TRIGGER,
    OPTIONREAD_EVICTOR
};

enum optionread_id {
    OPTIONREAD_ID_NONE,
    OPTIONREAD_ID_CONNECTOR,
    OPTIONREAD_ID_TIME,
    OPTIONREAD_ID_PARTITIONS,
    OPTIONREAD_ID_IDLE,
    OPTIONREAD_ID_AHEAD,
    OPTIONREAD_ID_ALIGNMENT,
    OPTIONREAD_ID_POISON,
    OPTIONREAD_ID_SEVERITY,
    OPTIONREAD_ID_MODE,
    OPTIONREAD_ID_COOLDOWN,
    OPTIONREAD_ID_TITLE,
    OPTIONREAD_ID_DESCRIPTION,
    OPTIONREAD_ID_LATENESS,
    OPTIONREAD_ID_MAX_PARTIALS,
    OPTIONREAD_ID_MAX_ROWS,
    OPTIONREAD_ID_ON_LIMIT,
    OPTIONREAD_ID_TTL,
    OPTIONREAD_ID_TIMEOUT,
    OPTIONREAD_ID_CAPACITY,
    OPTIONREAD_ID_BATCH,
    OPTIONREAD_ID_CONNECTIONS,
    OPTIONREAD_ID_RETRIES,
    OPTIONREAD_ID_RETRY_DELAY,
    OPTIONREAD_ID_CACHE_ROWS,
    OPTIONREAD_ID_CACHE_TTL,
    OPTIONREAD_ID_CACHE_MISSING,
    OPTIONREAD_ID_OUTPUT,
    OPTIONREAD_ID_ON_ERROR,
    OPTIONREAD_ID_PATH,
    OPTIONREAD_ID_ROLL_SIZE,
    OPTIONREAD_ID_ROLL_INTERVAL,
};

struct optionread_spec {
    const char *name;
    enum optionread_kind kind;
    enum optionread_id id;
    const char *words; /* WORD: "low|medium|high" */
    const char *done; /* the only value that this release does; NULL: all; "": none */
    bool window; /* of window rules only */
};

enum { OPTIONREAD_MAX = 64, OPTIONREAD_COUNT_MAX = 10000000 };

struct optionread { /* one option, checked */
    const struct optionread_spec *spec;
    const char *value;
    int64_t number; /* DURATION in ms, SIZE in bytes, NUMBER */
    struct span at; /* of the value */
};

/* Reads the list; *out (of OPTIONREAD_MAX) holds what was right, and all of it as text goes to *options. Returns how many are
 * in *out. */
unsigned optionread_list(struct cc *cc, const struct ast_option *list,
                         const struct optionread_spec *specs, unsigned nspecs, bool is_stream,
                         struct optionread *out, const struct option **options, unsigned *noptions);
/* The text between the quotes, those doubled undone. */
const char *optionread_text(struct cc *cc, struct token t);
const struct optionread_spec *optionread_find(const struct optionread_spec *specs, unsigned n,
                                              const char *name); /* NULL: none */

#endif
