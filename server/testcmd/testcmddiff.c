/* SPDX-License-Identifier: Apache-2.0
 *
 * A (kind, rule) pair that an EXPECT names must have exactly the rows that are expected of it, in any order; errors are
 * always named. Rows are given to expectations by augmenting paths (Kuhn), so that `(card = 'c1')` does not take the only
 * row that `(card = 'c1', n = 3)` could have. */
#include "server/testcmd/testcmddiff.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 20, NONE = -1 };

struct piece {
    const char *p;
    size_t n;
};
struct member {
    struct piece key, value; /* the key without quotes, as escaped */
};

struct found { /* one line of the run */
    struct piece rule, kind, time, vars, row, reason, place, stream, whole;
    enum result_kind k;
    int taken; /* by which expectation */
    bool named; /* some EXPECT is about it */
};

struct comparing {
    const struct testcmdbind *b;
    const char *text;
    size_t text_n;
    struct bytes *out;
    struct found *found;
    size_t n, cap;
    int *match; /* of each expectation: the row, or NONE */
    bool *visited; /* rows */
    bool same;
};

/* --- lines --------------------------------------------------------------------------------------- */

/* The end of the JSON value at p, which is well-formed. */
static const char *value_end(const char *p, const char *end)
{
    int depth = 0;
    for (; p < end; p++) {
        if (*p == '"') {
            for (p++; p < end && *p != '"'; p++)
                p += *p == '\\';
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (*p == '}' || *p == ']') {
            if (depth-- == 0)
                return p;
        } else if (*p == ',' && depth == 0) {
            return p;
        }
    }
    return p;
}

/* The next member of the object of which *p is inside. */
static bool next_member(const char **p, const char *end, struct member *m)
{
    const char *s = *p;
    while (s < end && (*s == '{' || *s == ',' || *s == ' '))
        s++;
    if (s >= end || *s != '"')
        return false;
    const char *key = ++s;
    while (s < end && *s != '"')
        s += *s == '\\' ? 2 : 1;
    m->key = (struct piece){key, (size_t)(s - key)};
    s += 2;
    const char *after = value_end(s, end);
    m->value = (struct piece){s, (size_t)(after - s)};
    *p = after;
    return after < end;
}

static bool is(struct piece p, const char *text)
{
    return p.n == strlen(text) && memcmp(p.p, text, p.n) == 0;
}

static void read_line(const char *p, size_t n, struct found *f)
{
    const struct {
        const char *name;
        struct piece *to;
    } members[] = {{"rule", &f->rule},   {"kind", &f->kind},    {"time", &f->time},
                   {"vars", &f->vars},   {"row", &f->row},      {"reason", &f->reason},
                   {"place", &f->place}, {"stream", &f->stream}};
    struct member m;
    const char *end = p + n;
    *f = (struct found){.whole = {p, n}, .taken = NONE};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        *members[i].to = (struct piece){"", 0};
    while (next_member(&p, end, &m))
        for (size_t i = 0; i < sizeof members / sizeof *members; i++)
            if (is(m.key, members[i].name))
                *members[i].to = m.value;
    for (unsigned k = RESULT_MATCH; k <= RESULT_ERROR; k++)
        if (f->kind.n > 2 &&
            is((struct piece){f->kind.p + 1, f->kind.n - 2}, result_kind_name((enum result_kind)k)))
            f->k = (enum result_kind)k;
}

static void read_lines(struct comparing *c, const struct bytes *lines)
{
    const char *p = (const char *)lines->p, *end = p + lines->n;
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t n = newline ? (size_t)(newline - p) : (size_t)(end - p);
        c->found = mem_grow(c->found, c->n, 1, &c->cap, sizeof *c->found);
        read_line(p, n, &c->found[c->n++]);
        p += n + (newline != NULL);
    }
}

/* --- matching ------------------------------------------------------------------------------------ */

static bool same_text(struct piece json, const char *text)
{
    struct bytes quoted = {0};
    value_json_string(text, strlen(text), &quoted);
    bool same = json.n == quoted.n && memcmp(json.p, quoted.p, json.n) == 0;
    bytes_fini(&quoted);
    return same;
}

static bool is_about(const struct testcmdbind_expect *e, const struct found *f)
{
    return e->from->kind == f->k && (!e->rule || same_text(f->rule, e->rule->name));
}

/* The member of that name: of the row, or of the line of an event that was refused. */
static bool cell_found(const struct found *f, const char *name, struct piece *out)
{
    struct bytes key = {0};
    struct member m;
    bool found = false;
    struct piece in = f->row.n ? f->row : f->whole;
    const char *p = in.p, *end = in.p + in.n;
    value_json_string(name, strlen(name), &key);
    while (!found && next_member(&p, end, &m))
        if (m.key.n + 2 == key.n && memcmp(m.key.p, key.p + 1, m.key.n) == 0) {
            *out = m.value;
            found = true;
        }
    bytes_fini(&key);
    return found;
}

static bool right_time(const struct testcmdfile_expect *e, const struct found *f)
{
    char text[TIMEBASE_TEXT];
    timebase_format(e->time, text);
    return same_text(f->time, text);
}

/* How many of the expectation's cells the row does not have. */
static unsigned wrong_cells(const struct testcmdbind_expect *e, const struct found *f)
{
    unsigned wrong = e->from->timed && !right_time(e->from, f);
    for (unsigned i = 0; i < e->ncells; i++) {
        struct piece v;
        wrong += !cell_found(f, e->cells[i].name, &v) || !is(v, e->cells[i].value);
    }
    return wrong;
}

static bool find_row(struct comparing *c, unsigned expect)
{
    const struct testcmdbind_expect *e = &c->b->expects[expect];
    for (size_t i = 0; i < c->n; i++) {
        struct found *f = &c->found[i];
        if (c->visited[i] || !is_about(e, f) || wrong_cells(e, f) > 0)
            continue;
        c->visited[i] = true;
        if (f->taken == NONE || find_row(c, (unsigned)f->taken)) {
            f->taken = (int)expect;
            c->match[expect] = (int)i;
            return true;
        }
    }
    return false;
}

static void assign(struct comparing *c)
{
    for (unsigned e = 0; e < c->b->nexpects; e++) {
        c->match[e] = NONE;
        for (size_t i = 0; i < c->n; i++)
            c->found[i].named |= is_about(&c->b->expects[e], &c->found[i]);
        if (c->b->expects[e].from->none)
            continue;
        memset(c->visited, 0, c->n * sizeof *c->visited);
        (void)find_row(c, e);
    }
    for (size_t i = 0; i < c->n; i++)
        c->found[i].named |= c->found[i].k == RESULT_ERROR;
}

/* --- telling ------------------------------------------------------------------------------------- */

static int line_of(const struct comparing *c, size_t at)
{
    int line = 1;
    for (size_t i = 0; i < at && i < c->text_n; i++)
        line += c->text[i] == '\n';
    return line;
}

/* 'a' for "a"; a text with escapes stays as JSON. */
static void put_value(struct comparing *c, struct piece v)
{
    bool plain = v.n >= 2 && *v.p == '"' && !memchr(v.p, '\\', v.n) && !memchr(v.p, '\'', v.n);
    if (plain)
        bytes_printf(c->out, "'%.*s'", (int)v.n - 2, v.p + 1);
    else if (is(v, "null") || is(v, "true") || is(v, "false"))
        for (size_t i = 0; i < v.n; i++)
            bytes_u8(c->out, (uint8_t)(v.p[i] - 'a' + 'A'));
    else
        bytes_put(c->out, v.p, v.n);
}

static void put_head(struct comparing *c, char sign, enum result_kind k, struct piece rule)
{
    bytes_printf(c->out, "  %c ", sign);
    if (k != RESULT_MATCH)
        for (const char *p = result_kind_name(k); *p; p++)
            bytes_u8(c->out, (uint8_t)(*p - 'a' + 'A'));
    if (k != RESULT_MATCH)
        bytes_u8(c->out, ' ');
    bool quoted = rule.n >= 2 && *rule.p == '"';
    if (quoted)
        bytes_put(c->out, rule.p + 1, rule.n - 2);
    if (quoted)
        bytes_u8(c->out, ' ');
}

static void put_expected(struct comparing *c, const struct testcmdbind_expect *e)
{
    char time[TIMEBASE_TEXT];
    put_head(c, '-', e->from->kind, (struct piece){"", 0});
    bytes_printf(c->out, "%s", e->rule ? e->rule->name : "any rule");
    if (e->from->timed) {
        timebase_format(e->from->time, time);
        bytes_printf(c->out, " TIME '%s'", time);
    }
    for (unsigned i = 0; i < e->ncells; i++) {
        bytes_printf(c->out, "%s%s = ", i == 0 ? " (" : ", ", e->cells[i].name);
        put_value(c, (struct piece){e->cells[i].value, strlen(e->cells[i].value)});
    }
    bytes_printf(c->out, "%s    expected at line %d, not found\n", e->ncells ? ")" : "",
                 line_of(c, e->from->at.begin));
}

/* The stream of a rule's events; of a join's those of the side `var`. NULL: not known. */
static const struct schema *stream_of(const struct rule_plan *p, const struct piece *var)
{
    if (p->shape != RULE_JOIN)
        return p->input;
    for (unsigned i = 0; i < 2; i++)
        if (var && var->n == strlen(p->join.side[i].name) &&
            memcmp(var->p, p->join.side[i].name, var->n) == 0)
            return p->join.side[i].schema;
    return NULL;
}

/* Where the place-th event of the stream stands in the file; 0: unknown. */
static int event_line(struct comparing *c, const struct found *f, const struct piece *var,
                      uint64_t place)
{
    const struct testcmdbind *b = c->b;
    const struct schema *s = NULL;
    for (unsigned e = 0; e < b->nexpects; e++)
        if (b->expects[e].rule && same_text(f->rule, b->expects[e].rule->name))
            s = stream_of(b->expects[e].rule, var);
    for (size_t i = 0; i < b->nplaces; i++)
        if (b->places[i].place == place && (!s || b->places[i].stream == s->id))
            return line_of(c, b->places[i].at.begin);
    return 0;
}

/* "A: lines 12, 13; B: line 14" for {"A":[0,1],"B":[2]}, or of the one place. */
static void put_lines(struct comparing *c, const struct found *f)
{
    struct member m;
    const char *p = f->vars.p, *end = p + f->vars.n, *sep = "";
    if (f->place.n)
        bytes_printf(c->out, "    event at line %d",
                     event_line(c, f, NULL, strtoull(f->place.p, NULL, 10)));
    bytes_printf(c->out, f->vars.n > 2 ? "    from " : "");
    while (f->vars.n && next_member(&p, end, &m)) {
        const char *before = memchr(m.value.p, ',', m.value.n) ? ": lines " : ": line ";
        bytes_printf(c->out, "%s%.*s", sep, (int)m.key.n, m.key.p);
        for (const char *v = m.value.p; *v == '[' || *v == ',';) {
            char *after;
            bytes_printf(c->out, "%s%d", before,
                         event_line(c, f, &m.key, strtoull(v + 1, &after, 10)));
            before = ", ";
            v = after;
        }
        sep = "; ";
    }
}

static void put_found(struct comparing *c, const struct found *f)
{
    struct member m;
    const char *p = f->row.p, *end = p + f->row.n, *sep = "(";
    put_head(c, '+', f->k, f->rule);
    bytes_printf(c->out, "TIME ");
    put_value(c, f->time);
    bytes_u8(c->out, ' ');
    while (f->row.n && next_member(&p, end, &m)) {
        bytes_printf(c->out, "%s%.*s = ", sep, (int)m.key.n, m.key.p);
        put_value(c, m.value);
        sep = ", ";
    }
    if (f->row.n)
        bytes_printf(c->out, *sep == '(' ? "()" : ")");
    if (f->reason.n) {
        bytes_printf(c->out, " because ");
        put_value(c, f->reason);
    }
    put_lines(c, f);
    bytes_u8(c->out, '\n');
}

/* What keeps the row from being what was expected. */
static void put_wrong(struct comparing *c, const struct testcmdbind_expect *e,
                      const struct found *f)
{
    if (e->from->timed && !right_time(e->from, f))
        bytes_printf(c->out, "  ? the time differs\n");
    for (unsigned i = 0; i < e->ncells; i++) {
        struct piece v = {"nothing", 7};
        if (cell_found(f, e->cells[i].name, &v) && is(v, e->cells[i].value))
            continue;
        bytes_printf(c->out, "  ? %s: ", e->cells[i].name);
        put_value(c, (struct piece){e->cells[i].value, strlen(e->cells[i].value)});
        bytes_printf(c->out, " expected, ");
        put_value(c, v);
        bytes_printf(c->out, " found\n");
    }
}

/* The row nobody expects that comes nearest; it is told with the expectation. */
static struct found *nearest(struct comparing *c, const struct testcmdbind_expect *e)
{
    struct found *best = NULL;
    unsigned least = e->ncells + 2;
    for (size_t i = 0; i < c->n; i++) {
        struct found *f = &c->found[i];
        if (f->taken != NONE || !is_about(e, f))
            continue;
        unsigned wrong = wrong_cells(e, f);
        if (wrong < least) {
            least = wrong;
            best = f;
        }
    }
    return best;
}

static void tell(struct comparing *c)
{
    unsigned shown = 0;
    for (unsigned i = 0; i < c->b->nexpects; i++) {
        const struct testcmdbind_expect *e = &c->b->expects[i];
        if (e->from->none || c->match[i] != NONE)
            continue;
        c->same = false;
        if (shown++ >= SHOWN_MAX)
            continue;
        put_expected(c, e);
        struct found *f = nearest(c, e);
        if (f) {
            f->taken = (int)i;
            put_found(c, f);
            put_wrong(c, e, f);
        }
    }
    for (size_t i = 0; i < c->n; i++) {
        if (!c->found[i].named || c->found[i].taken != NONE)
            continue;
        c->same = false;
        if (shown++ < SHOWN_MAX)
            put_found(c, &c->found[i]);
    }
    if (shown > SHOWN_MAX)
        bytes_printf(c->out, "  and %u more\n", shown - SHOWN_MAX);
}

/* A late event often is why nothing was found. */
static void note_late(struct comparing *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->found[i].k == RESULT_LATE && !c->found[i].named) {
            bytes_printf(c->out, "  # the event at line %d came too late for %.*s\n",
                         event_line(c, &c->found[i], NULL, strtoull(c->found[i].place.p, NULL, 10)),
                         (int)c->found[i].rule.n, c->found[i].rule.p);
            return;
        }
}

bool testcmddiff_compare(const struct testcmdbind *b, const struct bytes *lines, const char *text,
                         size_t text_n, struct bytes *out)
{
    struct comparing c = {.b = b, .text = text, .text_n = text_n, .out = out, .same = true};
    read_lines(&c, lines);
    c.match = mem_array(b->nexpects + 1, sizeof *c.match);
    c.visited = mem_array(c.n + 1, sizeof *c.visited);
    assign(&c);
    tell(&c);
    if (!c.same)
        note_late(&c);
    mem_free(c.found);
    mem_free(c.match);
    mem_free(c.visited);
    return c.same;
}
