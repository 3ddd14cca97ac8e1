/* SPDX-License-Identifier: Apache-2.0 */
#include "server/evalexplain.h"
#include "cep/nfa.h"
#include "rules/compile.h"
#include <string.h>

static void put_automaton(const struct rule_plan *p, enum nfa_format f, struct bytes *out)
{
    struct nfa *nfa = NULL;
    if (p->shape != RULE_MATCH || nfa_build(&p->match, NULL, &nfa) != ERR_OK)
        return;
    nfa_print(nfa, p, f, out);
    nfa_free(nfa);
}

static void end_line(struct bytes *out)
{
    if (out->n > 0 && out->p[out->n - 1] != '\n')
        bytes_u8(out, '\n');
}

void evalexplain_rule(const struct rule_plan *p, const char *format, struct bytes *out)
{
    if (format && strcmp(format, "JSON") == 0) {
        size_t before;
        bytes_printf(out, "{\"plan\":");
        compile_explain(p, EXPLAIN_JSON, out);
        bytes_printf(out, ",\"nfa\":");
        before = out->n;
        put_automaton(p, NFA_JSON, out);
        bytes_printf(out, out->n == before ? "null}\n" : "}\n");
        return;
    }
    if (format && strcmp(format, "DOT") == 0) {
        put_automaton(p, NFA_DOT, out);
        end_line(out);
        return;
    }
    compile_explain(p, EXPLAIN_TEXT, out);
    end_line(out);
    put_automaton(p, NFA_TEXT, out);
    end_line(out);
}
