/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/windowrule.h"
#include "base/timebase.h"
#include "rules/bind.h"
#include "rules/grammar.h"
#include "rules/simplify.h"
#include "rules/windowgroup.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct function {
    const char *name;
    enum window_kind kind;
    bool timed; /* DESCRIPTOR, then intervals */
    unsigned least, most; /* arguments after the table and the descriptor */
} functions[] = {
    {"TUMBLE", WINDOW_TUMBLE, true, 1, 2},
    {"HOP", WINDOW_HOP, true, 2, 3},
    {"CUMULATE", WINDOW_CUMULATE, true, 2, 3},
    {"SESSION", WINDOW_SESSION, true, 1, 1},
    {"COUNT_TUMBLE", WINDOW_COUNT_TUMBLE, false, 1, 1},
    {"COUNT_HOP", WINDOW_COUNT_HOP, false, 2, 2},
    {"GLOBAL", WINDOW_GLOBAL, false, 0, 0},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions, ROWS_MAX = 1000000 };

static const struct function *find(struct cc *cc, const struct ast_name *n)
{
    const char *names[FUNCTIONS];
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        if (strcasecmp(functions[i].name, n->text) == 0)
            return &functions[i];
        names[i] = functions[i].name;
    }
    diag_error(cc->d, "unknown-function", n->at, names_hint(cc, n->text, names, FUNCTIONS),
               "no windowing function %s", n->text);
    return NULL;
}

/* --- arguments -------------------------------------------------------------------------------- */

static struct names_relation *table_of(struct cc *cc, const struct ast_from *f)
{
    const struct ast_arg *a = f->args;
    struct ast_from inner = {.at = a->at, .alias = f->alias};
    if (a->kind == AST_ARG_TABLE) {
        inner.name = a->name;
        inner.side = a->side;
    } else if (a->kind == AST_ARG_QUERY) {
        inner.query = a->query;
    } else {
        diag_error(cc->d, "window", a->at, NULL,
                   "the first argument of %s is TABLE and a stream's name", f->function.text);
        return NULL;
    }
    return planner_relation(cc, &inner);
}

static bool check_descriptor(struct cc *cc, const struct names_relation *rel, const char *function,
                             const struct ast_arg *a)
{
    const struct schema *s = rel->schema;
    const char *time = s->columns[s->time_column].name;
    if (a == NULL || a->kind != AST_ARG_DESCRIPTOR) {
        diag_error(cc->d, "window", a != NULL ? a->at : (struct span){0}, NULL,
                   "the second argument of %s is DESCRIPTOR(%s)", function, time);
        return false;
    }
    struct ast_name none = {0};
    bool ambiguous;
    const struct names_column *c = names_find(rel, &none, &a->name, &ambiguous);
    if (c == NULL) {
        diag_error(cc->d, "unknown-column", a->name.at, NULL,
                   "no column %s in %s, whose time is %s", a->name.text, rel->what, time);
        return false;
    }
    if (c->e == NULL)
        return false;
    if (c->e->kind == EXPR_COLUMN && c->e->index == (unsigned)s->time_column)
        return true;
    diag_error(cc->d, "window", a->name.at, NULL, "%s is not the time of %s; that is %s",
               a->name.text, rel->what, time);
    return false;
}

/* An argument that reads no row, or (rel) one that may. */
static const struct expr *bind_arg(struct cc *cc, const char *function,
                                   const struct names_relation *rel, const struct ast_arg *a)
{
    struct names_relation nothing = {.what = "a windowing function's arguments"};
    struct bind b = {.cc = cc,
                     .rel = rel != NULL ? rel : &nothing,
                     .clause = "a windowing function's arguments"};
    if (a->kind == AST_ARG_EXPR)
        return bind_expr(&b, a->e);
    diag_error(cc->d, "window", a->at, NULL, "%s takes a value here", function);
    return NULL;
}

static bool interval_arg(struct cc *cc, const char *function, const struct ast_arg *a, int64_t *ms)
{
    if (a->kind != AST_ARG_EXPR) {
        diag_error(cc->d, "window", a->at, NULL, "%s takes intervals here", function);
        return false;
    }
    const struct expr *e = bind_arg(cc, function, NULL, a);
    if (e == NULL)
        return false;
    if (e->kind != EXPR_CONST || e->type.kind != TYPE_INTERVAL || e->constant.null) {
        diag_error(cc->d, "window", a->at, "like INTERVAL '10' MINUTE",
                   "%s takes a constant INTERVAL here", function);
        return false;
    }
    *ms = e->constant.c.i;
    return true;
}

/* A number of rows. */
static bool count_arg(struct cc *cc, const char *function, const struct ast_arg *a, int64_t *n)
{
    const struct expr *e = bind_arg(cc, function, NULL, a);
    if (e == NULL)
        return false;
    if (e->kind != EXPR_CONST || e->type.kind != TYPE_BIGINT || e->constant.null ||
        e->constant.c.i < 1 || e->constant.c.i > ROWS_MAX) {
        diag_error(cc->d, "window", a->at, NULL, "%s takes a number of rows here, from 1 to %d",
                   function, ROWS_MAX);
        return false;
    }
    *n = e->constant.c.i;
    return true;
}

/* An interval, or what a row says: an INTERVAL, or a whole number of milliseconds. */
static bool gap_arg(struct cc *cc, const struct names_relation *rel, const struct ast_arg *a,
                    struct window_plan *w)
{
    const struct expr *e = bind_arg(cc, "SESSION", rel, a);
    if (e == NULL)
        return false;
    if (e->type.kind != TYPE_INTERVAL && e->type.kind != TYPE_BIGINT) {
        diag_error(cc->d, "window", a->at, NULL,
                   "the gap of SESSION is an INTERVAL, or a column that holds milliseconds");
        return false;
    }
    if (e->kind != EXPR_CONST) {
        w->gap = e;
        return true;
    }
    if (e->type.kind == TYPE_INTERVAL && !e->constant.null && e->constant.c.i > 0) {
        w->size_ms = e->constant.c.i;
        return true;
    }
    diag_error(cc->d, "window", a->at, "like INTERVAL '30' MINUTE",
               "the gap of SESSION must be an INTERVAL longer than nothing");
    return false;
}

static bool check_sizes(struct cc *cc, const struct function *f, struct span at, const int64_t *ms,
                        unsigned n, struct window_plan *w)
{
    w->slide_ms = w->size_ms = ms[0];
    if (f->kind == WINDOW_HOP || f->kind == WINDOW_CUMULATE)
        w->size_ms = ms[1];
    if (n > f->least)
        w->offset_ms = ms[f->least];
    if (w->slide_ms <= 0 || w->size_ms <= 0) {
        diag_error(cc->d, "window", at, NULL, "the sizes of %s must be longer than nothing",
                   f->name);
        return false;
    }
    if (f->kind == WINDOW_CUMULATE && w->size_ms % w->slide_ms != 0) {
        diag_error(cc->d, "window", at, NULL,
                   "the size of CUMULATE must be a multiple of its step");
        return false;
    }
    if (w->size_ms / w->slide_ms > 100000) {
        diag_error(cc->d, "limit", at, NULL, "a row would be in %lld windows at once",
                   (long long)(w->size_ms / w->slide_ms));
        return false;
    }
    return true;
}

/* Windows of rows: they fire after so many, and hold the last so many. */
static bool plan_counted(struct cc *cc, const struct function *f, const struct ast_arg *a,
                         struct window_plan *w)
{
    int64_t n[2] = {0};
    for (unsigned i = 0; i < f->least; i++, a = a->next)
        if (!count_arg(cc, f->name, a, &n[i]))
            return false;
    w->trigger = TRIGGER_COUNT;
    w->every = n[0];
    w->purge = f->kind == WINDOW_COUNT_TUMBLE;
    if (f->kind == WINDOW_COUNT_HOP) {
        w->evictor = EVICTOR_COUNT;
        w->spares = n[1];
    }
    return true;
}

/* TABLE t PARTITION BY a, b: what stands between the table and the descriptor (or the numbers). */
static const struct ast_arg *partition_args(struct cc *cc, const struct names_relation *rel,
                                            const struct function *f, const struct ast_arg *table,
                                            struct rule_plan *p, bool *good)
{
    const struct ast_arg *a = table->next;
    if (table->partition == NULL)
        return a;
    if (f->timed && f->kind != WINDOW_SESSION) {
        diag_error(cc->d, "window", table->partition->at, "GROUP BY divides the rows",
                   "%s takes no PARTITION BY", f->name);
        *good = false;
        return a;
    }
    *good = planner_key(cc, rel, table->partition, "PARTITION BY", &p->key);
    for (; a != NULL && a->kind == AST_ARG_EXPR && a->e->kind == AST_NAME; a = a->next)
        *good = planner_key(cc, rel, a->e, "PARTITION BY", &p->key) && *good;
    return a;
}

static bool plan_function(struct cc *cc, const struct ast_from *from,
                          const struct names_relation *rel, struct rule_plan *p)
{
    const struct function *f = find(cc, &from->function);
    struct window_plan *w = &p->window;
    int64_t ms[3] = {0};
    unsigned n = 0, given = 0;
    bool good = true;
    if (f == NULL)
        return false;
    w->kind = f->kind;
    const struct ast_arg *a = partition_args(cc, rel, f, from->args, p, &good);
    if (!good)
        return false;
    if (f->timed) {
        if (!check_descriptor(cc, rel, f->name, a))
            return false;
        a = a->next;
    }
    for (const struct ast_arg *x = a; x != NULL; x = x->next)
        given++;
    if (given < f->least || given > f->most) {
        diag_error(cc->d, "window", from->function.at, NULL,
                   "%s takes %u to %u more arguments, not %u", f->name, f->least, f->most, given);
        return false;
    }
    if (f->kind == WINDOW_SESSION)
        return gap_arg(cc, rel, a, w);
    if (f->kind == WINDOW_GLOBAL)
        return true;
    if (!f->timed)
        return plan_counted(cc, f, a, w);
    for (; a != NULL; a = a->next)
        if (!interval_arg(cc, f->name, a, &ms[n++]))
            return false;
    return check_sizes(cc, f, from->function.at, ms, n, w);
}

/* --- options ---------------------------------------------------------------------------------- */

static const char *option_of(const struct rule_plan *p, const char *name)
{
    for (unsigned i = 0; i < p->noptions; i++)
        if (strcmp(p->options[i].name, name) == 0)
            return p->options[i].value;
    return NULL;
}

static bool refuse_option(struct cc *cc, const struct ast_from *from, const struct rule_plan *p,
                          const char *name, const char *why)
{
    if (option_of(p, name) == NULL)
        return false;
    diag_error(cc->d, "option", from->function.at, why, "'%s' has no meaning for this window",
               name);
    return true;
}

/* Options that the window cannot have. */
static bool check_options(struct cc *cc, const struct ast_select *s, const struct rule_plan *p)
{
    static const char *const names[] = {"trigger", "purge", "evictor", "allowed-lateness"};
    const struct window_plan *w = &p->window;
    bool counted = w->kind == WINDOW_COUNT_TUMBLE || w->kind == WINDOW_COUNT_HOP, bad = false;
    const char *trigger = option_of(p, "trigger");
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (s->group == NULL)
            bad |= refuse_option(cc, s->from, p, names[i],
                                 "without GROUP BY a row is given with its windows");
        else if (counted)
            bad |= refuse_option(cc, s->from, p, names[i],
                                 "use GLOBAL with 'trigger'='count N' for another way");
    }
    if (w->kind == WINDOW_GLOBAL && !bad) {
        bad |= refuse_option(cc, s->from, p, "allowed-lateness", "GLOBAL has no end");
        if (trigger != NULL && strcmp(trigger, "processing-time") == 0)
            bad |= refuse_option(cc, s->from, p, "trigger", "GLOBAL has no end");
    }
    return !bad;
}

/* The options are well formed: options.c has seen to that. */
static void read_options(const struct rule_plan *p, int64_t lateness_ms, struct window_plan *w)
{
    const char *trigger = option_of(p, "trigger"), *evictor = option_of(p, "evictor");
    const char *purge = option_of(p, "purge"), *two_phase = option_of(p, "two-phase");
    if (two_phase != NULL && strcmp(two_phase, "auto") != 0)
        w->two_phase = strcmp(two_phase, "true") == 0 ? TWO_PHASE_ALL : TWO_PHASE_NONE;
    w->lateness_ms = lateness_ms;
    w->purge |= purge != NULL && strcmp(purge, "true") == 0;
    if (trigger != NULL && strncmp(trigger, "count ", 6) == 0) {
        w->trigger = TRIGGER_COUNT;
        w->every = strtoll(trigger + 6, NULL, 10);
    } else if (trigger != NULL && strncmp(trigger, "continuous ", 11) == 0) {
        w->trigger = TRIGGER_CONTINUOUS;
        (void)timebase_parse_duration(trigger + 11, strlen(trigger + 11), &w->every);
    } else if (trigger != NULL && strcmp(trigger, "event-time") != 0) {
        w->trigger = trigger[1] == 'r' ? TRIGGER_PROCESSING_TIME : TRIGGER_PUNCTUATED;
    }
    if (evictor == NULL)
        return;
    const char *after = strstr(evictor, " after");
    w->evict_after = after != NULL;
    if (strncmp(evictor, "count ", 6) == 0) {
        w->evictor = EVICTOR_COUNT;
        w->spares = strtoll(evictor + 6, NULL, 10);
    } else {
        size_t n = after != NULL ? (size_t)(after - evictor) - 5 : strlen(evictor + 5);
        w->evictor = EVICTOR_TIME;
        (void)timebase_parse_duration(evictor + 5, n, &w->spares);
    }
}

/* --- rows with their windows ------------------------------------------------------------------ */

/* The columns of a row, then those of its window, unless the stream has some of that name. */
static struct names_relation *with_window(struct cc *cc, const struct names_relation *rel,
                                          const struct rule_plan *p)
{
    static const char *const names[] = {"window_start", "window_end", "window_time"};
    struct names_relation *out = arena_alloc(cc->scratch, sizeof *out);
    struct names_column *columns = arena_alloc(cc->scratch, (rel->n + 3) * sizeof *columns);
    *out = *rel;
    out->columns = columns;
    memcpy(columns, rel->columns, rel->n * sizeof *columns);
    for (unsigned i = 0; i < 3; i++) {
        struct ast_name none = {0}, name = {.text = names[i]};
        bool ambiguous;
        if (names_find(rel, &none, &name, &ambiguous) != NULL)
            continue;
        struct expr *e =
            types_node(cc, EXPR_SLOT, types_of(TYPE_TIMESTAMP), (struct span){0}, 0, NULL);
        e->index = p->key.n + i;
        columns[out->n++] = (struct names_column){names[i], NULL, e, false};
    }
    return out;
}

/* Rows of TUMBLE, HOP, CUMULATE and GLOBAL know their windows when they come; of SESSION, when it is over. */
static void plan_each_row(struct cc *cc, const struct ast_select *s, struct names_relation *rel,
                          struct rule_plan *p)
{
    enum window_kind kind = p->window.kind;
    struct planner_outputs o = {0};
    if (s->having != NULL)
        diag_error(cc->d, "grouping", s->having->at, "use WHERE", "HAVING needs GROUP BY");
    if (kind == WINDOW_COUNT_TUMBLE || kind == WINDOW_COUNT_HOP) {
        diag_error(cc->d, "window", s->from->function.at, "aggregate them, by GROUP BY",
                   "windows of counted rows have no bounds that a row could be given with");
        return;
    }
    p->window.each_row = true;
    p->windowed = kind != WINDOW_SESSION;
    if (p->windowed) {
        p->shape = RULE_FILTER;
        p->key.n = 0;
    }
    planner_select(cc, with_window(cc, rel, p), s->items, &o);
    p->outputs = o.v;
    p->noutputs = o.n;
}

struct names_relation *windowrule_rows(struct cc *cc, const struct ast_from *f,
                                       struct window_plan *w)
{
    struct rule_plan p = {0};
    struct names_relation *rel = table_of(cc, f);
    if (rel == NULL || !plan_function(cc, f, rel, &p))
        return NULL;
    *w = p.window;
    if (w->kind > WINDOW_CUMULATE) {
        diag_error(cc->d, "window", f->function.at, "TUMBLE, HOP and CUMULATE can be joined",
                   "%s in a join: its windows are of each key's own", f->function.text);
        return NULL;
    }
    struct names_relation *out = with_window(cc, rel, &p);
    const char *own = rel->schema->of != NULL ? rel->schema->of : rel->schema->name;
    for (unsigned i = rel->n; i < out->n; i++)
        out->columns[i].qualifier =
            f->alias.text != NULL ? arena_str(cc->arena, f->alias.text) : own;
    return out;
}

/* --- what bounds the state -------------------------------------------------------------------- */

static void warn(struct cc *cc, const struct ast_select *s, const struct rule_plan *p)
{
    const struct window_plan *w = &p->window;
    struct span at = s->from->function.at;
    if (w->kind == WINDOW_GLOBAL && w->trigger == TRIGGER_EVENT_TIME && !w->each_row)
        diag_warn(cc->d, "window", at, "say when: 'trigger'='count 100'",
                  "GLOBAL without a trigger gives a result only when the input ends");
    else if (w->kind == WINDOW_GLOBAL && w->evictor == EVICTOR_TIME && !w->purge && w->evict_after)
        diag_warn(cc->d, "state", at, "'purge'='true', or an evictor without `after`",
                  "GLOBAL with this evictor keeps rows until they have been in a result");
    if (!p->windowed && !windowgroup_has_bounds(w) && p->key.n > 0 &&
        option_of(p, "state-ttl") == NULL)
        diag_warn(cc->d, "state", at, "'state-ttl'='30 d' forgets keys that are quiet",
                  "the state has no bound: every key that ever came is kept");
    if (w->kind == WINDOW_SESSION && w->gap != NULL)
        diag_warn(cc->d, "state", at, NULL,
                  "the state has no bound but what the rows say: a long gap keeps its session "
                  "open");
}

void windowrule_plan(struct cc *cc, const struct ast_select *s, struct rule_plan *p,
                     int64_t lateness_ms)
{
    struct names_relation *rel = table_of(cc, s->from);
    if (rel == NULL)
        return;
    bool good = plan_function(cc, s->from, rel, p);
    p->shape = RULE_WINDOW;
    p->input = rel->schema;
    p->where = rel->where;
    if (s->where != NULL) {
        struct bind row = {.cc = cc, .rel = rel, .clause = "WHERE"};
        p->where = simplify_both(cc, p->where, bind_condition(&row, s->where, "WHERE"));
    }
    if (!good || !check_options(cc, s, p))
        return;
    read_options(p, lateness_ms, &p->window);
    if (s->group != NULL)
        windowgroup_plan(cc, s, rel, p);
    else
        plan_each_row(cc, s, rel, p);
    warn(cc, s, p);
}
