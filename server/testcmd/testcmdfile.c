/* SPDX-License-Identifier: Apache-2.0
 *
 * One word of look-ahead, two where a name may begin a `name = value` or the next step. What is wrong is said once; the
 * parser goes on after the next `;`. */
#include "server/testcmd/testcmdfile.h"
#include "base/arena.h"
#include "base/mem.h"
#include "rules/compile.h"
#include "server/testcmd/testcmdtext.h"
#include <string.h>

enum { BLOCK = 16 << 10 };

struct parser {
    struct testcmdtext text;
    struct testcmdtext_word w, after; /* the word at hand, and the next */
    struct diag *d;
    struct testcmdfile *f;
    const struct testcmdfile_default *defaults;
    bool created; /* a CREATE has been seen */
};

static void advance(struct parser *p)
{
    p->w = p->after;
    p->after = testcmdtext_next(&p->text);
}

static void restart(struct parser *p)
{
    p->after = testcmdtext_next(&p->text);
    advance(p);
}

static bool fail(struct parser *p, const char *hint, const char *expected)
{
    int n = p->w.n < 40 ? (int)p->w.n : 40;
    if (p->w.kind == TESTCMDTEXT_OPEN)
        diag_error(p->d, "syntax", p->w.at, NULL, "what begins here has no end");
    else if (p->w.kind == TESTCMDTEXT_END)
        diag_error(p->d, "syntax", p->w.at, hint, "the file ends, and %s is missing", expected);
    else
        diag_error(p->d, "syntax", p->w.at, hint, "%s is expected here, not %.*s", expected, n,
                   p->w.p);
    return false;
}

static bool take(struct parser *p, const char *keyword)
{
    if (!testcmdtext_is(&p->w, keyword))
        return false;
    advance(p);
    return true;
}

static bool take_mark(struct parser *p, char c)
{
    if (!testcmdtext_is_mark(&p->w, c))
        return false;
    advance(p);
    return true;
}

/* --- names and literals -------------------------------------------------------------------------- */

/* Without its quotes, a doubled one single. */
static const char *unquoted(struct parser *p, const struct testcmdtext_word *w, size_t *n)
{
    char *out = arena_alloc(p->f->arena, w->n);
    size_t k = 0;
    for (size_t i = 1; i + 1 < w->n; i++) {
        out[k++] = w->p[i];
        i += w->p[i] == w->p[0];
    }
    out[k] = '\0';
    *n = k;
    return out;
}

static bool take_name(struct parser *p, const char *what, const char **out, struct span *at)
{
    size_t n;
    if (p->w.kind == TESTCMDTEXT_WORD)
        *out = arena_dup(p->f->arena, p->w.p, p->w.n);
    else if (p->w.kind == TESTCMDTEXT_QUOTED)
        *out = unquoted(p, &p->w, &n);
    else
        return fail(p, NULL, what);
    *at = p->w.at;
    advance(p);
    return true;
}

static bool take_text(struct parser *p, const char *what, const char **out, size_t *n)
{
    if (p->w.kind != TESTCMDTEXT_TEXT)
        return fail(p, NULL, what);
    *out = unquoted(p, &p->w, n);
    advance(p);
    return true;
}

static bool take_duration(struct parser *p, bool minus, struct testcmdfile_literal *out)
{
    if (!testcmdtext_duration(&p->w, &out->ms)) {
        diag_error(p->d, "time", p->w.at, "like 250ms, 10s, 1h30m, 2d", "%.*s is no length of time",
                   p->w.n < 40 ? (int)p->w.n : 40, p->w.p);
        return false;
    }
    out->kind = TESTCMDFILE_DURATION;
    out->ms = minus ? -out->ms : out->ms;
    advance(p);
    return true;
}

static bool take_timestamp(struct parser *p, struct testcmdfile_literal *out)
{
    struct span at = p->w.at;
    if (!take_text(p, "a time like '2026-01-31 12:00:00'", &out->text, &out->n))
        return false;
    out->kind = TESTCMDFILE_TIME;
    if (timebase_parse(out->text, out->n, &out->ms))
        return true;
    diag_error(p->d, "time", at, NULL, "'%.*s' is no time like '2026-01-31 12:00:00'",
               out->n < 40 ? (int)out->n : 40, out->text);
    return false;
}

static bool take_literal(struct parser *p, struct testcmdfile_literal *out)
{
    bool minus = take_mark(p, '-');
    *out = (struct testcmdfile_literal){.at = p->w.at};
    if (p->w.kind == TESTCMDTEXT_NUMBER) {
        out->kind = TESTCMDFILE_NUMBER;
        out->text = arena_printf(p->f->arena, "%s%.*s", minus ? "-" : "", (int)p->w.n, p->w.p);
        out->n = strlen(out->text);
        advance(p);
        return true;
    }
    if (p->w.kind == TESTCMDTEXT_DURATION)
        return take_duration(p, minus, out);
    if (minus)
        return fail(p, NULL, "a number");
    if (p->w.kind == TESTCMDTEXT_TEXT) {
        out->kind = TESTCMDFILE_STRING;
        return take_text(p, "a text", &out->text, &out->n);
    }
    if (take(p, "TIMESTAMP"))
        return take_timestamp(p, out);
    if (take(p, "NULL"))
        return true;
    out->kind = TESTCMDFILE_BOOLEAN;
    out->ms = testcmdtext_is(&p->w, "TRUE");
    if (take(p, "TRUE") || take(p, "FALSE"))
        return true;
    return fail(p, NULL, "a value (a number, a 'text', TRUE, FALSE, NULL, 10s, TIMESTAMP '…')");
}

/* A time of the test: 10s after its start, or a moment. */
static bool take_time(struct parser *p, evtime *out)
{
    struct testcmdfile_literal l = {.at = p->w.at};
    bool good;
    if (take(p, "TIMESTAMP") || p->w.kind == TESTCMDTEXT_TEXT)
        good = take_timestamp(p, &l);
    else if (p->w.kind == TESTCMDTEXT_DURATION)
        good = take_duration(p, false, &l);
    else
        return fail(p, "0s is 2026-01-01 00:00:00", "a time (10s, 1h30m, '2026-01-31 12:00:00')");
    if (!good)
        return false;
    *out = l.ms;
    if (l.kind == TESTCMDFILE_DURATION &&
        (__builtin_add_overflow(TESTCMDFILE_START, l.ms, out) || *out > EVTIME_LAST)) {
        diag_error(p->d, "time", l.at, NULL, "this is after the year 9999");
        return false;
    }
    return true;
}

/* --- rows ---------------------------------------------------------------------------------------- */

static bool at_field(const struct parser *p)
{
    return (p->w.kind == TESTCMDTEXT_WORD || p->w.kind == TESTCMDTEXT_QUOTED) &&
           testcmdtext_is_mark(&p->after, '=');
}

/* name = value, … */
static bool take_fields(struct parser *p, const struct testcmdfile_field **out)
{
    struct testcmdfile_field *first = NULL, **last = &first;
    unsigned n = 0;
    do {
        struct testcmdfile_field *field = arena_zero(p->f->arena, sizeof *field);
        if (n++ == TESTCMDFILE_FIELDS_MAX) {
            diag_error(p->d, "limit", p->w.at, NULL, "a row has at most %d columns",
                       TESTCMDFILE_FIELDS_MAX);
            return false;
        }
        if (!take_name(p, "a column", &field->name, &field->at))
            return false;
        if (!take_mark(p, '='))
            return fail(p, NULL, "=");
        if (!take_literal(p, &field->value))
            return false;
        *last = field;
        last = &field->next;
    } while (take_mark(p, ','));
    *out = first;
    return true;
}

static bool take_defaults(struct parser *p)
{
    const char *stream = NULL;
    struct span at;
    const struct testcmdfile_field *fields = NULL;
    if (testcmdtext_is(&p->w, "ON") && !at_field(p)) {
        advance(p);
        if (!take_name(p, "a stream", &stream, &at))
            return false;
    }
    if (!take_fields(p, &fields))
        return false;
    for (; fields; fields = fields->next) {
        struct testcmdfile_default *d = arena_zero(p->f->arena, sizeof *d);
        if (p->defaults && p->defaults->depth == TESTCMDFILE_FIELDS_MAX) {
            diag_error(p->d, "limit", fields->at, NULL, "at most %d defaults can hold at once",
                       TESTCMDFILE_FIELDS_MAX);
            return false;
        }
        *d = (struct testcmdfile_default){p->defaults, p->defaults ? p->defaults->depth + 1 : 1,
                                          stream, fields};
        p->defaults = d;
    }
    return true;
}

static void take_json(struct parser *p, struct testcmdfile_event *e)
{
    char *line = arena_dup(p->f->arena, p->w.p, p->w.n);
    for (size_t i = 0; i < p->w.n; i++)
        if (line[i] == '\n' || line[i] == '\r')
            line[i] = ' ';
    e->kind = TESTCMDFILE_JSON;
    e->json = line;
    e->json_n = p->w.n;
    advance(p);
}

/* [AT time] [ON stream] (a = 1, … | {…}), or WATERMARK time. */
static bool take_event(struct parser *p, struct testcmdfile_event *e)
{
    *e = (struct testcmdfile_event){.at = p->w.at, .defaults = p->defaults};
    if (take(p, "WATERMARK")) {
        e->kind = TESTCMDFILE_WATERMARK;
        return take_time(p, &e->time);
    }
    bool timed = take(p, "AT");
    if (timed && !take_time(p, &e->time))
        return false;
    if (testcmdtext_is(&p->w, "ON") && !at_field(p)) {
        advance(p);
        if (!take_name(p, "a stream", &e->stream, &e->stream_at))
            return false;
    }
    if (p->w.kind == TESTCMDTEXT_JSON && !timed) {
        take_json(p, e);
        return true;
    }
    if (!timed)
        return fail(p, NULL, "a JSON object");
    if (p->w.kind == TESTCMDTEXT_JSON)
        return fail(p, "an event as JSON has its time in it: leave AT out", "column = value");
    return !at_field(p) || take_fields(p, &e->fields);
}

/* --- what is expected ---------------------------------------------------------------------------- */

static enum result_kind take_kind(struct parser *p)
{
    static const char *const words[] = {"MATCH", "UPDATE", "TIMEOUT", "LATE", "ERROR"};
    for (unsigned k = 0; k < sizeof words / sizeof *words; k++)
        if (take(p, words[k]))
            return (enum result_kind)k;
    return RESULT_MATCH;
}

static bool is_step(const struct parser *p)
{
    static const char *const words[] = {"AT",      "ON", "WATERMARK", "EXPECT",
                                        "DEFAULT", "NO", "TEST",      "TIME"};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (testcmdtext_is(&p->w, words[i]))
            return true;
    return false;
}

/* EXPECT [NO] [kind] [rule] [TIME time] [(a = 1, …)] */
static bool take_expect(struct parser *p, struct testcmdfile_expect *e)
{
    *e = (struct testcmdfile_expect){.at = p->w.at};
    advance(p);
    e->none = take(p, "NO");
    e->kind = take_kind(p);
    bool any = e->kind == RESULT_LATE || e->kind == RESULT_ERROR;
    bool named =
        p->w.kind == TESTCMDTEXT_QUOTED || (p->w.kind == TESTCMDTEXT_WORD && (!any || !is_step(p)));
    if ((named || !any) && !take_name(p, "a rule", &e->rule, &e->rule_at))
        return false;
    if (e->none)
        return true;
    e->timed = take(p, "TIME");
    if (e->timed && !take_time(p, &e->time))
        return false;
    if (!take_mark(p, '('))
        return true;
    if (!take_fields(p, &e->fields))
        return false;
    return take_mark(p, ')') || fail(p, NULL, ", or )");
}

/* --- statements ---------------------------------------------------------------------------------- */

static bool take_steps(struct parser *p, struct testcmdfile_test *t)
{
    struct testcmdfile_event **event = &t->events;
    struct testcmdfile_expect **expect = &t->expects;
    while (p->w.kind != TESTCMDTEXT_END && !testcmdtext_is_mark(&p->w, ';')) {
        if (testcmdtext_is(&p->w, "EXPECT")) {
            if (t->nexpects++ == TESTCMDFILE_EXPECTS_MAX) {
                diag_error(p->d, "limit", p->w.at, NULL, "a test has at most %d EXPECT",
                           TESTCMDFILE_EXPECTS_MAX);
                return false;
            }
            *expect = arena_zero(p->f->arena, sizeof **expect);
            if (!take_expect(p, *expect))
                return false;
            expect = &(*expect)->next;
        } else if (testcmdtext_is(&p->w, "DEFAULT")) {
            advance(p);
            if (!take_defaults(p))
                return false;
        } else if (take(p, "NO")) {
            if (!take(p, "END"))
                return fail(p, NULL, "END");
            t->no_end = true;
        } else if (testcmdtext_is(&p->w, "AT") || testcmdtext_is(&p->w, "ON") ||
                   testcmdtext_is(&p->w, "WATERMARK") || p->w.kind == TESTCMDTEXT_JSON) {
            *event = arena_zero(p->f->arena, sizeof **event);
            if (!take_event(p, *event))
                return false;
            event = &(*event)->next;
        } else {
            return fail(p, testcmdtext_is(&p->w, "TEST") ? "end the test before it with ;" : NULL,
                        "AT, a JSON object, WATERMARK, EXPECT, DEFAULT, NO END or ;");
        }
    }
    return true;
}

/* TEST 'name' [ON stream] steps */
static bool take_test(struct parser *p, struct testcmdfile_test **last)
{
    struct testcmdfile_test *t = arena_zero(p->f->arena, sizeof *t);
    const struct testcmdfile_default *outside = p->defaults;
    size_t n;
    advance(p);
    t->at = p->w.at;
    if (p->f->ntests == TESTCMDFILE_TESTS_MAX) {
        diag_error(p->d, "limit", t->at, NULL, "a file has at most %d tests",
                   TESTCMDFILE_TESTS_MAX);
        return false;
    }
    if (!take_text(p, "the test's name in quotes", &t->name, &n))
        return false;
    if (take(p, "ON") && !take_name(p, "a stream", &t->stream, &t->stream_at))
        return false;
    bool good = take_steps(p, t);
    p->defaults = outside;
    if (!good)
        return false;
    if (!t->expects) {
        diag_error(p->d, "test", t->at, "EXPECT rule (column = value), or EXPECT NO rule",
                   "the test expects nothing");
        return false;
    }
    p->f->ntests++;
    *last = t;
    return true;
}

static bool take_include(struct parser *p)
{
    struct testcmdfile *f = p->f;
    size_t n = 0;
    const char *path = NULL;
    struct span at = p->after.at;
    advance(p);
    if (!take_text(p, "a file's name in quotes", &path, &n))
        return false;
    if (p->created) {
        diag_error(p->d, "syntax", at, NULL, "INCLUDE must stand before CREATE");
        return false;
    }
    if (n == 0 || strlen(path) != n || f->nincludes == TESTCMDFILE_INCLUDES_MAX) {
        diag_error(p->d, "limit", at, NULL, "at most %d files can be included, each with a name",
                   TESTCMDFILE_INCLUDES_MAX);
        return false;
    }
    f->includes[f->nincludes] = path;
    f->include_at[f->nincludes++] = at;
    return true;
}

/* A CREATE or INSERT statement is the compiler's: it is found whole, and kept where it stands. */
static void take_create(struct parser *p)
{
    size_t from = p->w.at.begin;
    p->text.p = p->w.p;
    testcmdtext_skip_statement(&p->text);
    size_t end = (size_t)(p->text.p - p->text.text);
    memcpy(p->f->sql + from, p->text.text + from, end - from);
    p->created = true;
    restart(p);
}

static bool take_statement(struct parser *p, struct testcmdfile_test **test)
{
    if (testcmdtext_is(&p->w, "TEST"))
        return take_test(p, test);
    if (testcmdtext_is(&p->w, "INCLUDE"))
        return take_include(p);
    if (take(p, "DEFAULT"))
        return take_defaults(p);
    return fail(p, NULL, "INCLUDE, CREATE, INSERT, DEFAULT or TEST");
}

static void parse_all(struct parser *p)
{
    struct testcmdfile_test **last = &p->f->tests;
    while (p->w.kind != TESTCMDTEXT_END) {
        if (take_mark(p, ';'))
            continue;
        if (testcmdtext_is(&p->w, "CREATE") || testcmdtext_is(&p->w, "INSERT")) {
            take_create(p);
            continue;
        }
        bool good = take_statement(p, last);
        if (*last)
            last = &(*last)->next;
        if (good && (p->w.kind == TESTCMDTEXT_END || testcmdtext_is_mark(&p->w, ';')))
            continue;
        if (good)
            fail(p, NULL, ";");
        p->text.p = p->w.kind == TESTCMDTEXT_END ? p->text.end : p->w.p;
        testcmdtext_skip_statement(&p->text);
        restart(p);
    }
}

enum err testcmdfile_parse(const char *text, size_t n, struct diag *d, struct testcmdfile **out)
{
    int errors = d->errors;
    d->text = text;
    d->text_len = n;
    if (n > COMPILE_TEXT_MAX) {
        diag_say(d, "limit", NULL, "the text is longer than %d bytes", COMPILE_TEXT_MAX);
        return ERR_LIMIT;
    }
    struct testcmdfile *f = mem_new(sizeof *f);
    f->arena = arena_new(BLOCK, 0);
    f->sql = mem_alloc(n + 1);
    f->sql_n = n;
    for (size_t i = 0; i < n; i++)
        f->sql[i] = text[i] == '\n' ? '\n' : ' ';
    f->sql[n] = '\0';
    struct parser p = {.text = {text, text, text + n}, .d = d, .f = f};
    restart(&p);
    parse_all(&p);
    if (d->errors == errors && f->ntests == 0)
        diag_say(d, "test", "TEST 'name' ON stream … EXPECT rule (…);", "there is no TEST in it");
    if (d->errors != errors) {
        testcmdfile_free(f);
        return ERR_INVALID;
    }
    *out = f;
    return ERR_OK;
}

void testcmdfile_free(struct testcmdfile *f)
{
    if (!f)
        return;
    arena_free(f->arena);
    mem_free(f->sql);
    mem_free(f);
}
