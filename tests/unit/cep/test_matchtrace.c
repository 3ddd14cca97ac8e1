/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/match/matchtrace.h"
#include "tests/lib/matchrig.h"

enum { LETTERS_MAX = 200 };

/* Rows are letters, a second apart; `:` before a letter: it is late. */
static char *traced(struct rule_plan *plan, const char *letters, evtime now, int focus)
{
    struct colset all = {{(1u << PAY_COLUMNS) - 1}};
    struct batch *b = batch_new(plan->input, &all);
    struct why_row rows[LETTERS_MAX];
    struct bytes key = {0}, out = {0};
    unsigned n = 0;
    bool late = false;
    for (const char *at = letters; *at != '\0'; at++) {
        char status[2] = {*at, '\0'};
        if (*at == ':') {
            late = true;
            continue;
        }
        rig_add(b, &(struct pay){.offset = n,
                                 .ts = (evtime)n * S,
                                 .card = "c",
                                 .amount = n * 100,
                                 .status = status});
        rows[n] = (struct why_row){.b = b, .i = n, .late = late};
        late = false;
        n++;
    }
    const struct value card = {.type = STRING, .c.s = {"c", 1, 0}};
    value_key(&card, &key);
    struct why_ask ask = {.plan = plan,
                          .key = key.p,
                          .key_n = key.n,
                          .now = now,
                          .steps = LETTERS_MAX,
                          .has_focus = focus >= 0,
                          .offset = (uint64_t)focus};
    bytes_u8(&out, '{');
    matchtrace_run(&ask, rows, n, &out);
    bytes_u8(&out, '}');
    bytes_u8(&out, 0);
    bytes_fini(&key);
    batch_unref(b);
    return (char *)out.p;
}

static const char *between(const char *text, const char *from, const char *to)
{
    static char out[4][64];
    static unsigned turn;
    char *o = out[turn++ % 4];
    const char *at = strstr(text, from), *end = at != NULL ? strstr(at + strlen(from), to) : NULL;
    if (end == NULL)
        return "";
    snprintf(o, sizeof out[0], "%.*s", (int)(end - at - (int)strlen(from)), at + strlen(from));
    return o;
}

/* "kind event variable" of the verdict. */
static void says(struct rule_plan *plan, const char *letters, int focus, const char *text)
{
    char got[256];
    char *json = traced(plan, letters, 1000 * S, focus);
    const char *event = strstr(json, "\"event\":");
    snprintf(got, sizeof got, "%s %s %s%s%s", between(json, "\"kind\":\"", "\""),
             strncmp(event, "\"event\":null", 12) == 0 ? "-" : between(event, "\"offset\":", ","),
             between(event, "\"variable\":", ","),
             strstr(json, "\"late_by_ms\":") != NULL ? " late by " : "",
             between(json, "\"late_by_ms\":", ","));
    assert_string_equal(got, text);
    mem_free(json);
}

static struct pattern *abc(enum contiguity how)
{
    return GROUP(SEQ, NEXT, var(STRICT, 0), var(how, 1), var(how, 2));
}

static struct rule_plan *plan_of(struct pattern *p, int64_t within_s, enum skip_kind skip)
{
    return matches_plan(pay_stream(1, 0), p, within_s, skip, 0);
}

static void the_nearest_miss_is_the_time_a_condition_or_a_row_that_was_not_to_come(void **state)
{
    (void)state;
    struct rule_plan *p = plan_of(abc(LATER), 5, SKIP_NONE);
    says(p, "abxxxxxc", -1, "time 7 \"C\" late by 2000");
    says(p, "abxxc", -1, "matched 4 null");
    says(p, "abxxx", -1, "condition 4 \"C\"");
    says(p, "axxx", -1, "condition 3 \"B\"");
    says(p, "xxx", -1, "nothing-began 2 \"A\"");
    says(p, "", -1, "no-events - null");
    struct rule_plan *strict = plan_of(abc(STRICT), 5, SKIP_NONE);
    says(strict, "abxc", -1, "next 2 \"C\"");
    struct pattern *never = var(LATER, 3);
    never->negated = true;
    struct rule_plan *not =
        plan_of(GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1), never, var(LATER, 2)), 50,
                SKIP_NONE);
    says(not, "abxdc", -1, "not 3 \"D\"");
}

static void a_question_about_one_event_is_answered_for_it(void **state)
{
    (void)state;
    struct rule_plan *p = plan_of(abc(LATER), 5, SKIP_NONE);
    says(p, "abcabxx", 2, "matched 2 null");
    says(p, "abcabxx", 5, "condition 5 \"C\"");
    says(p, "abxxxxxcabc", 7, "time 7 \"C\" late by 2000");
    says(p, "ab:cx", 2, "late 2 null");
    says(p, "abx", 9, "unknown-event - null");
}

/* Places of all matches and timeouts, in the order of a trace. */
static void results_of(const char *json, char *out, size_t n)
{
    size_t at = 0;
    out[0] = '\0';
    for (const char *p = json; (p = strstr(p, "\"rows\":[{\"partition\"")) != NULL; p++) {
        const char *kind = p;
        while (strncmp(kind, "{\"kind\":", 8) != 0)
            kind--;
        at += (size_t)snprintf(out + at, n - at, "%s%s", at > 0 ? " " : "",
                               strncmp(kind + 9, "match", 5) == 0 ? "" : "?");
        for (const char *o = p; *o != ']'; o++)
            if (strncmp(o, "\"offset\":", 9) == 0)
                at += (size_t)snprintf(out + at, n - at, ".%d", atoi(o + 9));
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "A0B2 ?A3" to ".0.2 ?.3", sorted. */
static void sorted(const char *text, char *out)
{
    char *words[512], copy[8192], *save = NULL;
    unsigned n = 0;
    size_t at = 0;
    for (size_t i = 0; i <= strlen(text); i++)
        copy[i] = text[i] >= 'A' && text[i] <= 'H' ? '.' : text[i];
    for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
        words[n++] = w;
    qsort(words, n, sizeof *words, by_text);
    out[0] = '\0';
    for (unsigned i = 0; i < n; i++)
        at += (size_t)sprintf(out + at, "%s ", words[i]);
}

static void a_trace_finds_what_the_rule_finds(void **state)
{
    (void)state;
    struct rig dice = {.random = 7};
    struct pattern *never = var(LATER, 3);
    never->negated = true;
    struct pattern *patterns[] = {
        abc(LATER),
        abc(STRICT),
        abc(ANY),
        GROUP(SEQ, NEXT, times(var(STRICT, 0), 1, MANY, LATER, false), var(LATER, 1)),
        GROUP(SEQ, NEXT, times(var(STRICT, 0), 1, 3, STRICT, true), var(LATER, 1)),
        GROUP(SEQ, NEXT, var(STRICT, 0), var(LATER, 1), never, var(LATER, 2)),
        GROUP(SEQ, NEXT, var(STRICT, 0), never),
    };
    const enum skip_kind skips[] = {SKIP_NONE, SKIP_TO_NEXT, SKIP_PAST_LAST};
    for (unsigned turn = 0; turn < 200; turn++) {
        char letters[24] = "", found[8192], a[8192], b[8192];
        unsigned n = 1 + rig_random(&dice, 20);
        for (unsigned i = 0; i < n; i++)
            letters[i] = (char)('a' + (int)rig_random(&dice, 5));
        struct pattern *p = patterns[turn % 7];
        enum skip_kind skip = skips[rig_random(&dice, 3)];
        struct rule_plan *plan = plan_of(p, 6, skip);
        char *json = traced(plan, letters, EVTIME_MAX, -1);
        results_of(json, found, sizeof found);
        sorted(found, a);
        sorted(matches(p, 6, skip, 0, letters), b);
        assert_string_equal(a, b);
        mem_free(json);
    }
}

static void each_step_says_what_held_and_what_is_there(void **state)
{
    (void)state;
    struct rule_plan *p = plan_of(ab(LATER), 5, SKIP_NONE);
    char *json = traced(p, "axb", 1000 * S, -1);
    assert_non_null(
        strstr(json,
               "\"tries\":[{\"partial\":0,\"variable\":\"B\",\"kind\":\"take\",\"holds\":false,"
               "\"conditions\":[{\"text\":\"status = 'b'\",\"true\":false,\"values\":[{\"of\":"
               "\"status\",\"value\":\"x\"}]}]}"));
    assert_non_null(strstr(json, "\"active\":[{\"partial\":0,\"state\":1,"));
    assert_non_null(strstr(json, "\"ended\":[{\"partial\":0,\"why\":\"matched\""));
    assert_non_null(strstr(json, "\"results\":[{\"kind\":\"match\""));
    mem_free(json);
}

/* Every set of a's: what is followed is bounded, and what the rule may keep of a key is bounded for the trace, too. */
static void a_pattern_that_explodes_is_followed_as_far_as_there_is_room(void **state)
{
    (void)state;
    struct rule_plan *p =
        plan_of(GROUP(SEQ, NEXT, times(var(STRICT, 0), 1, MANY, ANY, true), var(LATER, 1)), 500,
                SKIP_NONE);
    char letters[LETTERS_MAX] = "";
    memset(letters, 'a', 150);
    p->limits.partials = 300;
    char *json = traced(p, letters, 1000 * S, -1);
    assert_non_null(strstr(json, "\"cut_off\":true"));
    assert_true(strlen(json) < 32 << 20);
    mem_free(json);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(the_nearest_miss_is_the_time_a_condition_or_a_row_that_was_not_to_come),
              EXPRTREE_TEST(a_question_about_one_event_is_answered_for_it),
              EXPRTREE_TEST(a_trace_finds_what_the_rule_finds),
              EXPRTREE_TEST(each_step_says_what_held_and_what_is_there),
              EXPRTREE_TEST(a_pattern_that_explodes_is_followed_as_far_as_there_is_room));
}
