/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/compile.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cep/list.h"
#include "cep/match/match.h"
#include "cep/over/overprog.h"
#include "cep/window/windowprog.h"
#include "rules/explain.h"
#include "rules/explainrule.h"
#include "rules/listdef.h"
#include "rules/names.h"
#include "rules/parse.h"
#include "rules/planner.h"
#include "rules/sinkdef.h"
#include "rules/streamdef.h"
#include "rules/tabledef.h"
#include <string.h>
#include <strings.h>

enum { AST_BLOCK = 64 << 10, SCRIPT_BLOCK = 16 << 10 };

struct compiling {
    struct cc cc; /* its arena: the script's */
    struct arena *trees; /* one statement's at a time */
    struct arena *names; /* of `known` */
    const char *text;
    struct script *script;
    size_t cap;
    unsigned nstreams, nrules, ntables;
    struct cc_looked *looked;
    struct cc_lists lists; /* of the statement being compiled */
};

/* --- what went wrong -------------------------------------------------------------------------- */

/* Of several errors the one that counts: wrong text before a limit before what is not done yet. */
static enum err verdict(const struct diag *d)
{
    enum err e = ERR_OK;
    for (int i = 0; i < d->n; i++) {
        const char *code = d->items[i].code;
        if (d->items[i].warning)
            continue;
        if (strcmp(code, "unsupported") == 0)
            e = e == ERR_OK ? ERR_UNSUPPORTED : e;
        else if (strcmp(code, "limit") == 0)
            e = e == ERR_INVALID ? e : ERR_LIMIT;
        else
            e = ERR_INVALID;
    }
    return e;
}

static enum err check_text(const char *text, size_t n, struct diag *d)
{
    if (n > COMPILE_TEXT_MAX) {
        diag_say(d, "limit", NULL, "the text is longer than %d bytes", COMPILE_TEXT_MAX);
        return ERR_LIMIT;
    }
    size_t bad = utf8_first_bad(text, n);
    if (bad == n)
        return ERR_OK;
    diag_error(d, "syntax", (struct span){(unsigned)bad, (unsigned)bad + 1}, NULL,
               "the text is not UTF-8 here");
    return ERR_INVALID;
}

/* --- statements ------------------------------------------------------------------------------- */

static const char *statement_text(const struct compiling *c, struct span at)
{
    return arena_dup(c->cc.arena, c->text + at.begin, at.end - at.begin);
}

/* Streams, lists and rules share their names, as all can stand after FROM. */
static void check_name(struct compiling *c, const struct ast_statement *st, const char *what)
{
    const struct cc_known *k = names_known(&c->cc, st->name.text);
    bool again = st->or_replace && k != NULL && strcmp(k->what, what) == 0;
    if (k != NULL && !again)
        diag_error(c->cc.d, "exists", st->name.at, NULL, "there is a %s %s already", k->what,
                   st->name.text);
}

static void remember(struct compiling *c, const struct ast_statement *st, const char *what,
                     const struct schema *s, bool wrong)
{
    struct cc_known *before = names_known(&c->cc, st->name.text);
    if (before != NULL && strcmp(before->what, what) != 0)
        return; /* the name is taken, as has been said */
    struct cc_known *k = arena_zero(c->names, sizeof *k);
    k->name = arena_str(c->names, st->name.text);
    k->what = what;
    k->schema = s;
    k->wrong = wrong;
    k->key = names_key(c->names, k->name);
    if (before != NULL)
        MAP_DEL(c->cc.known, before);
    MAP_PUT_STR(c->cc.known, k, k->key);
}

static struct statement *add(struct compiling *c, const struct ast_statement *st,
                             enum statement_kind kind)
{
    struct script *s = c->script;
    s->statements = mem_grow(s->statements, s->n, 1, &c->cap, sizeof *s->statements);
    struct statement *out = &s->statements[s->n++];
    *out = (struct statement){.kind = kind,
                              .or_replace = st->or_replace,
                              .at = st->at,
                              .name = arena_str(c->cc.arena,
                                                st->name.text != NULL ? st->name.text : "")};
    return out;
}

/* A list that is edited while rules run belongs to rules: changes of it know whom they concern. */
static bool stream_reads_list(struct compiling *c, const struct schema *s)
{
    const struct expr *e = expr_find_list(s->punctuated);
    if (c->cc.scope == NULL || c->cc.scope->list == NULL)
        return false;
    for (unsigned i = 0; i < s->ncolumns && e == NULL; i++)
        e = expr_find_list(s->columns[i].computed);
    if (e != NULL)
        diag_error(c->cc.d, "unsupported", e->at, "put it into the rules that read the stream",
                   "IN LIST in a stream's own columns: a list belongs to rules");
    return e != NULL;
}

/* What an operator says without a place is said of the statement. */
static void give_place(struct diag *d, int from, struct span at)
{
    struct diag here;
    diag_init(&here, d->text, d->text_len);
    diag_error(&here, "", at, NULL, "here");
    for (int i = from; i < d->n; i++) {
        struct diag_item *x = &d->items[i], *y = &here.items[0];
        if (x->end_line > 1 || x->end_column > 1)
            continue;
        x->line = y->line;
        x->column = y->column;
        x->end_line = y->end_line;
        x->end_column = y->end_column;
    }
    diag_fini(&here);
}

/* The operators have the last word on what they do. */
static bool is_supported(const struct rule_plan *p, struct span at, struct diag *d)
{
    int from = d->n;
    enum err e = ERR_OK;
    if (p->shape == RULE_MATCH)
        e = match_supported(p, d);
    else if (p->shape == RULE_WINDOW)
        e = windowprog_supported(p, d);
    else if (p->shape == RULE_OVER)
        e = overprog_supported(p, d);
    if (e != ERR_OK)
        give_place(d, from, at);
    return e == ERR_OK;
}

static void compile_stream(struct compiling *c, const struct ast_statement *st)
{
    check_name(c, st, "stream");
    const struct schema *s = streamdef_make(&c->cc, st, statement_text(c, st->at), c->nstreams);
    if (s != NULL && stream_reads_list(c, s))
        s = NULL;
    remember(c, st, "stream", s, s == NULL);
    if (s == NULL)
        return;
    c->nstreams++;
    add(c, st, STATEMENT_STREAM)->schema = s;
}

static void compile_list(struct compiling *c, const struct ast_statement *st)
{
    check_name(c, st, "list");
    struct list *l = listdef_make(&c->cc, st);
    remember(c, st, "list", NULL, l == NULL);
    struct cc_known *k = names_known(&c->cc, st->name.text);
    if (l == NULL)
        return;
    if (strcmp(k->what, "list") == 0)
        k->list = l;
    add(c, st, STATEMENT_LIST)->list = l;
}

static void compile_table(struct compiling *c, const struct ast_statement *st)
{
    check_name(c, st, "table");
    struct table *t = tabledef_make(&c->cc, st, statement_text(c, st->at), c->ntables);
    remember(c, st, "table", NULL, t == NULL);
    struct cc_known *k = names_known(&c->cc, st->name.text);
    if (t == NULL)
        return;
    c->ntables++;
    if (strcmp(k->what, "table") == 0)
        k->table = t;
    add(c, st, STATEMENT_TABLE)->table = t;
}

static void compile_sink(struct compiling *c, const struct ast_statement *st)
{
    check_name(c, st, "sink");
    struct sink *s = sinkdef_make(&c->cc, st, statement_text(c, st->at));
    remember(c, st, "sink", NULL, s == NULL);
    if (s != NULL)
        add(c, st, STATEMENT_SINK)->sink = s;
}

static void compile_insert(struct compiling *c, const struct ast_statement *st)
{
    bool later = c->cc.scope != NULL && c->cc.scope->list != NULL;
    struct listdef_rows rows = {0};
    struct list *l = names_list(&c->cc, &st->name);
    if (l == NULL || !listdef_insert(&c->cc, l, st, later ? &rows : NULL)) {
        mem_free(rows.v);
        return;
    }
    struct statement *out = add(c, st, STATEMENT_INSERT);
    out->list = list_ref(l);
    out->rows = rows.v;
    out->nrows = rows.n;
}

/* The plan holds the lists that it reads. */
static void take_lists(struct compiling *c, struct rule_plan *p)
{
    p->nlists = (unsigned)c->lists.n;
    p->lists = arena_alloc(p->arena, (c->lists.n + 1) * sizeof(struct list *));
    for (size_t i = 0; i < c->lists.n; i++)
        p->lists[i] = list_ref(c->lists.v[i]);
}

static void drop_lists(struct compiling *c)
{
    for (size_t i = 0; i < c->lists.n; i++)
        list_unref(c->lists.v[i]);
    c->lists.n = 0;
}

/* What is edited while rules run can be asked only where there is a row: the sums of a window and the pairs of a join have
 * no place. */
static bool lists_have_places(struct compiling *c, const struct rule_plan *p)
{
    const struct expr *e = NULL;
    bool window = p->shape == RULE_WINDOW;
    if ((!window && p->shape != RULE_JOIN) || c->cc.scope == NULL || c->cc.scope->list == NULL)
        return true;
    for (unsigned i = 0; i < p->noutputs && e == NULL; i++)
        e = expr_find_list(p->outputs[i].e);
    if (e == NULL)
        e = expr_find_list(window ? p->window.having : p->join.on);
    if (e == NULL && !window)
        e = expr_find_list(p->join.where);
    if (e != NULL)
        diag_error(c->cc.d, "unsupported", e->at,
                   window ? "put it into WHERE, or into an aggregate: COUNT(*) FILTER (WHERE x IN "
                            "LIST l)"
                          : "put it into WHERE by itself, over columns of one side",
                   "IN LIST over %s: a list is edited at rows, and here is none",
                   window ? "the sums of a window" : "both sides of a join");
    return e == NULL;
}

static struct rule_plan *plan_rule(struct compiling *c, const struct ast_statement *st,
                                   const char *name)
{
    struct rule_plan *p =
        planner_rule(&c->cc, st, name, c->text + st->at.begin, st->at.end - st->at.begin);
    if (p == NULL)
        return NULL;
    take_lists(c, p);
    if (is_supported(p, st->at, c->cc.d) && lists_have_places(c, p))
        return p;
    plan_unref(p);
    return NULL;
}

static void compile_one_rule(struct compiling *c, const struct ast_statement *st)
{
    check_name(c, st, "rule");
    const struct cc_known *before = names_known(&c->cc, st->name.text);
    unsigned number = before != NULL && before->number > 0 ? before->number : ++c->nrules;
    struct rule_plan *p = plan_rule(c, st, st->name.text);
    remember(c, st, "rule", NULL, p == NULL);
    struct cc_known *k = names_known(&c->cc, st->name.text);
    if (p == NULL)
        return;
    if (strcmp(k->what, "rule") == 0) {
        k->plan = p;
        k->number = number;
    }
    add(c, st, STATEMENT_RULE)->rule = p;
}

static void compile_explained(struct compiling *c, const struct ast_statement *st)
{
    static const char *const formats[] = {"TEXT", "JSON", "DOT"};
    struct statement *out = add(c, st, STATEMENT_EXPLAIN);
    if (st->format.kind == 0)
        return;
    const char *word = arena_dup(c->cc.arena, st->format.p, st->format.n);
    for (unsigned i = 0; i < 3; i++)
        if (strcasecmp(word, formats[i]) == 0) {
            out->format = formats[i];
            return;
        }
    diag_error(c->cc.d, "option", st->format.at, names_hint(&c->cc, word, formats, 3),
               "FORMAT is TEXT, JSON or DOT, not %s", word);
}

static void compile_statement(struct compiling *c, const struct ast_statement *st)
{
    switch (st->kind) {
    case AST_STREAM:
        compile_stream(c, st);
        break;
    case AST_RULE:
        compile_one_rule(c, st);
        break;
    case AST_EXPLAIN:
        compile_explained(c, st);
        break;
    case AST_SELECT:
        diag_error(c->cc.d, "syntax", st->at, "CREATE RULE name AS SELECT ...",
                   "a SELECT by itself has no name; it must be a rule's");
        break;
    case AST_LIST:
        compile_list(c, st);
        break;
    case AST_TABLE:
        compile_table(c, st);
        break;
    case AST_INSERT:
        compile_insert(c, st);
        break;
    case AST_SINK:
        compile_sink(c, st);
        break;
    }
}

/* --- scripts ---------------------------------------------------------------------------------- */

static void compiling_init(struct compiling *c, const char *text, size_t n,
                           const struct scope *scope, struct diag *d)
{
    *c = (struct compiling){.cc = {.d = d, .scope = scope}};
    d->text = text;
    d->text_len = n;
    c->trees = c->cc.scratch = arena_new(AST_BLOCK, 0);
    c->names = arena_new(1024, 0);
    c->cc.arena = c->cc.lasting = arena_new(SCRIPT_BLOCK, 0);
    c->cc.lists = &c->lists;
    c->cc.looked = &c->looked;
    c->text = c->cc.text = text;
    c->cc.text_len = n;
}

static void compiling_fini(struct compiling *c)
{
    struct cc_known *k, *next;
    MAP_EACH(c->cc.known, k, next) {
        MAP_DEL(c->cc.known, k); /* frees the buckets with the last */
    }
    drop_lists(c);
    mem_free(c->lists.v);
    arena_free(c->trees);
    arena_free(c->names);
}

static bool is_before(const struct diag_item *a, const struct diag_item *b)
{
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* What is said of one statement comes in the order of the text, not in that of the work. */
static void sort_items(struct diag *d, int from)
{
    for (int i = from + 1; i < d->n; i++) {
        struct diag_item item = d->items[i];
        int k = i;
        for (; k > from && is_before(&item, &d->items[k - 1]); k--)
            d->items[k] = d->items[k - 1];
        d->items[k] = item;
    }
}

static void parse_all(struct compiling *c, struct parse *p)
{
    struct ast_statement *st;
    for (int said = c->cc.d->n; parse_next(p, c->trees, &st); said = c->cc.d->n) {
        if (st != NULL)
            compile_statement(c, st);
        sort_items(c->cc.d, said < c->cc.d->n ? said : c->cc.d->n);
        drop_lists(c);
        arena_reset(c->trees);
    }
}

static enum err compile_text(const char *text, size_t n, const struct scope *scope, bool bounded,
                             struct diag *d, struct script **out)
{
    struct compiling c;
    enum err e;
    d->text = text;
    d->text_len = n;
    if ((e = check_text(text, n, d)) != ERR_OK)
        return e;
    int errors = d->errors;
    char *copy = mem_dup(text, n); /* with a NUL at its end, for the lexer */
    compiling_init(&c, copy, n, scope, d);
    c.cc.bounded = bounded;
    c.script = mem_new(sizeof *c.script);
    c.script->arena = c.cc.arena;
    struct parse *p = parse_new(copy, n, d);
    parse_all(&c, p);
    parse_free(p);
    compiling_fini(&c);
    d->text = text; /* as the caller knows it */
    mem_free(copy);
    if (d->errors == errors) {
        *out = c.script;
        return ERR_OK;
    }
    compile_script_free(c.script);
    return verdict(d);
}

enum err compile_script(const char *text, size_t n, const struct scope *scope, struct diag *d,
                        struct script **out)
{
    return compile_text(text, n, scope, false, d, out);
}

enum err compile_script_bounded(const char *text, size_t n, const struct scope *scope,
                                struct diag *d, struct script **out)
{
    return compile_text(text, n, scope, true, d, out);
}

void compile_script_free(struct script *s)
{
    if (s == NULL)
        return;
    for (unsigned i = 0; i < s->n; i++)
        plan_unref(s->statements[i].rule);
    for (unsigned i = 0; i < s->n; i++) {
        list_unref(s->statements[i].list);
        mem_free(s->statements[i].rows);
    }
    mem_free(s->statements);
    arena_free(s->arena);
    mem_free(s);
}

/* --- one rule --------------------------------------------------------------------------------- */

static struct rule_plan *only_rule(struct compiling *c, struct parse *p, const char *name)
{
    struct ast_statement *st, *more;
    if (!parse_next(p, c->trees, &st)) {
        diag_say(c->cc.d, "syntax", NULL,
                 "the text is empty: a rule is a SELECT, or CREATE RULE name AS SELECT");
        return NULL;
    }
    if (st == NULL)
        return NULL;
    if (parse_next(p, c->trees, &more)) {
        diag_error(c->cc.d, "syntax", more != NULL ? more->at : st->at, NULL,
                   "one rule is enough here");
        return NULL;
    }
    if (st->kind != AST_SELECT && st->kind != AST_RULE) {
        diag_error(c->cc.d, "syntax", st->at, NULL,
                   "a rule is a SELECT, or CREATE RULE name AS SELECT");
        return NULL;
    }
    if (st->kind == AST_RULE && name != NULL && strcasecmp(name, st->name.text) != 0) {
        diag_error(c->cc.d, "name", st->name.at, NULL, "this rule is %s, and %s was asked for",
                   st->name.text, name);
        return NULL;
    }
    if (st->kind == AST_SELECT && name == NULL) {
        diag_error(c->cc.d, "name", st->at, "CREATE RULE name AS SELECT ...",
                   "the rule has no name");
        return NULL;
    }
    return plan_rule(c, st, st->kind == AST_RULE ? st->name.text : name);
}

enum err compile_rule(const char *name, const char *text, size_t n, const struct scope *scope,
                      struct diag *d, struct rule_plan **out)
{
    struct compiling c;
    enum err e;
    d->text = text;
    d->text_len = n;
    if ((e = check_text(text, n, d)) != ERR_OK)
        return e;
    int errors = d->errors;
    char *copy = mem_dup(text, n);
    compiling_init(&c, copy, n, scope, d);
    struct parse *parse = parse_new(copy, n, d);
    int before = d->n;
    struct rule_plan *p = only_rule(&c, parse, name);
    sort_items(d, before);
    parse_free(parse);
    arena_free(c.cc.arena);
    compiling_fini(&c);
    d->text = text;
    mem_free(copy);
    if (d->errors == errors) {
        *out = p;
        return ERR_OK;
    }
    plan_unref(p);
    return verdict(d);
}

void compile_explain(const struct rule_plan *p, enum explain_format f, struct bytes *out)
{
    explain_plan(p, f == EXPLAIN_JSON, out);
}

void compile_explain_rule(const struct rule_plan *p, const struct job *job, enum explain_format f,
                          struct bytes *out)
{
    static const enum explainrule_format formats[] = {[EXPLAIN_TEXT] = EXPLAINRULE_TEXT,
                                                      [EXPLAIN_JSON] = EXPLAINRULE_JSON,
                                                      [EXPLAIN_DOT] = EXPLAINRULE_DOT};
    explainrule_print(p, job, formats[f], out);
}

bool compile_explain_format(const char *word, enum explain_format *out)
{
    static const char *const words[] = {"TEXT", "JSON", "DOT"};
    for (unsigned i = 0; i < 3; i++)
        if (word == NULL || strcasecmp(word, words[i]) == 0) {
            *out = (enum explain_format)i;
            return true;
        }
    return false;
}
