/* SPDX-License-Identifier: Apache-2.0 */
/* matchrig.h - a pattern over rows that are letters: what it finds, as text. */
#ifndef WEIR_TESTS_LIB_MATCHRIG_H
#define WEIR_TESTS_LIB_MATCHRIG_H
#include "cep/match/match.h"
#include "cep/match/matchrun.h"
#include "tests/lib/snaprig.h"

/* Rows are letters, a second apart, of one card; variable A takes rows `a`, and so on; amounts count from 0. */
enum { S = 1000, MANY = UINT32_MAX };
#define STRICT CONTIGUITY_NEXT
#define LATER CONTIGUITY_FOLLOWED
#define ANY CONTIGUITY_ANY

static const struct expr *paths[8]; /* more conditions, by variable */
static bool b_or_a; /* B takes rows `a` too */
static bool each_step; /* the time is that of each step */
static enum rows_kind all_rows; /* how many results a match gives */
static bool input_ends; /* the compiler knew that */
static unsigned ngives; /* more than 0: what is told of a result is their values */
static const struct expr *gives[4];
static struct task_options limits = {.workers = 1,
                                     .key_groups = 1,
                                     .max_ordering_rows = SIZE_MAX / 2,
                                     .max_partials_per_key = SIZE_MAX / 2};
static struct task_stats stats; /* after the last run, before its end */

/* The values of each result, in ( ) if it has several. */
static inline const char *values_of_results(struct rig *r, char *out, size_t n)
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < r->n; i++) {
        const char *from = strstr(r->lines[i], " = ") + 3, *to = strrchr(r->lines[i], ' ');
        bool several = memchr(from, ',', (size_t)(to - from)) != NULL;
        at += (size_t)snprintf(out + at, n - at, "%s%s%.*s%s", at > 0 ? " " : "",
                               several ? "(" : "", (int)(to - from), from, several ? ")" : "");
    }
    return out;
}

static inline const char *rows_of_results(struct rig *r, char *out, size_t n)
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < r->n; i++) {
        const char *kind = strstr(r->lines[i], " match") != NULL   ? ""
                           : strstr(r->lines[i], " error") != NULL ? "!"
                                                                   : "?";
        char rows[2048] = "", *line = mem_str(r->lines[i]), *save = NULL;
        for (char *word = strtok_r(line, " ", &save); word != NULL;
             word = strtok_r(NULL, " ", &save)) {
            unsigned partition, offset;
            int var;
            if (sscanf(word, "%d:%u/%u", &var, &partition, &offset) == 3)
                snprintf(rows + strlen(rows), sizeof rows - strlen(rows), "%c%u",
                         var < 0 ? '-' : 'A' + var, offset);
        }
        at += (size_t)snprintf(out + at, n - at, "%s%s%s", at > 0 ? " " : "", kind, rows);
        mem_free(line);
    }
    return out;
}

static inline struct rule_plan *matches_plan(const struct schema *s, struct pattern *p,
                                             int64_t within_s, enum skip_kind skip,
                                             uint64_t skip_vars)
{
    struct match_var vars[8];
    for (unsigned v = 0; v < 8; v++) {
        char letter[2] = {(char)('a' + (int)v), '\0'}, name[2] = {(char)('A' + (int)v), '\0'};
        const struct expr *text = str(arena_str(trees, letter));
        vars[v] = (struct match_var){arena_str(trees, name),
                                     b_or_a && v == 1 ? IS(LE, column(PAY_STATUS), text)
                                                      : IS(EQ, column(PAY_STATUS), text),
                                     paths[v]};
    }
    struct rule_plan *plan =
        match_new_plan("m", s, p, within_s < 0 ? -1 : within_s * S, skip, 8, vars);
    plan->match.skip_vars = skip_vars;
    plan->match.within_each_step = each_step;
    plan->match.rows = all_rows;
    plan->match.bounded = input_ends;
    if (ngives == 0)
        PLAN_GIVES(plan, agg_of(AGG_COUNT_STAR, BIGINT, ~UINT64_C(0), NULL));
    else
        plan_gives(plan, ngives, gives);
    plan_by(plan, PAY_CARD);
    assert_ok(matchcheck_plan(plan, NULL));
    return plan;
}

static inline void feed_letter(struct rig *r, unsigned i, char letter)
{
    char status[2] = {letter, '\0'};
    struct pay row = {.offset = i, .ts = i * S, .card = "c", .amount = i * 100, .status = status};
    assert_ok(rig_feed(r, &row, 1));
    rig_settle(r);
}

/* What becomes of the state after each row. */
enum matches_way { STAYS, THROUGH_SNAPSHOTS, OUT_AND_IN, MATCHES_WAYS };

static inline void matches_by(enum matches_way way, struct rule_plan *plan, const char *letters,
                              char *out, size_t n)
{
    struct rig r = {.workers = 1, .schema = plan->input};
    r.lines = mem_array(RIG_LINES, sizeof(char *));
    r.tasks[0] = task_new(&limits);
    tasksnap_track(r.tasks[0]);
    rig_job(&r, &(struct job_rule){.plan = plan, .uid = 1}, 1);
    task_source_open(r.tasks[0], r.schema->id, 0, EVTIME_MIN);
    for (unsigned i = 0; letters[i] != '\0'; i++) {
        feed_letter(&r, i, letters[i]);
        if (way == THROUGH_SNAPSHOTS)
            snap_rig(&r, &limits);
        else if (way == OUT_AND_IN)
            snap_each_out_and_in(r.tasks[0]);
    }
    if (way == STAYS)
        task_stats(r.tasks[0], &stats);
    rig_end(&r);
    (ngives > 0 ? values_of_results : rows_of_results)(&r, out, n);
    rig_stop(&r);
}

/* What the pattern finds: the rows of each match, ? before a timeout, ! before an error. It finds the same when its state
 * goes through snapshots. */
static inline const char *matches(struct pattern *p, int64_t within_s, enum skip_kind skip,
                                  uint64_t skip_vars, const char *letters)
{
    static char out[4096];
    struct rule_plan *plan = matches_plan(pay_stream(1, 0), p, within_s, skip, skip_vars);
    matches_by(STAYS, plan, letters, out, sizeof out);
    for (enum matches_way way = THROUGH_SNAPSHOTS; way < MATCHES_WAYS && strlen(letters) < 400;
         way++) {
        char again[sizeof out];
        matches_by(way, plan, letters, again, sizeof again);
        assert_string_equal(again, out);
    }
    return out;
}

static inline struct pattern *ab(enum contiguity how)
{
    return GROUP(SEQ, NEXT, var(STRICT, 0), var(how, 1));
}

#endif
