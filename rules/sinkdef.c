/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/sinkdef.h"
#include "rules/names.h"
#include "rules/options.h"
#include <string.h>
#include <strings.h>

enum { NAMES_MAX = 1000 };

/* Below the folder of all sinks, and nowhere else: whoever may write rules may not write into any folder of the machine. */
static const char *wrong_path(const char *path)
{
    size_t n = strlen(path);
    if (n == 0 || n > SINK_PATH_MAX)
        return "is empty, or too long";
    if (path[0] == '/')
        return "begins with /: it is a folder below --sinks-folder";
    if (path[n - 1] == '/' || strstr(path, "//") != NULL)
        return "has an empty part";
    for (const char *p = path; p != NULL; p = strchr(p, '/') != NULL ? strchr(p, '/') + 1 : NULL)
        if (*p == '.')
            return "has a part that begins with a dot";
    for (const char *p = path; *p != '\0'; p++)
        if ((unsigned char)*p < ' ')
            return "has a control character";
    return NULL;
}

struct sink *sinkdef_make(struct cc *cc, const struct ast_statement *st, const char *sql)
{
    struct sink *s = arena_zero(cc->arena, sizeof *s);
    int errors = cc->d->errors;
    s->name = s->path = arena_str(cc->arena, st->name.text);
    s->sql = sql;
    options_sink(cc, st->options, st->name.at, s);
    if (cc->d->errors != errors)
        return NULL;
    const char *wrong = wrong_path(s->path);
    if (wrong != NULL)
        diag_error(cc->d, "option", st->name.at, "'path'='alerts/high'",
                   "sink %s: the path '%s' %s", s->name, s->path, wrong);
    return wrong == NULL ? s : NULL;
}

/* --- EMIT --------------------------------------------------------------------------------------- */

static bool is_known(struct cc *cc, const char *name)
{
    const struct cc_known *k = names_known(cc, name);
    if (k != NULL && strcmp(k->what, "sink") == 0)
        return true;
    if (cc->scope == NULL)
        return false;
    return cc->scope->sink == NULL || cc->scope->sink(cc->scope->ctx, name);
}

static void say_unknown(struct cc *cc, const struct ast_name *to)
{
    const char *names[NAMES_MAX], *name;
    unsigned n = 0;
    struct cc_known *k, *next;
    MAP_EACH(cc->known, k, next) {
        if (strcmp(k->what, "sink") == 0 && n < NAMES_MAX)
            names[n++] = k->name;
    }
    if (cc->scope != NULL && cc->scope->sink_name != NULL)
        for (unsigned i = 0;
             n < NAMES_MAX && (name = cc->scope->sink_name(cc->scope->ctx, i)) != NULL; i++)
            names[n++] = name;
    const char *hint = names_hint(cc, to->text, names, n);
    diag_error(cc->d, "unknown-sink", to->at, hint != NULL ? hint : "CREATE SINK makes one",
               "no sink %s", to->text);
}

static enum plan_emit_what what_of(const struct ast_emit *e)
{
    if (e->what.kind == 0)
        return PLAN_EMIT_RESULTS;
    switch (e->what.p[0]) {
    case 'L':
    case 'l':
        return PLAN_EMIT_LATE;
    case 'T':
    case 't':
        return PLAN_EMIT_TIMEOUTS;
    default:
        return PLAN_EMIT_ERRORS;
    }
}

void sinkdef_emits(struct cc *cc, const struct ast_emit *list, struct rule_plan *p)
{
    struct plan_emit *all = arena_zero(cc->arena, PLAN_EMITS_MAX * sizeof *all);
    p->emits = all;
    for (const struct ast_emit *e = list; e != NULL; e = e->next) {
        enum plan_emit_what what = what_of(e);
        bool twice = false;
        for (unsigned i = 0; i < p->nemits; i++)
            twice = twice || (all[i].what == what && strcasecmp(all[i].sink, e->to.text) == 0);
        if (twice)
            diag_error(cc->d, "option", e->to.at, NULL, "that goes TO %s already", e->to.text);
        else if (!is_known(cc, e->to.text))
            say_unknown(cc, &e->to);
        else if (p->nemits == PLAN_EMITS_MAX)
            diag_error(cc->d, "limit", e->to.at, NULL, "a rule has at most %d sinks",
                       PLAN_EMITS_MAX);
        else
            all[p->nemits++] = (struct plan_emit){what, arena_str(cc->arena, e->to.text)};
    }
}
