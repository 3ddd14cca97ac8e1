/* SPDX-License-Identifier: Apache-2.0
 *
 * A rule's row conditions are taken apart as predindex does it, and each part (atom) is looked for in the other rules of
 * the stream: equal atoms are one, evaluated once a batch for all. */
#include "cep/jobprint.h"
#include "base/mem.h"
#include "cep/jobdef.h"
#include <string.h>
#include <strings.h>

enum { NAMES_SHOWN = 8 };

struct atoms { /* of one rule, each once */
    const struct expr **e;
    uint64_t *hashes;
    size_t n, cap, hashes_cap;
};

struct sharing { /* of one atom */
    unsigned n; /* other rules that have it */
    unsigned rules[NAMES_SHOWN]; /* the first of them */
};

static void add_atom(struct atoms *a, const struct expr *e)
{
    if (e == NULL)
        return;
    if (e->kind == EXPR_AND) {
        for (unsigned i = 0; i < e->nargs; i++)
            add_atom(a, e->args[i]);
        return;
    }
    if (e->kind == EXPR_CONST)
        return;
    uint64_t hash = expr_hash(e);
    for (size_t i = 0; i < a->n; i++)
        if (a->hashes[i] == hash && expr_same(a->e[i], e))
            return;
    a->e = mem_grow(a->e, a->n, 1, &a->cap, sizeof *a->e);
    a->hashes = mem_grow(a->hashes, a->n, 1, &a->hashes_cap, sizeof *a->hashes);
    a->e[a->n] = e;
    a->hashes[a->n++] = hash;
}

/* Of a rule about the rows of one of its streams. */
static struct atoms atoms_of(const struct jobdef_rule *r, unsigned stream)
{
    const struct rule_plan *p = r->pub.plan;
    struct atoms a = {0};
    if (r->stream == stream)
        add_atom(&a, p->where);
    for (unsigned v = 0; p->shape == RULE_MATCH && v < p->match.nvars; v++)
        add_atom(&a, p->match.vars[v].row);
    for (unsigned s = 0; p->shape == RULE_JOIN && s < 2; s++)
        if (r->side[s].stream == stream) {
            add_atom(&a, p->join.side[s].where);
            add_atom(&a, p->join.side[s].partner);
        }
    return a;
}

static bool reads(const struct jobdef_rule *r, unsigned stream)
{
    return r->stream == stream ||
           (r->pub.plan->shape == RULE_JOIN && r->side[JOIN_RIGHT].stream == stream);
}

static unsigned rules_of(const struct job *j, unsigned stream)
{
    unsigned n = 0;
    for (unsigned r = 0; r < j->nrules; r++)
        n += reads(&j->rules[r], stream);
    return n;
}

static void atoms_fini(struct atoms *a)
{
    mem_free(a->e);
    mem_free(a->hashes);
}

/* For each atom of the rule, the other rules of the stream that have it. */
static struct sharing *sharing_of(const struct job *j, unsigned rule, unsigned stream,
                                  const struct atoms *own)
{
    struct sharing *s = mem_array(own->n + 1, sizeof *s);
    for (unsigned r = 0; r < j->nrules; r++) {
        if (r == rule || !reads(&j->rules[r], stream))
            continue;
        struct atoms other = atoms_of(&j->rules[r], stream);
        for (size_t i = 0; i < own->n; i++)
            for (size_t k = 0; k < other.n; k++)
                if (own->hashes[i] == other.hashes[k] && expr_same(own->e[i], other.e[k])) {
                    if (s[i].n < NAMES_SHOWN)
                        s[i].rules[s[i].n] = r;
                    s[i].n++;
                    break;
                }
        atoms_fini(&other);
    }
    return s;
}

static const char *rule_name(const struct job *j, unsigned rule)
{
    return j->rules[rule].pub.plan->name;
}

/* --- text --- */

static void text_names(const struct job *j, const unsigned *rules, unsigned n, struct bytes *out)
{
    for (unsigned i = 0; i < n && i < NAMES_SHOWN; i++)
        bytes_printf(out, "%s%s", i > 0 ? ", " : "", rule_name(j, rules[i]));
    if (n > NAMES_SHOWN)
        bytes_printf(out, " and %u more", n - NAMES_SHOWN);
}

static void text_atoms(const struct job *j, unsigned stream, const struct atoms *a,
                       const struct sharing *s, struct bytes *out)
{
    const struct predindex *index = j->streams[stream].conditions;
    for (int shared = 1; shared >= 0; shared--)
        for (size_t i = 0; i < a->n; i++) {
            if ((s[i].n > 0) != shared)
                continue;
            bytes_printf(out, "    %-8s ", shared ? "shared" : "own");
            expr_print(a->e[i], j->streams[stream].schema, NULL, out);
            if (predindex_is_looked_up(index, a->e[i]))
                bytes_printf(out, "    (by look-up)");
            if (shared) {
                bytes_printf(out, "    with ");
                text_names(j, s[i].rules, s[i].n, out);
            }
            bytes_u8(out, '\n');
        }
}

static void text_columns(const char *label, const struct schema *s, const struct colset *set,
                         struct bytes *out)
{
    const char *comma = "";
    bytes_printf(out, "  %-10s ", label);
    for (unsigned c = 0; c < s->ncolumns; c++)
        if (colset_has(set, c)) {
            bytes_printf(out, "%s%s", comma, s->columns[c].name);
            comma = ", ";
        }
    bytes_printf(out, *comma ? "\n" : "nothing\n");
}

static void text_rule(const struct job *j, unsigned rule, unsigned of, const struct atoms *a,
                      const struct sharing *s, struct bytes *out)
{
    const struct jobdef_rule *r = &j->rules[rule];
    const struct jobdef_stream *stream = &j->streams[of];
    unsigned shared = 0, atoms = predindex_atoms(stream->conditions);
    for (size_t i = 0; i < a->n; i++)
        shared += s[i].n > 0;
    bytes_printf(out, "  rules      %u of stream %s\n", rules_of(j, of),
                 schema_rows(stream->schema)->name);
    bytes_printf(out, "  conditions %zu of this rule, %u shared; %u of all rules\n", a->n, shared,
                 atoms);
    text_atoms(j, of, a, s, out);
    if (r->keyed.plan != NULL && r->join == NULL) {
        const struct jobdef_key *k = &j->keys[r->keydef];
        bytes_printf(out, "  key        %s", k->key.n == 0 ? "none" : "");
        for (unsigned i = 0; i < k->key.n; i++)
            bytes_printf(out, "%s%s", i > 0 ? ", " : "", plan_key_part(&k->key, stream->schema, i));
        bytes_printf(out, ": rows are sent and ordered once for ");
        text_names(j, k->rules, k->nrules, out);
        bytes_u8(out, '\n');
    }
    text_columns("decoded", stream->schema, &stream->columns, out);
}

/* --- JSON --- */

static void json_names(const struct job *j, const unsigned *rules, unsigned n, struct bytes *out)
{
    bytes_u8(out, '[');
    for (unsigned i = 0; i < n && i < NAMES_SHOWN; i++) {
        if (i > 0)
            bytes_u8(out, ',');
        value_json_string(rule_name(j, rules[i]), strlen(rule_name(j, rules[i])), out);
    }
    bytes_u8(out, ']');
}

static void json_atoms(const struct job *j, unsigned of, const struct atoms *a,
                       const struct sharing *s, struct bytes *out)
{
    const struct jobdef_stream *stream = &j->streams[of];
    bytes_printf(out, ",\"conditions\":[");
    for (size_t i = 0; i < a->n; i++) {
        struct bytes text = {0};
        expr_print(a->e[i], stream->schema, NULL, &text);
        bytes_printf(out, "%s{\"text\":", i > 0 ? "," : "");
        value_json_string((const char *)text.p, text.n, out);
        bytes_printf(out, ",\"shared_by\":%u,\"with\":", s[i].n);
        json_names(j, s[i].rules, s[i].n, out);
        bytes_printf(out, ",\"look_up\":%s}",
                     predindex_is_looked_up(stream->conditions, a->e[i]) ? "true" : "false");
        bytes_fini(&text);
    }
    bytes_u8(out, ']');
}

static void json_rule(const struct job *j, unsigned rule, unsigned of, const struct atoms *a,
                      const struct sharing *s, struct bytes *out)
{
    const struct jobdef_rule *r = &j->rules[rule];
    const struct jobdef_stream *stream = &j->streams[of];
    const char *comma = "";
    bytes_printf(out, "\"rules\":%u,\"conditions_total\":%u", rules_of(j, of),
                 predindex_atoms(stream->conditions));
    json_atoms(j, of, a, s, out);
    bytes_printf(out, ",\"key_shared_by\":");
    if (r->keyed.plan != NULL && r->join == NULL)
        json_names(j, j->keys[r->keydef].rules, j->keys[r->keydef].nrules, out);
    else
        bytes_printf(out, "null");
    bytes_printf(out, ",\"decoded\":[");
    for (unsigned c = 0; c < stream->schema->ncolumns; c++)
        if (colset_has(&stream->columns, c)) {
            const char *name = stream->schema->columns[c].name;
            bytes_printf(out, "%s", comma);
            value_json_string(name, strlen(name), out);
            comma = ",";
        }
    bytes_printf(out, "]");
}

int jobprint_find(const struct job *j, const char *name)
{
    for (unsigned i = 0; i < j->nrules; i++)
        if (strcasecmp(rule_name(j, i), name) == 0)
            return (int)i;
    return -1;
}

static void print_stream(const struct job *j, unsigned rule, unsigned stream, bool json,
                         struct bytes *out)
{
    struct atoms a = atoms_of(&j->rules[rule], stream);
    struct sharing *s = sharing_of(j, rule, stream, &a);
    if (json)
        json_rule(j, rule, stream, &a, s, out);
    else
        text_rule(j, rule, stream, &a, s, out);
    mem_free(s);
    atoms_fini(&a);
}

void jobprint_rule(const struct job *j, unsigned rule, bool json, struct bytes *out)
{
    const struct jobdef_rule *r = &j->rules[rule];
    bool two = r->join != NULL && r->side[JOIN_RIGHT].stream != r->stream;
    bytes_printf(out, json ? "{" : "");
    print_stream(j, rule, r->stream, json, out);
    bytes_printf(out, json && two ? ",\"joined\":{" : "");
    if (two)
        print_stream(j, rule, r->side[JOIN_RIGHT].stream, json, out);
    bytes_printf(out, json ? (two ? "}}" : "}") : "");
}
