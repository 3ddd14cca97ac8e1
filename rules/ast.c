/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of expressions, then of statements; patterns are in ast_pattern.c. */
#include "rules/ast.h"
#include "rules/grammar.h"
#include <string.h>

struct span ast_span(struct span a, struct span b)
{
    return (struct span){a.begin, b.end};
}

const char *ast_unquote(struct ast *a, struct token t, unsigned *n)
{
    char quote = t.p[0], *out = arena_alloc(a->arena, t.n), *to = out;
    for (unsigned i = 1; i + 1 < t.n; i++) {
        if (t.p[i] == quote)
            i++; /* doubled: the second stands for both */
        *to++ = t.p[i];
    }
    *to = '\0';
    if (n != NULL)
        *n = (unsigned)(to - out);
    return out;
}

struct ast_name ast_name(struct ast *a, struct token t)
{
    struct ast_name n = {.at = t.at};
    if (t.kind == 0)
        return n;
    n.quoted = t.p[0] == '"' || t.p[0] == '`';
    n.text = n.quoted ? ast_unquote(a, t, NULL) : arena_dup(a->arena, t.p, t.n);
    return n;
}

struct ast_names ast_names(struct ast *a, struct ast_names l, struct token t)
{
    struct ast_name *n = arena_alloc(a->arena, sizeof *n);
    *n = ast_name(a, t);
    if (l.last != NULL)
        l.last->next = n;
    else
        l.first = n;
    l.last = n;
    l.n++;
    return l;
}

static struct ast_expr *node(struct ast *a, enum ast_kind kind, struct span at)
{
    struct ast_expr *e = arena_zero(a->arena, sizeof *e);
    e->kind = kind;
    e->at = e->op_at = at;
    e->depth = 1;
    return e;
}

/* Add an argument, and with it the depth that the node has. */
static void add_arg(struct ast *a, struct ast_expr *e, struct ast_expr *arg)
{
    if (arg == NULL)
        return;
    arg->next = NULL;
    if (e->last_arg != NULL)
        e->last_arg->next = arg;
    else
        e->args = arg;
    e->last_arg = arg;
    e->nargs++;
    if (arg->depth + 1 > e->depth)
        e->depth = arg->depth + 1;
    if (e->depth > AST_DEPTH_MAX)
        a->too_deep = true;
}

struct ast_expr *ast_null(struct ast *a, struct token t)
{
    return node(a, AST_NULL, t.at);
}

struct ast_expr *ast_boolean(struct ast *a, struct token t, bool v)
{
    struct ast_expr *e = node(a, AST_BOOLEAN, t.at);
    e->flag = v;
    return e;
}

struct ast_expr *ast_number(struct ast *a, struct token t)
{
    struct ast_expr *e = node(a, AST_NUMBER, t.at);
    e->text = arena_dup(a->arena, t.p, t.n);
    e->text_n = t.n;
    e->op = t.kind;
    return e;
}

struct ast_expr *ast_string(struct ast *a, struct token t)
{
    struct ast_expr *e = node(a, AST_STRING, t.at);
    e->text = ast_unquote(a, t, &e->text_n);
    return e;
}

struct ast_expr *ast_timestamp(struct ast *a, struct token word, struct token t)
{
    struct ast_expr *e = ast_string(a, t);
    e->kind = AST_TIMESTAMP;
    e->at = ast_span(word.at, t.at);
    return e;
}

struct ast_expr *ast_interval(struct ast *a, struct token word, struct token t, struct token from,
                              struct token to)
{
    struct ast_expr *e = ast_string(a, t);
    e->kind = AST_INTERVAL;
    e->at = ast_span(word.at, to.kind != 0 ? to.at : from.at);
    e->op_at = t.at;
    e->name = ast_name(a, from);
    e->qualifier = ast_name(a, to);
    return e;
}

struct ast_expr *ast_column_ref(struct ast *a, struct token qualifier, struct token name)
{
    struct ast_expr *e =
        node(a, AST_NAME, qualifier.kind != 0 ? ast_span(qualifier.at, name.at) : name.at);
    e->name = ast_name(a, name);
    e->qualifier = ast_name(a, qualifier);
    return e;
}

struct ast_expr *ast_star(struct ast *a, struct token qualifier, struct token star)
{
    struct ast_expr *e =
        node(a, AST_STAR, qualifier.kind != 0 ? ast_span(qualifier.at, star.at) : star.at);
    e->qualifier = ast_name(a, qualifier);
    return e;
}

struct ast_expr *ast_unary(struct ast *a, struct token op, struct ast_expr *x)
{
    struct ast_expr *e = node(a, AST_UNARY, ast_span(op.at, x->at));
    e->op = op.kind;
    e->op_at = op.at;
    add_arg(a, e, x);
    return e;
}

/* AND and OR take any number of arguments, so that a long condition is wide and not deep. */
struct ast_expr *ast_binary(struct ast *a, struct token op, struct ast_expr *l, struct ast_expr *r)
{
    bool logic = op.kind == TOKEN_AND || op.kind == TOKEN_OR;
    struct ast_expr *e;
    if (logic && l->kind == AST_BINARY && l->op == op.kind) {
        e = l;
        e->at = ast_span(l->at, r->at);
        e->next = NULL;
    } else {
        e = node(a, AST_BINARY, ast_span(l->at, r->at));
        e->op = op.kind;
        e->op_at = op.at;
        add_arg(a, e, l);
    }
    add_arg(a, e, r);
    return e;
}

struct ast_expr *ast_is(struct ast *a, struct ast_expr *x, int op, bool negated,
                        struct ast_expr *other, struct token last)
{
    struct ast_expr *e = node(a, AST_IS, ast_span(x->at, other != NULL ? other->at : last.at));
    e->op = op;
    e->negated = negated;
    add_arg(a, e, x);
    add_arg(a, e, other);
    return e;
}

static void add_all(struct ast *a, struct ast_expr *e, struct ast_expr *list)
{
    for (struct ast_expr *next; list != NULL; list = next) {
        next = list->next;
        add_arg(a, e, list);
    }
}

struct ast_expr *ast_in(struct ast *a, struct ast_expr *x, bool negated, struct ast_exprs l,
                        struct token last)
{
    struct ast_expr *e = node(a, AST_IN, ast_span(x->at, last.at));
    e->negated = negated;
    add_arg(a, e, x);
    add_all(a, e, l.first);
    return e;
}

struct ast_expr *ast_in_list(struct ast *a, struct ast_expr *x, bool negated, struct token name)
{
    struct ast_expr *e = node(a, AST_IN_LIST, ast_span(x->at, name.at));
    e->negated = negated;
    e->name = ast_name(a, name);
    add_arg(a, e, x);
    return e;
}

struct ast_expr *ast_between(struct ast *a, struct ast_expr *x, bool negated, struct ast_expr *lo,
                             struct ast_expr *hi)
{
    struct ast_expr *e = node(a, AST_BETWEEN, ast_span(x->at, hi->at));
    e->negated = negated;
    add_arg(a, e, x);
    add_arg(a, e, lo);
    add_arg(a, e, hi);
    return e;
}

struct ast_expr *ast_like(struct ast *a, struct ast_expr *x, bool negated, struct ast_expr *p,
                          struct ast_expr *escape)
{
    struct ast_expr *e = node(a, AST_LIKE, ast_span(x->at, escape != NULL ? escape->at : p->at));
    e->negated = negated;
    add_arg(a, e, x);
    add_arg(a, e, p);
    add_arg(a, e, escape);
    return e;
}

struct ast_expr *ast_case(struct ast *a, struct token word, struct ast_expr *operand,
                          struct ast_exprs whens, struct ast_expr *other, struct token end)
{
    struct ast_expr *e = node(a, AST_CASE, ast_span(word.at, end.at));
    e->flag = operand != NULL;
    add_arg(a, e, operand);
    add_all(a, e, whens.first);
    e->other = other;
    if (other != NULL && other->depth + 1 > e->depth)
        e->depth = other->depth + 1;
    if (e->depth > AST_DEPTH_MAX)
        a->too_deep = true;
    return e;
}

struct ast_expr *ast_cast(struct ast *a, struct token word, struct ast_expr *x, struct ast_type *t,
                          bool is_try, struct token end)
{
    struct ast_expr *e = node(a, AST_CAST, ast_span(word.at, end.at));
    e->type = t;
    e->flag = is_try;
    add_arg(a, e, x);
    return e;
}

struct ast_expr *ast_call(struct ast *a, struct token name, bool distinct, struct ast_exprs args,
                          struct token end)
{
    struct ast_expr *e = node(a, AST_CALL, ast_span(name.at, end.at));
    e->op_at = name.at;
    e->name = ast_name(a, name);
    e->call = arena_zero(a->arena, sizeof *e->call);
    e->call->distinct = distinct;
    add_all(a, e, args.first);
    return e;
}

/* EXTRACT(HOUR FROM x) is HOUR(x). */
struct ast_expr *ast_extract(struct ast *a, struct token word, struct token field,
                             struct ast_expr *x, struct token end)
{
    struct ast_exprs args = ast_exprs(a, (struct ast_exprs){0}, x);
    struct ast_expr *e = ast_call(a, field, false, args, end);
    e->at = ast_span(word.at, end.at);
    e->flag = true;
    return e;
}

struct ast_expr *ast_modified(struct ast *a, struct token modifier, struct ast_expr *call)
{
    (void)a;
    call->call->modifier = modifier;
    call->at = ast_span(modifier.at, call->at);
    return call;
}

struct ast_expr *ast_filtered(struct ast *a, struct ast_expr *call, struct ast_expr *filter)
{
    call->call->filter = filter;
    call->at.end = filter->at.end;
    if (filter->depth + 1 > call->depth)
        call->depth = filter->depth + 1;
    if (call->depth > AST_DEPTH_MAX)
        a->too_deep = true;
    return call;
}

struct ast_expr *ast_over(struct ast *a, struct ast_expr *call, struct token word,
                          struct ast_exprs partition, struct ast_exprs order,
                          struct ast_frame frame)
{
    struct ast_over *o = arena_zero(a->arena, sizeof *o);
    o->at = word.at;
    o->partition = partition.first;
    o->order = order.first;
    o->frame = frame;
    call->call->over = o;
    call->at.end = word.at.end;
    return call;
}

struct ast_expr *ast_parens(struct ast_expr *e, struct token l, struct token r)
{
    e->at = ast_span(l.at, r.at);
    return e;
}

struct ast_exprs ast_exprs(struct ast *a, struct ast_exprs l, struct ast_expr *e)
{
    (void)a;
    e->next = NULL;
    if (l.last != NULL)
        l.last->next = e;
    else
        l.first = e;
    l.last = e;
    l.n++;
    return l;
}

struct ast_exprs ast_order(struct ast *a, struct ast_exprs l, struct ast_expr *e, bool descending)
{
    e->descending = descending;
    return ast_exprs(a, l, e);
}

struct ast_type *ast_type(struct ast *a, struct token name, struct token p1, struct token p2)
{
    struct ast_type *t = arena_zero(a->arena, sizeof *t);
    t->name = ast_name(a, name);
    t->at = ast_span(name.at, p2.kind != 0 ? p2.at : p1.kind != 0 ? p1.at : name.at);
    t->params[0] = p1;
    t->params[1] = p2;
    t->nparams = (p1.kind != 0 ? 1u : 0u) + (p2.kind != 0 ? 1u : 0u);
    return t;
}

/* --- statements ------------------------------------------------------------------------------------------------ */

/* Append to a list whose nodes have `next`: a copy of `item` in the arena. */
#define APPEND(list, item)                                                                         \
    do {                                                                                           \
        __typeof__((list).first) node_ = arena_alloc(a->arena, sizeof *node_);                     \
        *node_ = (item);                                                                           \
        node_->next = NULL;                                                                        \
        if ((list).last != NULL)                                                                   \
            (list).last->next = node_;                                                             \
        else                                                                                       \
            (list).first = node_;                                                                  \
        (list).last = node_;                                                                       \
    } while (0)

struct ast_items ast_items(struct ast *a, struct ast_items l, struct ast_expr *e,
                           struct token alias)
{
    APPEND(l, ((struct ast_item){.e = e, .alias = ast_name(a, alias)}));
    return l;
}

struct ast_options ast_options(struct ast *a, struct ast_options l, struct token name,
                               struct token value)
{
    APPEND(l, ((struct ast_option){.name = name, .value = value}));
    return l;
}

struct ast_subsets ast_subsets(struct ast *a, struct ast_subsets l, struct token name,
                               struct ast_names members)
{
    APPEND(l, ((struct ast_subset){.name = ast_name(a, name), .members = members.first}));
    return l;
}

struct ast_defines ast_defines(struct ast *a, struct ast_defines l, struct token name,
                               struct ast_expr *e)
{
    APPEND(l, ((struct ast_define){.name = ast_name(a, name), .e = e}));
    return l;
}

struct ast_skip_to ast_skip_to(struct ast *a, enum ast_skip kind, struct token name)
{
    return (struct ast_skip_to){.kind = kind, .name = ast_name(a, name)};
}

struct ast_match *ast_match(struct ast *a)
{
    return arena_zero(a->arena, sizeof(struct ast_match));
}

struct ast_args ast_args(struct ast *a, struct ast_args l, struct ast_arg arg)
{
    APPEND(l, arg);
    return l;
}

struct ast_arg ast_arg_expr(struct ast_expr *e)
{
    return (struct ast_arg){.kind = AST_ARG_EXPR, .at = e->at, .e = e};
}

struct ast_arg ast_arg_table(struct ast *a, struct token word, struct token name,
                             struct ast_exprs partition)
{
    return (struct ast_arg){.kind = AST_ARG_TABLE,
                            .at = ast_span(word.at, name.at),
                            .name = ast_name(a, name),
                            .partition = partition.first};
}

struct ast_arg ast_arg_side(struct ast_arg table, struct ast_name side)
{
    table.side = side;
    table.at = ast_span(table.at, side.at);
    return table;
}

struct ast_arg ast_arg_descriptor(struct ast *a, struct token word, struct token name)
{
    return (struct ast_arg){.kind = AST_ARG_DESCRIPTOR,
                            .at = ast_span(word.at, name.at),
                            .name = ast_name(a, name)};
}

struct ast_arg ast_arg_query(struct token l, struct ast_select *q, struct ast_exprs partition)
{
    return (struct ast_arg){.kind = AST_ARG_QUERY,
                            .at = l.at,
                            .query = q,
                            .partition = partition.first};
}

struct ast_from *ast_from_name(struct ast *a, struct token name, struct token alias)
{
    struct ast_from *f = arena_zero(a->arena, sizeof *f);
    f->at = name.at;
    f->name = ast_name(a, name);
    f->alias = ast_name(a, alias);
    return f;
}

struct ast_from *ast_from_side(struct ast *a, struct token name, struct token side,
                               struct token alias)
{
    struct ast_from *f = ast_from_name(a, name, alias);
    f->side = ast_name(a, side);
    f->at = ast_span(name.at, side.at);
    return f;
}

struct ast_from *ast_from_query(struct ast *a, struct token l, struct ast_select *q,
                                struct token alias)
{
    struct ast_from *f = arena_zero(a->arena, sizeof *f);
    f->at = l.at;
    f->query = q;
    f->alias = ast_name(a, alias);
    return f;
}

struct ast_from *ast_from_window(struct ast *a, struct token function, struct ast_args args,
                                 struct token alias)
{
    struct ast_from *f = arena_zero(a->arena, sizeof *f);
    f->at = function.at;
    f->function = ast_name(a, function);
    f->args = args.first;
    f->alias = ast_name(a, alias);
    return f;
}

struct ast_from *ast_from_match(struct ast *a, struct ast_from *f, struct ast_match *m,
                                struct token alias)
{
    f->match = m;
    f->match_alias = ast_name(a, alias);
    return f;
}

struct ast_from *ast_from_join(struct ast_from *l, enum ast_join kind, struct token word,
                               struct ast_from *r, struct ast_expr *on)
{
    struct ast_from *last = l;
    while (last->next != NULL)
        last = last->next;
    last->next = r;
    r->join = kind;
    r->join_at = word.at;
    r->on = on;
    return l;
}

struct ast_select *ast_select(struct ast *a, struct token word, struct ast_items items,
                              struct ast_from *from)
{
    struct ast_select *s = arena_zero(a->arena, sizeof *s);
    s->at = ast_span(word.at, from->at);
    s->items = items.first;
    s->from = from;
    return s;
}

struct ast_columns ast_columns(struct ast *a, struct ast_columns l, struct ast_column c)
{
    APPEND(l, c);
    return l;
}

struct ast_column ast_column(struct ast *a, struct token name, struct ast_type *type)
{
    return (struct ast_column){.name = ast_name(a, name), .type = type, .at = name.at};
}

struct ast_column ast_column_computed(struct ast *a, struct token name, struct ast_expr *e)
{
    return (struct ast_column){.name = ast_name(a, name), .computed = e, .at = name.at};
}

struct ast_column ast_column_watermark(struct ast *a, struct token word, struct token name,
                                       bool punctuated, struct ast_expr *e)
{
    return (struct ast_column){.name = ast_name(a, name),
                               .watermark = true,
                               .punctuated = punctuated,
                               .mark = e,
                               .at = word.at};
}

struct ast_values ast_values(struct ast *a, struct ast_values l, struct token open,
                             struct ast_exprs values, struct token close)
{
    struct ast_row row = {.at = ast_span(open.at, close.at), .values = values};
    APPEND(l, row);
    return l;
}

struct ast_emits ast_emits(struct ast *a, struct ast_emits l, struct token what, struct token to)
{
    APPEND(l, ((struct ast_emit){.what = what, .to = ast_name(a, to)}));
    return l;
}

struct ast_statement *ast_statement(struct ast *a, enum ast_statement_kind kind, struct token first,
                                    struct token name)
{
    struct ast_statement *s = arena_zero(a->arena, sizeof *s);
    s->kind = kind;
    s->at = first.at;
    s->or_replace = first.kind == TOKEN_CREATE && first.n == 0;
    s->name = ast_name(a, name);
    a->built = s;
    return s;
}
