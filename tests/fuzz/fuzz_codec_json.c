/* SPDX-License-Identifier: Apache-2.0
 *
 * Hostile lines of JSON. Four decoders must agree on them: blocks of lines; line by line; line by line with one column
 * wanted only, since an event's fate does not depend on which columns rules read; and, for what is valid JSON at all, a
 * second library. */
#include "base/bug.h"
#include "base/mem.h"
#include "io/codec_json.h"
#include <jansson.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ID, TS, FLAG, COUNT, RATIO, AMOUNT, CITY, ZIP, AGAIN, COLUMNS, INPUT_MAX = 1 << 16 };

static const struct column columns[COLUMNS] = {
    {.name = "id", .type = {.kind = TYPE_STRING}, .not_null = true},
    {.name = "ts", .type = {.kind = TYPE_TIMESTAMP}, .not_null = true},
    {.name = "flag", .type = {.kind = TYPE_BOOLEAN}},
    {.name = "count", .type = {.kind = TYPE_BIGINT}},
    {.name = "ratio", .type = {.kind = TYPE_DOUBLE}},
    {.name = "amount", .type = {.kind = TYPE_DECIMAL, .precision = 12, .scale = 2}},
    {.name = "city", .path = "a.c", .type = {.kind = TYPE_STRING}},
    {.name = "zip", .path = "a.z", .type = {.kind = TYPE_BIGINT}},
    {.name = "again", .path = "id", .type = {.kind = TYPE_STRING}},
};
static const struct schema schema = {.name = "s",
                                     .ncolumns = COLUMNS,
                                     .columns = columns,
                                     .time_column = TS};
static const struct colset all = {{(1 << COLUMNS) - 1}}, one = {{1 << TS}};

/* What was found, in the order of offsets: rows by their values, bad lines by their reasons. */
struct found {
    struct bytes *events; /* by offset */
    size_t n, cap;
};

static struct bytes *event(struct found *f, uint64_t offset)
{
    while (f->n <= offset) {
        f->events = mem_grow(f->events, f->n, 1, &f->cap, sizeof *f->events);
        f->events[f->n++] = (struct bytes){0};
    }
    return &f->events[offset];
}

static void found_fini(struct found *f)
{
    for (size_t i = 0; i < f->n; i++)
        bytes_fini(&f->events[i]);
    mem_free(f->events);
}

static void on_bad(void *ctx, uint64_t offset, const char *text, size_t n,
                   const struct codec_problem *p)
{
    struct bytes *out = event(ctx, offset);
    BUG_IF(out->n > 0, "an offset twice");
    BUG_IF(p->code == CODEC_NONE || p->text[0] == '\0', "no problem is told");
    bytes_printf(out, "%s %s", codec_problem_name(p->code), p->text);
    (void)text;
    (void)n;
}

static void tell_row(struct found *f, const struct batch *b, unsigned i)
{
    struct bytes *out = event(f, b->offset[i]);
    BUG_IF(out->n > 0, "an offset twice");
    for (unsigned c = 0; c < COLUMNS; c++) {
        if (!colset_has(&b->present, c))
            continue;
        struct value v = batch_value(b, c, i);
        BUG_IF(v.null && (!b->columns[c].has_nulls || columns[c].not_null), "a NULL in %s",
               columns[c].name);
        value_json(&v, out);
    }
    BUG_IF(b->ts[i] != b->columns[TS].i[i], "the time differs");
}

/* Decoders are kept from input to input: what they remember of keys must not matter. */
static struct codec_json *decoder(const struct colset *want)
{
    static struct codec_json *of_all, *of_one;
    struct codec_json **c = want == &all ? &of_all : &of_one;
    if (*c == NULL)
        *c = codec_json_new(&schema, want, NULL);
    return *c;
}

static void by_blocks(const char *text, size_t n, struct found *f)
{
    struct codec_json *c = decoder(&all);
    size_t pos = 0;
    uint64_t offset = 0;
    while (pos < n) {
        struct batch *b = batch_new(&schema, &all);
        codec_json_lines(c, text, n, &pos, &offset, b, on_bad, f);
        for (unsigned i = 0; i < b->n; i++)
            tell_row(f, b, i);
        batch_unref(b);
    }
    BUG_IF(f->n > offset, "more events than offsets");
}

static bool is_blank(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
            return false;
    return true;
}

/* A second opinion. It refuses more (numbers too large for it, deep nesting), so only its yes counts. */
static void ask_another(const char *line, size_t n, const struct codec_problem *p,
                        const struct batch *b)
{
    json_error_t e;
    json_t *o = json_loadb(line, n, JSON_ALLOW_NUL, &e);
    bool refused = p->code == CODEC_JSON || p->code == CODEC_OBJECT ||
                   (p->code == CODEC_UTF8 && p->column == NULL);
    BUG_IF(json_is_object(o) && refused, "valid JSON is refused: %s", p->text);
    if (json_is_object(o) && b->n > 0) {
        const json_t *id = json_object_get(o, "id");
        struct str s = b->columns[ID].s[0];
        BUG_IF(!json_is_string(id) || json_string_length(id) != s.n ||
                   memcmp(json_string_value(id), s.p, s.n) != 0,
               "the string differs");
        const json_t *flag = json_object_get(o, "flag");
        BUG_IF(json_is_boolean(flag) == batch_is_null(b, FLAG, 0), "the boolean differs");
        const json_t *ratio = json_object_get(o, "ratio");
        BUG_IF(json_is_real(ratio) && json_real_value(ratio) != b->columns[RATIO].d[0],
               "the double differs");
        const json_t *count = json_object_get(o, "count");
        BUG_IF(json_is_integer(count) && json_integer_value(count) != b->columns[COUNT].i[0],
               "the integer differs");
    }
    json_decref(o);
}

static void by_lines(const char *text, size_t n, const struct colset *want, struct found *f)
{
    struct codec_json *c = decoder(want);
    uint64_t offset = 0;
    for (size_t from = 0; from < n;) {
        const char *newline = memchr(text + from, '\n', n - from);
        size_t end = newline != NULL ? (size_t)(newline - text) : n;
        if (!is_blank(text + from, end - from)) {
            char *line = mem_alloc(
                end - from + CODEC_PADDING); /* of its own, so that a read past its padding shows */
            struct batch *b = batch_new(&schema, want);
            struct codec_problem p = {.code = CODEC_NONE};
            memcpy(line, text + from, end - from);
            memset(line + (end - from), '"', CODEC_PADDING);
            if (codec_json_row(c, line, end - from, offset, b, &p) == ERR_OK)
                tell_row(f, b, 0);
            else
                on_bad(f, offset, line, end - from, &p);
            if (want == &all && memchr(line, '\0', end - from) == NULL) /* it passes NULs by */
                ask_another(line, end - from, &p, b);
            offset++;
            batch_unref(b);
            mem_free(line);
        }
        from = end + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct found blocks = {0}, lines = {0}, narrow = {0};
    if (size > INPUT_MAX)
        return 0;
    char *text = mem_alloc(size + CODEC_PADDING);
    if (size > 0)
        memcpy(text, data, size);
    memset(text + size, '"', CODEC_PADDING);
    by_blocks(text, size, &blocks);
    by_lines(text, size, &all, &lines);
    by_lines(text, size, &one, &narrow);
    BUG_IF(blocks.n != lines.n || narrow.n != lines.n, "%zu, %zu and %zu events", blocks.n, lines.n,
           narrow.n);
    for (size_t i = 0; i < lines.n; i++) {
        const struct bytes *a = &blocks.events[i], *b = &lines.events[i], *c = &narrow.events[i];
        BUG_IF(a->n != b->n || (a->n > 0 && memcmp(a->p, b->p, a->n) != 0),
               "event %zu is '%.*s' and '%.*s'", i, (int)a->n, (const char *)a->p, (int)b->n,
               (const char *)b->p);
        bool good = b->n > 0 && b->p[0] == '"';
        BUG_IF(good ? c->n == 0 || c->p[0] != '"' : c->n != b->n || memcmp(c->p, b->p, b->n) != 0,
               "event %zu is '%.*s' and '%.*s'", i, (int)b->n, (const char *)b->p, (int)c->n,
               (const char *)c->p);
    }
    found_fini(&blocks);
    found_fini(&lines);
    found_fini(&narrow);
    mem_free(text);
    return 0;
}
