/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/explainrule.h"
#include "cep/jobprint.h"
#include "cep/match/nfa.h"
#include "cep/window/windowprog.h"
#include "rules/explain.h"
#include "rules/explainjoin.h"
#include "rules/explainlookup.h"
#include "rules/explainover.h"
#include "rules/explainstate.h"
#include "rules/explainwindow.h"
#include "rules/replay.h"
#include <inttypes.h>
#include <string.h>

/* --- state ------------------------------------------------------------------------------------ */

static void put_rows(uint32_t rows, struct bytes *out)
{
    if (rows == UINT32_MAX)
        bytes_printf(out, "as many rows as fit");
    else
        bytes_printf(out, "at most %" PRIu32 " row%s", rows, rows == 1 ? "" : "s");
}

static void match_state(const struct match_plan *m, struct bytes *out)
{
    struct explainstate s = explainstate_of(m);
    switch (s.kind) {
    case EXPLAINSTATE_ROWS:
        if (s.rows < 2)
            bytes_printf(out, "a key keeps nothing: a match is of one row");
        else
            bytes_printf(out,
                         "a key keeps at most its last %" PRIu32
                         " rows, which directly follow each other",
                         s.rows - 1);
        return;
    case EXPLAINSTATE_STEPS:
    case EXPLAINSTATE_TIME:
        bytes_printf(out, "a key keeps what began in the last ");
        explain_duration(s.ms, out);
        bytes_printf(out, ": of each partial match ");
        put_rows(s.rows, out);
        break;
    default:
        bytes_printf(out, s.kind == EXPLAINSTATE_LOOP
                              ? "unbounded: add WITHIN, or an upper bound to "
                              : "unbounded: add WITHIN, a partial match may wait for ever for ");
        explain_pattern(s.culprit, m->var_names, out);
    }
    if (s.combinations != NULL) {
        bytes_printf(out, "; every combination of rows of ");
        explain_pattern(s.combinations, m->var_names, out);
        bytes_printf(out, " is a partial match");
    }
}

void explainrule_state(const struct rule_plan *p, struct bytes *out)
{
    if (p->shape == RULE_MATCH)
        match_state(&p->match, out);
    else if (p->shape == RULE_WINDOW)
        explainwindow_state(p, out);
    else if (p->shape == RULE_FILTER)
        bytes_printf(out, "none: each row is decided by itself");
    else if (p->shape == RULE_JOIN)
        explainjoin_state(p, out);
    else
        explainover_state(p, out);
}

/* Which rows of the log decide what the rule keeps. */
static void put_replay(const struct rule_plan *p, struct bytes *out)
{
    int64_t ms = -1;
    if (p->shape == RULE_FILTER) {
        bytes_printf(out, "nothing to rebuild; results told before are not told again");
        return;
    }
    if (p->shape == RULE_WINDOW)
        ms = explainwindow_ms(&p->window);
    if (p->shape == RULE_OVER)
        ms = explainover_ms(p);
    if (p->shape == RULE_JOIN)
        ms = explainjoin_ms(p);
    if (p->shape == RULE_MATCH) {
        struct explainstate s = explainstate_of(&p->match);
        if (s.kind == EXPLAINSTATE_ROWS) {
            if (s.rows < 2)
                bytes_printf(out, "nothing to rebuild");
            else
                bytes_printf(out, "the last %" PRIu32 " rows of a key decide its state",
                             s.rows - 1);
            return;
        }
        ms = s.kind == EXPLAINSTATE_TIME || s.kind == EXPLAINSTATE_STEPS ? s.ms : -1;
    }
    if (ms < 0) {
        bytes_printf(out, "all rows since the rule began decide its state");
        return;
    }
    bytes_printf(out, "rows of the last ");
    explain_duration(ms, out);
    bytes_printf(out, " before the watermark decide its state");
}

const char *explainrule_endless(const struct match_plan *m, struct arena *arena,
                                const struct pattern **culprit, const char **hint)
{
    struct explainstate s = explainstate_of(m);
    struct bytes text = {0};
    *hint = "add WITHIN INTERVAL '10' MINUTE after the pattern";
    *culprit = s.culprit;
    if (s.kind == EXPLAINSTATE_WAIT) {
        bytes_printf(&text, "without WITHIN a partial match waits for ever for ");
        explain_pattern(s.culprit, m->var_names, &text);
        if (m->skip != SKIP_NONE)
            bytes_printf(&text, ", and holds back matches that begin later");
    } else if (s.kind == EXPLAINSTATE_LOOP) {
        bytes_printf(&text, m->skip == SKIP_NONE
                                ? "NO SKIP over a loop: from each row on, the loop "
                                : "the loop ");
        explain_pattern(s.culprit, m->var_names, &text);
        bytes_printf(&text, " has no bound: its rows are kept as long as rows fit");
        *hint = "add WITHIN INTERVAL '10' MINUTE after the pattern, or give the loop an upper "
                "bound, as in A{1,100}";
    } else if (s.combinations != NULL) {
        *culprit = s.combinations;
        explain_pattern(s.combinations, m->var_names, &text);
        bytes_printf(&text, " with NO SKIP makes a partial match of every combination of rows: 2^n "
                            "of n rows");
        *hint = "take -> instead of ->>, or give the loop an upper bound, as in A->>{1,3}";
    }
    const char *said = text.n > 0 ? arena_dup(arena, text.p, text.n) : NULL;
    bytes_fini(&text);
    return said;
}

/* --- formats ---------------------------------------------------------------------------------- */

/* False: not a pattern. */
static bool put_automaton(const struct rule_plan *p, enum nfa_format f, struct bytes *out)
{
    struct nfa *nfa = NULL;
    if (p->shape != RULE_MATCH || nfa_build(&p->match, NULL, &nfa) != ERR_OK)
        return false;
    nfa_print(nfa, p, f, out);
    nfa_free(nfa);
    return true;
}

static void indent(struct bytes *out, size_t from)
{
    struct bytes text = {0};
    bool begins = true;
    bytes_put(&text, out->p + from, out->n - from);
    out->n = from;
    for (size_t i = 0; i < text.n; i++) {
        if (begins)
            bytes_printf(out, "  ");
        bytes_u8(out, text.p[i]);
        begins = text.p[i] == '\n';
    }
    bytes_fini(&text);
}

static void print_text(const struct rule_plan *p, const struct job *job, int rule,
                       struct bytes *out)
{
    explain_plan(p, false, out);
    bytes_printf(out, "state\n  bound      ");
    explainrule_state(p, out);
    bytes_printf(out, "\n  waits      ");
    if (p->shape == RULE_FILTER) {
        bytes_printf(out, "for nothing: late rows count too");
    } else if (p->shape == RULE_JOIN) {
        explainjoin_waits(p, out);
    } else if (windowprog_by_arrival(p)) {
        bytes_printf(out, "for nothing: rows count as they arrive");
    } else if (p->input->time == TIME_PROCESSING) {
        bytes_printf(out, "for the clock, which is the watermark");
    } else {
        bytes_printf(out, "for the watermark, ");
        explain_duration(p->input->delay_ms, out);
        bytes_printf(out, p->input->time == TIME_INGESTION ? " behind the last arrival"
                                                           : " behind the newest row");
        if (p->input->idle_timeout_ms > 0) {
            bytes_printf(out, "; silent for ");
            explain_duration(p->input->idle_timeout_ms, out);
            bytes_printf(out, ", it goes on by the clock");
        }
    }
    explainlookup_waits(p, out);
    bytes_printf(out, "\n  replay     ");
    put_replay(p, out);
    if (replay_differs(p) != NULL)
        bytes_printf(out, "; it may give other results: %s", replay_differs(p));
    bytes_printf(out, "\n");
    if (p->shape == RULE_MATCH) {
        bytes_printf(out, "automaton\n");
        size_t from = out->n;
        (void)put_automaton(p, NFA_TEXT, out);
        indent(out, from);
    }
    if (rule >= 0) {
        bytes_printf(out, "merged plan\n");
        jobprint_rule(job, (unsigned)rule, false, out);
    }
}

static void json_text(const char *key, struct bytes *text, struct bytes *out)
{
    bytes_printf(out, "\"%s\":", key);
    value_json_string((const char *)text->p, text->n, out);
    bytes_fini(text);
}

static void print_json(const struct rule_plan *p, const struct job *job, int rule,
                       struct bytes *out)
{
    struct bytes state = {0}, replay = {0};
    bool bounded = true;
    if (p->shape == RULE_MATCH) {
        struct explainstate s = explainstate_of(&p->match);
        bounded = s.kind != EXPLAINSTATE_LOOP && s.kind != EXPLAINSTATE_WAIT;
    }
    if (p->shape == RULE_WINDOW)
        bounded = explainwindow_is_bounded(p);
    bytes_printf(out, "{\"plan\":");
    explain_plan(p, true, out);
    bytes_printf(out, ",\"nfa\":");
    if (!put_automaton(p, NFA_JSON, out))
        bytes_printf(out, "null");
    explainrule_state(p, &state);
    put_replay(p, &replay);
    bytes_printf(out, ",\"state\":{\"bounded\":%s,", bounded ? "true" : "false");
    json_text("bound", &state, out);
    bytes_u8(out, ',');
    json_text("replay", &replay, out);
    if (replay_differs(p) != NULL) {
        struct bytes why = {0};
        bytes_printf(&why, "%s", replay_differs(p));
        bytes_u8(out, ',');
        json_text("replay_differs", &why, out);
    }
    bytes_printf(out, ",\"watermark_delay_ms\":%" PRId64 "},\"merged\":", p->input->delay_ms);
    if (rule >= 0)
        jobprint_rule(job, (unsigned)rule, true, out);
    else
        bytes_printf(out, "null");
    bytes_printf(out, "}\n");
}

/* A node with a label of two lines, and the edge from the node before. */
static void dot_node(unsigned *n, const char *title, struct bytes *text, struct bytes *out)
{
    struct bytes label = {0};
    bytes_printf(&label, "%s", title);
    if (text->n > 0)
        bytes_printf(&label, "\n%.*s", (int)text->n, text->p);
    bytes_printf(out, "  n%u [label=", *n);
    value_json_string((const char *)label.p, label.n, out);
    bytes_printf(out, "];\n");
    if (*n > 0)
        bytes_printf(out, "  n%u -> n%u;\n", *n - 1, *n);
    ++*n;
    bytes_fini(&label);
    bytes_reset(text);
}

/* A rule without an automaton is a line of steps. */
static void print_steps(const struct rule_plan *p, struct bytes *out)
{
    struct bytes text = {0};
    unsigned n = 0;
    bytes_printf(out, "digraph plan {\n  rankdir=LR;\n  node [shape=box];\n");
    bytes_printf(&text, "%s", schema_rows(p->input)->name);
    dot_node(&n, "stream", &text, out);
    if (p->where != NULL) {
        expr_print(p->where, p->input, NULL, &text);
        dot_node(&n, "where", &text, out);
    }
    for (unsigned i = 0; i < p->key.n; i++)
        bytes_printf(&text, "%s%s", i > 0 ? ", " : "", plan_key_name(p, i));
    if (p->key.n > 0)
        dot_node(&n, "key", &text, out);
    if (p->shape == RULE_WINDOW) {
        explainwindow_kind(&p->window, &text);
        dot_node(&n, "window", &text, out);
        if (p->window.having != NULL) {
            expr_print(p->window.having, p->input, NULL, &text);
            dot_node(&n, "having", &text, out);
        }
    }
    for (unsigned i = 0; p->shape == RULE_OVER && i < p->over.ncalls; i++) {
        explainover_call(p, i, &text);
        dot_node(&n, "over", &text, out);
    }
    if (p->shape == RULE_JOIN) {
        bytes_printf(&text, "with %s, ", p->join.side[JOIN_RIGHT].schema->name);
        explainjoin_bounds(&p->join, &text);
        dot_node(&n, p->join.outer ? "left join" : "join", &text, out);
    }
    bytes_printf(&text, "%s", p->name);
    dot_node(&n, "result", &text, out);
    bytes_printf(out, "}\n");
    bytes_fini(&text);
}

void explainrule_print(const struct rule_plan *p, const struct job *job, enum explainrule_format f,
                       struct bytes *out)
{
    int rule = job != NULL ? jobprint_find(job, p->name) : -1;
    if (f == EXPLAINRULE_TEXT)
        print_text(p, job, rule, out);
    else if (f == EXPLAINRULE_JSON)
        print_json(p, job, rule, out);
    else if (!put_automaton(p, NFA_DOT, out))
        print_steps(p, out);
}
