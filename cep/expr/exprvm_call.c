/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "cep/expr/exprvm_code.h"

static bool concat(const struct func_value *args, unsigned n, struct arena *scratch,
                   union cell *out)
{
    size_t total = 0;
    for (unsigned i = 0; i < n; i++) {
        if (args[i].null)
            return false;
        total += args[i].c.s.n;
    }
    if (total > FUNC_TEXT_MAX)
        return false;
    char *text = arena_alloc(scratch, total + 1), *at = text;
    for (unsigned i = 0; i < n; i++) {
        if (args[i].c.s.n > 0)
            memcpy(at, args[i].c.s.p, args[i].c.s.n);
        at += args[i].c.s.n;
    }
    out->s = (struct str){text, (uint32_t)total, 0};
    return true;
}

static bool like(const struct func_value *args, unsigned n, struct arena *scratch, union cell *out)
{
    struct str escape = {"", 0, 0};
    for (unsigned i = 0; i < n; i++)
        if (args[i].null)
            return false;
    if (n > 2)
        escape = args[2].c.s;
    const struct exprvm_like *l = exprvm_like_new(args[1].c.s, escape, scratch);
    if (l == NULL)
        return false;
    out->i = exprvm_like_matches(l, args[0].c.s);
    return true;
}

bool exprvm_call(const struct exprvm_insn *in, const struct func_value *args, struct arena *scratch,
                 union cell *out)
{
    switch (in->op) {
    case OP_CONCAT:
        return concat(args, in->nargs, scratch, out);
    case OP_LIKE_ANY:
        return like(args, in->nargs, scratch, out);
    case OP_FUNC:
        return func_call(in->func, in->to, args, in->nargs, scratch, out);
    default:
        bug_abort(__FILE__, __LINE__, "a call of kind %d", in->op);
    }
}
