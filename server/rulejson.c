/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rulejson.h"
#include "cep/nfa.h"
#include "server/jsonw.h"

const char *rulejson_kind(const struct rule_plan *p)
{
    switch (p->shape) {
    case RULE_FILTER:
        return "filter";
    case RULE_WINDOW:
        return "window";
    case RULE_OVER:
        return "over";
    case RULE_JOIN:
        return "join";
    default:
        return "pattern";
    }
}

void rulejson_shape(struct bytes *out, const struct rule_plan *p)
{
    jsonw_kstr(out, "kind", rulejson_kind(p));
    jsonw_kstr(out, "stream", p->input->name);
    jsonw_key(out, "keys");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < p->key.n; i++)
        jsonw_str(out, p->input->columns[p->key.columns[i]].name);
    jsonw_close(out, ']');
}

/* Both halves of a DEFINE: what reads the row alone, and what reads the match so far. */
static void write_define(struct bytes *out, const struct rule_plan *p, const struct match_var *v)
{
    struct bytes text = {0};
    if (v->row)
        expr_print(v->row, p->input, p->match.var_names, &text);
    if (v->row && v->path)
        bytes_printf(&text, " AND ");
    if (v->path)
        expr_print(v->path, p->input, p->match.var_names, &text);
    jsonw_key(out, "define");
    if (text.n)
        jsonw_strn(out, (const char *)text.p, text.n);
    else
        jsonw_null(out); /* always true */
    bytes_fini(&text);
}

void rulejson_parts(struct bytes *out, const struct rule_plan *p)
{
    char type[32];
    jsonw_key(out, "variables");
    jsonw_open(out, '[');
    for (unsigned i = 0; p->shape == RULE_MATCH && i < p->match.nvars; i++) {
        jsonw_open(out, '{');
        jsonw_kstr(out, "name", p->match.vars[i].name);
        write_define(out, p, &p->match.vars[i]);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
    jsonw_key(out, "outputs");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < p->noutputs; i++) {
        jsonw_open(out, '{');
        jsonw_kstr(out, "name", p->outputs[i].name);
        jsonw_kstr(out, "type", schema_type_name(p->outputs[i].type, type));
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
}

void rulejson_nfa(struct bytes *out, const struct rule_plan *p)
{
    struct nfa *n = NULL;
    if (p->shape != RULE_MATCH || nfa_build(&p->match, NULL, &n) != ERR_OK) {
        jsonw_null(out);
        return;
    }
    nfa_print(n, p, NFA_JSON, out);
    nfa_free(n);
}
