/* SPDX-License-Identifier: Apache-2.0 */
/* exprvm_code.h - the code of the expression machine: shared by the files exprvm*.c and by nobody else.
 *
 * A condition becomes flat code over two files of registers: values (64 cells or strings and a word of null bits) and
 * truths (a word of TRUE and a word of NULL bits). The same code runs over 64 rows at once (exprvm_block.c: one opcode,
 * one loop) or over one row of a match (exprvm_row.c). Operands name columns and constants directly, so that
 * `amount > 3000` is one instruction.
 *
 * All operations are total and without effects: what cannot be computed (overflow, division by zero, a text that is no
 * number) is NULL. So the machine may compute what the result does not need, and jumps only to save time. */
#ifndef WEIR_CEP_EXPRVM_CODE_H
#define WEIR_CEP_EXPRVM_CODE_H
#include "cep/expr/exprvm.h"
#include "cep/expr/func.h"
#include <string.h>

enum { EXPRVM_BLOCK = 64, EXPRVM_REGISTERS_MAX = UINT16_MAX };

enum exprvm_mode {
    MODE_CONST, /* consts[index] */
    MODE_VALUE, /* values[index] */
    MODE_TRUTH, /* truths[index] */
    MODE_COLUMN, /* column `index` of the row being looked at */
    MODE_NAV, /* column `index` of the row navs[nav] */
    MODE_EXTERNAL, /* externals[index] */
};

struct exprvm_operand {
    uint8_t mode, kind; /* enum exprvm_mode, enum type_kind */
    uint16_t index, nav;
};

enum exprvm_op {
    OP_COMPARE_INT, /* truth dst = a cond b */
    OP_COMPARE_DOUBLE,
    OP_COMPARE_STRING,
    OP_COMPARE_DECIMAL, /* of different scales */
    OP_TRUTH, /* truth dst = a, a boolean from anywhere */
    OP_AND, /* truth dst = dst AND truth a */
    OP_OR,
    OP_NOT, /* truth dst = NOT truth a */
    OP_IS_NULL,
    OP_IS_TRUE, /* of truth a */
    OP_IS_FALSE,
    OP_IN, /* a in sets[aux] */
    OP_LIKE, /* a like likes[aux] */
    OP_LIKE_ANY, /* args[aux ..]: text, pattern, escape */
    OP_NEG,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_CAST,
    OP_CONCAT, /* args[aux .. aux + nargs) */
    OP_FUNC, /* function `func` of args[aux .. aux + nargs) */
    OP_MOVE, /* dst = a; a boolean's dst is a truth */
    OP_SELECT, /* dst = a where truth b, else dst */
    OP_COALESCE, /* dst = a where dst is NULL */
    OP_JUMP_FALSE, /* to aux, when truth a is FALSE in all rows that count */
    OP_JUMP_TRUE, /* … TRUE in all rows that count */
    OP_JUMP_NOT_TRUE, /* … FALSE or NULL in all rows that count */
    OP_JUMP_NOT_NULL, /* … when a is not NULL in any row that counts */
    OP_LOOKUP, /* dst = column func of the row of list sets[aux] whose key is a */
    OP_ROW, /* dst = NULL; to aux, if there is no row navs[a.nav] */
};

enum exprvm_cond { COND_EQ, COND_NE, COND_LT, COND_LE, COND_GT, COND_GE };

struct exprvm_insn {
    uint8_t op, cond;
    bool null_safe; /* comparison: NULL is a value like others (IS [NOT] DISTINCT FROM) */
    uint8_t nargs;
    uint16_t dst, func;
    uint32_t aux;
    struct exprvm_operand a, b;
    struct type ta, tb, to; /* of a, b, dst */
};

struct exprvm_truths {
    uint64_t t, n; /* TRUE, NULL; never both */
};

struct exprvm_values {
    union {
        int64_t i[EXPRVM_BLOCK];
        double d[EXPRVM_BLOCK];
        struct str s[EXPRVM_BLOCK];
    };
    uint64_t n; /* NULL */
};

/* The constants of an IN: sorted numbers, or a dictionary of strings. Or a list. */
struct exprvm_set {
    struct type type;
    const struct list *list; /* IN LIST: of what is below only `since` is used */
    uint64_t since; /* expr.h list_since */
    bool has_null;
    unsigned n;
    struct value *sorted;
    struct dict *strings; /* of the set's own; freed with the machine */
    uint64_t *ids; /* bit per id of the job's dictionary, or NULL */
    unsigned nids;
};

struct exprvm_like;

struct exprvm {
    struct exprvm_insn *code;
    struct exprvm_operand result;
    struct type type;
    struct exprvm_operand *args;
    struct value *consts;
    struct exprvm_set *sets;
    struct exprvm_like **likes;
    struct func_regex **regexes;
    struct nav *navs;
    const struct expr **externals;
    unsigned ncode, nargs, nconsts, nsets, nlikes, nregexes, nnavs, nexternals, nvalues, ntruths;
    uint64_t dict_serial; /* 0: none */
    struct exprvm_truths *truths; /* of a block */
    struct exprvm_values *values; /* made when a batch first comes */
    bool has_values;
    struct func_value *row; /* of one row: values, then truths */
    struct arena *arena; /* all of the above but `values` */
    struct arena *scratch; /* strings made while a block is computed; made when first needed */
};

/* exprvm_build.c: code for e. */
void exprvm_build_code(struct exprvm *x, const struct expr *e, const struct dict *dict);

/* exprvm_block.c: rows [first, first + 64) of b; bits of those in `active` for which the result is TRUE. */
uint64_t exprvm_block_filter(struct exprvm *x, const struct batch *b, unsigned first,
                             uint64_t active);

/* exprvm_row.c: false: NULL. */
bool exprvm_row_eval(struct exprvm *x, const struct exprvm_env *env, union cell *out);

/* exprvm_arith.c: one operation of OP_NEG … OP_MOD; false: NULL. */
bool exprvm_arith(const struct exprvm_insn *in, union cell a, union cell b, union cell *out);
int exprvm_arith_compare_decimal(struct type ta, int64_t a, struct type tb, int64_t b);
/* v * 10^from at scale `to`, rounded half up (away from zero); false: more than 18 digits. */
bool exprvm_arith_rescale(__int128 v, unsigned from, unsigned to, int64_t *out);
bool exprvm_arith_fits(int64_t v,
                       struct type t); /* within DECIMAL's precision, TIMESTAMP's years */

/* exprvm_cast.c: false: NULL. Strings are made in `scratch`. */
bool exprvm_cast(struct type from, union cell in, struct type to, struct arena *scratch,
                 union cell *out);

/* exprvm_call.c: CONCAT, FUNC, LIKE of a computed pattern; false: NULL. */
bool exprvm_call(const struct exprvm_insn *in, const struct func_value *args, struct arena *scratch,
                 union cell *out);

/* Most texts are short: two loads that may overlap see all of up to 16 bytes, and memcmp's call is spared. */
static inline bool exprvm_same_text(struct str a, struct str b)
{
    uint64_t a1, a2, b1, b2;
    uint32_t x1, x2, y1, y2, n = a.n;
    if (n != b.n)
        return false;
    if (n > 16)
        return memcmp(a.p, b.p, n) == 0;
    if (n >= 8) {
        memcpy(&a1, a.p, 8);
        memcpy(&a2, a.p + n - 8, 8);
        memcpy(&b1, b.p, 8);
        memcpy(&b2, b.p + n - 8, 8);
        return ((a1 ^ b1) | (a2 ^ b2)) == 0;
    }
    if (n >= 4) {
        memcpy(&x1, a.p, 4);
        memcpy(&x2, a.p + n - 4, 4);
        memcpy(&y1, b.p, 4);
        memcpy(&y2, b.p + n - 4, 4);
        return ((x1 ^ y1) | (x2 ^ y2)) == 0;
    }
    return n == 0 || (a.p[0] == b.p[0] && a.p[n / 2] == b.p[n / 2] && a.p[n - 1] == b.p[n - 1]);
}

/* Does an order of `c` (<0, 0, >0) satisfy the condition? */
static inline bool exprvm_holds(unsigned cond, int c)
{
    switch (cond) {
    case COND_EQ:
        return c == 0;
    case COND_NE:
        return c != 0;
    case COND_LT:
        return c < 0;
    case COND_LE:
        return c <= 0;
    case COND_GT:
        return c > 0;
    default:
        return c >= 0;
    }
}

/* exprvm_set.c */
void exprvm_set_init(struct exprvm_set *s, const struct expr *in, const struct dict *dict,
                     struct arena *arena);
void exprvm_set_fini(struct exprvm_set *s);
/* c is not NULL. at: the place of the row that is tested; NULL: there is none, and a list is taken as it is now. */
struct list_at;
enum truth exprvm_set_has(const struct exprvm_set *s, union cell c, const struct list_at *at);

/* exprvm_like.c: a pattern made ready; NULL: it is not a pattern (the escape stands before what needs none). */
struct exprvm_like *exprvm_like_new(struct str pattern, struct str escape, struct arena *arena);
bool exprvm_like_matches(const struct exprvm_like *l, struct str text);

#endif
