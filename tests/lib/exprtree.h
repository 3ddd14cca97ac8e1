/* SPDX-License-Identifier: Apache-2.0 */
/* exprtree.h - expressions put together by hand, as the compiler would, and asked for their value.
 *
 * exprtree_start and exprtree_stop are a test's set-up and tear-down: the trees live that long. */
#ifndef WEIR_TESTS_LIB_EXPRTREE_H
#define WEIR_TESTS_LIB_EXPRTREE_H
#include "cep/expr/exprvm.h"
#include "cep/expr/func_list.h"
#include "tests/lib/check.h"

#define BOOLEAN ((struct type){.kind = TYPE_BOOLEAN})
#define BIGINT ((struct type){.kind = TYPE_BIGINT})
#define DOUBLE ((struct type){.kind = TYPE_DOUBLE})
#define STRING ((struct type){.kind = TYPE_STRING})
#define TIMESTAMP ((struct type){.kind = TYPE_TIMESTAMP})
#define INTERVAL ((struct type){.kind = TYPE_INTERVAL})
#define DECIMAL(p, s) ((struct type){.kind = TYPE_DECIMAL, .precision = (p), .scale = (s)})

static struct arena *trees; /* of one test */

static inline int exprtree_start(void **state)
{
    (void)state;
    trees = arena_new(0, 0);
    return 0;
}

static inline int exprtree_stop(void **state)
{
    (void)state;
    arena_free(trees);
    return 0;
}

static inline struct expr *node(enum expr_kind kind, struct type t, unsigned nargs,
                                const struct expr *const *args)
{
    struct expr *e = arena_zero(trees, sizeof *e);
    const struct expr **copy = arena_alloc(trees, nargs * sizeof *copy + 1);
    if (nargs > 0)
        memcpy(copy, args, nargs * sizeof *copy);
    e->kind = kind;
    e->type = t;
    e->nargs = nargs;
    e->args = copy;
    return e;
}

#define OP(kind, type, ...)                                                                        \
    node(EXPR_##kind, type, sizeof((const struct expr *[]){__VA_ARGS__}) / sizeof(struct expr *),  \
         (const struct expr *[]){__VA_ARGS__})
#define IS(kind, ...) OP(kind, BOOLEAN, __VA_ARGS__)

static inline struct expr *literal(struct type t, union cell c)
{
    struct expr *e = node(EXPR_CONST, t, 0, NULL);
    e->constant = (struct value){.type = t, .c = c};
    return e;
}

static inline struct expr *null_of(struct type t)
{
    struct expr *e = node(EXPR_CONST, t, 0, NULL);
    e->constant = (struct value){.type = t, .null = true};
    return e;
}

static inline struct expr *num(int64_t v)
{
    return literal(BIGINT, (union cell){.i = v});
}

static inline struct expr *real(double v)
{
    return literal(DOUBLE, (union cell){.d = v});
}

static inline struct expr *dec(int64_t v, uint8_t scale)
{
    return literal(DECIMAL(18, scale), (union cell){.i = v});
}

static inline struct expr *truth(bool v)
{
    return literal(BOOLEAN, (union cell){.i = v});
}

static inline struct expr *str(const char *s)
{
    return literal(STRING, (union cell){.s = {s, (uint32_t)strlen(s), 0}});
}

static inline struct expr *func(enum func_id id, struct expr *call)
{
    call->func = (unsigned)id;
    return call;
}

static char shown[128];

/* The value of e in an environment, as text. */
static inline const char *shown_value(const struct expr *e, struct exprvm_env env)
{
    struct exprvm *x = exprvm_new(e, NULL);
    struct value v = {.type = e->type};
    struct bytes out = {0};
    env.scratch = arena_new(0, 0);
    v.null = !exprvm_eval(x, &env, &v.c);
    value_json(&v, &out);
    snprintf(shown, sizeof shown, "%.*s", (int)out.n, (char *)out.p);
    bytes_fini(&out);
    arena_free(env.scratch);
    exprvm_free(x);
    return shown;
}

/* … of an expression that reads no row. */
static inline const char *value_of(const struct expr *e)
{
    return shown_value(e, (struct exprvm_env){.scratch = NULL});
}

#define EXPRTREE_TEST(name) cmocka_unit_test_setup_teardown(name, exprtree_start, exprtree_stop)

#endif
