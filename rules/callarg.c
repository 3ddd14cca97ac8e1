/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/callarg.h"
#include "cep/expr/func.h"
#include "cep/expr/func_regex.h"
#include "rules/types.h"
#include <string.h>
#include <strings.h>

static bool is_text(const struct expr *e)
{
    return e->kind == EXPR_CONST && !e->constant.null && e->constant.type.kind == TYPE_STRING;
}

static const struct expr *check_regex(struct bind *b, const struct expr *v)
{
    char problem[FUNC_REGEX_PROBLEM];
    struct func_regex *r = func_regex_new(v->constant.c.s.p, v->constant.c.s.n, problem);
    if (r == NULL)
        diag_error(b->cc->d, "pattern", v->at, "the syntax is that of RE2",
                   "%s is no regular expression: %s", types_quote(b->cc, v->at), problem);
    bool good = r != NULL;
    func_regex_free(r);
    return good ? v : NULL;
}

static const struct expr *check_zone(struct bind *b, const struct expr *v)
{
    if (zone_load(v->constant.c.s.p, v->constant.c.s.n) != NULL)
        return v;
    diag_error(b->cc->d, "zone", v->at,
               zone_load("Europe/Berlin", 13) != NULL
                   ? "like 'Europe/Berlin', 'UTC' or '+05:30'"
                   : "this machine has no time zones: the package tzdata is missing",
               "no time zone %s", types_quote(b->cc, v->at));
    return NULL;
}

static const struct expr *check_unit(struct bind *b, const struct expr *v)
{
    const char *names[FUNC_UNITS];
    if (func_span_find(v->constant.c.s.p, v->constant.c.s.n) >= 0)
        return v;
    for (unsigned i = 0; i < FUNC_UNITS; i++)
        names[i] = func_span_name((enum func_unit)i);
    const char *name = arena_dup(b->cc->scratch, v->constant.c.s.p, v->constant.c.s.n);
    diag_error(b->cc->d, "interval", v->at, names_hint(b->cc, name, names, FUNC_UNITS),
               "no unit of time %s", name);
    return NULL;
}

const struct expr *callarg_constant(struct bind *b, char letter, const struct expr *v,
                                    const char *function)
{
    const char *what = letter == 'p'   ? "a regular expression"
                       : letter == 'z' ? "the name of a time zone"
                                       : "a unit of time";
    if (v->kind == EXPR_CONST && v->constant.null)
        return types_to(b->cc, v, types_of(TYPE_STRING));
    if (!is_text(v)) {
        diag_error(b->cc->d, "constant", v->at,
                   "it is made ready once, when the rule is compiled, and not for each event",
                   "%s needs %s that is a constant text, and %s is none", function, what,
                   types_quote(b->cc, v->at));
        return NULL;
    }
    switch (letter) {
    case 'p':
        return check_regex(b, v);
    case 'z':
        return check_zone(b, v);
    default:
        return check_unit(b, v);
    }
}

const struct expr *callarg_unit(struct bind *b, const struct ast_expr *e)
{
    if (e->kind != AST_NAME || e->qualifier.text != NULL || e->name.quoted)
        return NULL;
    int u = func_span_find(e->name.text, strlen(e->name.text));
    const char *name = u >= 0 ? func_span_name((enum func_unit)u) : e->name.text;
    return types_string(b->cc, name, strlen(name), e->at);
}

static bool check_group(struct bind *b, const struct expr *pattern, const struct expr *group)
{
    char problem[FUNC_REGEX_PROBLEM];
    if (!is_text(pattern) || group->kind != EXPR_CONST || group->constant.null)
        return true;
    struct func_regex *r =
        func_regex_new(pattern->constant.c.s.p, pattern->constant.c.s.n, problem);
    int64_t has = r == NULL ? 0 : func_regex_groups(r), g = group->constant.c.i;
    func_regex_free(r);
    if (g >= 0 && g <= has)
        return true;
    diag_error(b->cc->d, "pattern", group->at, "0 is the whole; (...) in the pattern is a group",
               "the pattern has no group %lld, but %lld of them", (long long)g, (long long)has);
    return false;
}

bool callarg_check(struct bind *b, unsigned func, const struct expr *const *args, unsigned n)
{
    if (func == FUNC_REGEXP_EXTRACT && n > 2)
        return check_group(b, args[1], args[2]);
    if ((func != FUNC_DATE_FORMAT && func != FUNC_TO_TIMESTAMP) || n < 2 || !is_text(args[1]))
        return true;
    struct str p = args[1]->constant.c.s;
    const char *problem = func_date_problem(p.p, p.n, func == FUNC_TO_TIMESTAMP);
    if (problem != NULL)
        diag_error(b->cc->d, "pattern", args[1]->at, "like 'yyyy-MM-dd HH:mm:ss'",
                   "%s is no pattern of times: %s", types_quote(b->cc, args[1]->at), problem);
    return problem == NULL;
}

bool callarg_refused(struct bind *b, const char *name, struct span at)
{
    static const char *const clocks[] = {
        "CURRENT_TIMESTAMP", "CURRENT_TIME",     "CURRENT_DATE",
        "LOCALTIMESTAMP",    "LOCALTIME",        "NOW",
        "PROCTIME",          "SYSDATE",          "CURRENT_ROW_TIMESTAMP",
        "UNIX_TIMESTAMP",    "CURRENT_WATERMARK"};
    static const char *const dice[] = {"RAND", "RAND_INTEGER", "UUID"};
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
        if (strcasecmp(name, clocks[i]) == 0) {
            diag_error(b->cc->d, "clock", at,
                       "take the event's own time, as in EXTRACT(HOUR FROM ts) or b.ts - a.ts; for "
                       "what has not come, WITHIN and a pattern that ends in -> !N",
                       "%s: a rule reads no clock, so that the same events give the same alerts",
                       clocks[i]);
            return true;
        }
    for (size_t i = 0; i < sizeof dice / sizeof *dice; i++)
        if (strcasecmp(name, dice[i]) == 0) {
            diag_error(b->cc->d, "random", at, NULL,
                       "%s: a rule throws no dice, so that the same events give the same alerts",
                       dice[i]);
            return true;
        }
    return false;
}
