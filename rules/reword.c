/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/reword.h"
#include "base/diag.h"
#include "rules/parse.h"
#include <string.h>

enum { TREES_BLOCK = 16 << 10 };

struct around { /* where the parts of a text are */
    enum ast_statement_kind kind;
    unsigned select, emit; /* where they begin; emit: or where the text ends */
};

static bool look(const char *text, struct around *out)
{
    size_t n = strlen(text);
    struct arena *trees = arena_new(TREES_BLOCK, 0);
    struct diag quiet;
    diag_init(&quiet, text, n);
    struct parse *p = parse_new(text, n, &quiet);
    struct ast_statement *st = NULL;
    bool whole =
        parse_next(p, trees, &st) && st != NULL && (st->kind == AST_RULE || st->kind == AST_SELECT);
    if (whole)
        *out = (struct around){.kind = st->kind,
                               .select = st->select->at.begin,
                               .emit = st->emits != NULL ? st->emit_at.begin : (unsigned)n};
    parse_free(p);
    diag_fini(&quiet);
    arena_free(trees);
    return whole;
}

/* Without the `;` and the spaces at its end. */
static size_t without_end(const char *text, size_t n)
{
    while (n > 0 && strchr("; \t\r\n", text[n - 1]) != NULL)
        n--;
    return n;
}

bool reword(const char *before, const char *select, struct bytes *out)
{
    struct around a, b;
    if (!look(before, &a) || !look(select, &b) || a.kind != AST_RULE || b.kind != AST_SELECT)
        return false;
    bytes_put(out, before, a.select);
    bytes_put(out, select, without_end(select, strlen(select)));
    if (before[a.emit] != '\0') {
        bytes_put(out, "\n", 1);
        bytes_put(out, before + a.emit, strlen(before + a.emit));
    }
    bytes_put(out, "", 1);
    return true;
}
