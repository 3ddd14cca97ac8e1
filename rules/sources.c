/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/sources.h"
#include "cep/derived.h"
#include "rules/readgraph.h"
#include <string.h>
#include <strings.h>

static const char *const sides[] = {"LATE", "TIMEOUTS", "ERRORS"};
enum { SIDES = sizeof sides / sizeof *sides };

/* --- which output ----------------------------------------------------------------------------- */

/* DERIVED_NOT, once said. */
static enum derived_kind kind_of(struct cc *cc, const struct ast_from *f)
{
    static const enum derived_kind kinds[SIDES] = {DERIVED_LATE, DERIVED_TIMEOUTS, DERIVED_ERRORS};
    if (f->side.text == NULL)
        return DERIVED_RESULTS;
    for (unsigned i = 0; i < SIDES; i++)
        if (strcasecmp(f->side.text, sides[i]) == 0)
            return kinds[i];
    diag_error(cc->d, "unknown-stream", f->side.at, names_hint(cc, f->side.text, sides, SIDES),
               "%s is no side output: there are LATE, TIMEOUTS and ERRORS", f->side.text);
    return DERIVED_NOT;
}

static const struct schema *not_made(struct cc *cc, const struct ast_from *f, enum derived_kind k)
{
    if (k == DERIVED_LATE) {
        diag_error(cc->d, "join", f->side.at, "read LATE of each of the two",
                   "%s is a join: its late rows are of two streams", f->name.text);
        return NULL;
    }
    diag_error(cc->d, "limit", f->name.at, "give fewer columns, or MATCH_ROWTIME() among them",
               "%s gives %d columns, and there is no room for its time", f->name.text,
               SCHEMA_COLUMNS_MAX);
    return NULL;
}

/* Of a stream: its late rows, and what it refuses. */
static bool of_stream(struct cc *cc, const struct ast_from *f, enum derived_kind k)
{
    if (k == DERIVED_LATE || k == DERIVED_ERRORS)
        return true;
    diag_error(cc->d, "unknown-stream", f->side.at, NULL,
               "%s is a stream: TIMEOUTS are of rules with a pattern", f->name.text);
    return false;
}

static const struct schema *from_script(struct cc *cc, const struct ast_from *f, struct cc_known *k,
                                        enum derived_kind kind)
{
    if (k->schema != NULL && kind == DERIVED_RESULTS)
        return k->schema;
    if (k->schema != NULL && !of_stream(cc, f, kind))
        return NULL;
    if (k->schema != NULL && kind == DERIVED_ERRORS)
        return k->schema->errors;
    if (k->derived[kind] == NULL && k->schema != NULL)
        k->derived[kind] = derived_late_of(k->schema, cc->lasting);
    else if (k->derived[kind] == NULL)
        k->derived[kind] = derived_schema(k->plan, kind, derived_id(kind, k->number), cc->lasting);
    return k->derived[kind] != NULL ? k->derived[kind] : not_made(cc, f, kind);
}

static const struct schema *from_scope(struct cc *cc, const struct ast_from *f,
                                       enum derived_kind kind, bool *known)
{
    const struct scope *scope = cc->scope;
    const struct schema *s = NULL;
    if (scope == NULL)
        return NULL;
    if (scope->stream != NULL)
        s = scope->stream(scope->ctx, f->name.text);
    *known = s != NULL;
    if (s != NULL && kind == DERIVED_RESULTS)
        return s;
    if (s != NULL && !of_stream(cc, f, kind))
        return NULL;
    if (s != NULL && kind == DERIVED_ERRORS)
        return s->errors;
    return scope->derived != NULL ? scope->derived(scope->ctx, f->name.text, kind, known) : NULL;
}

/* --- circles ---------------------------------------------------------------------------------- */

static bool say_circle(struct cc *cc, const struct ast_from *f, const char *path)
{
    diag_error(cc->d, "cycle", f->name.at, "let one of them read a stream",
               "rules cannot read each other in a circle: %s -> %s", cc->creating, path);
    return false;
}

/* "b -> c -> a": how that stream is made of what the rule a finds; NULL: it is not. The stages bound the depth. */
static const char *path_to(struct cc *cc, const struct schema *s, const char *rule)
{
    if (s == NULL || s->derived == DERIVED_NOT)
        return NULL;
    if (s->derived != DERIVED_STREAM_LATE && strcasecmp(s->of, rule) == 0)
        return s->of;
    const char *rest = path_to(cc, s->from, rule);
    if (rest == NULL)
        rest = path_to(cc, s->with, rule);
    return rest == NULL ? NULL : arena_printf(cc->scratch, "%s -> %s", s->of, rest);
}

/* The rule that is being compiled must not be among those that it reads, nor be too far from a stream. */
static bool check_chain(struct cc *cc, const struct ast_from *f, const struct schema *s)
{
    const char *path = cc->creating == NULL ? NULL : path_to(cc, s, cc->creating);
    if (path != NULL)
        return say_circle(cc, f, path);
    if (s->stage <= DERIVED_STAGES_MAX)
        return true;
    diag_error(cc->d, "limit", f->name.at, NULL,
               "at most %d rules can read each other behind each other, and this is one more",
               DERIVED_STAGES_MAX);
    return false;
}

/* A name that nothing has yet: perhaps that of a rule further down, or of this one. */
static bool say_later(struct cc *cc, const struct ast_from *f)
{
    const char *name = f->name.text;
    if (cc->creating != NULL && strcasecmp(name, cc->creating) == 0) {
        say_circle(cc, f, name);
        return true;
    }
    if (cc->text == NULL)
        return false;
    const struct readgraph *g = readgraph_new(cc->text, cc->text_len, cc->scratch);
    if (!readgraph_has(g, name))
        return false;
    const char *path =
        cc->creating == NULL ? NULL : readgraph_path(g, name, cc->creating, cc->scratch);
    if (path != NULL)
        say_circle(cc, f, path);
    else
        diag_error(cc->d, "unknown-stream", f->name.at, "put it before this one",
                   "rule %s is only made further down", name);
    return true;
}

/* --- names ------------------------------------------------------------------------------------ */

const struct schema *sources_root(const struct schema *s)
{
    while (s->derived != DERIVED_NOT)
        s = s->from;
    return s;
}

const struct schema *sources_find(struct cc *cc, const struct ast_from *f)
{
    const struct ast_name *n = &f->name;
    enum derived_kind kind = kind_of(cc, f);
    struct cc_known *found = names_known(cc, n->text);
    const struct schema *s = NULL;
    bool known = false;
    int errors = cc->d->errors;
    if (kind == DERIVED_NOT)
        return NULL;
    if (found != NULL && !names_same(n, found->name))
        found = NULL; /* quoted, and of another case */
    if (found != NULL && found->wrong)
        return NULL; /* its own statement has said what is wrong */
    if (found != NULL && (found->schema != NULL || found->plan != NULL))
        s = from_script(cc, f, found, kind);
    else if (found == NULL)
        s = from_scope(cc, f, kind, &known);
    if (s != NULL)
        return check_chain(cc, f, s) ? s : NULL;
    if (cc->d->errors != errors)
        return NULL;
    if (found != NULL)
        diag_error(cc->d, "unsupported", n->at, "name a stream or a rule",
                   "%s is a %s: it cannot stand after FROM", n->text, found->what);
    else if (known)
        not_made(cc, f, kind);
    else if (!say_later(cc, f))
        names_unknown_source(cc, n);
    return NULL;
}
