/* SPDX-License-Identifier: Apache-2.0
 *
 * The walk over the places of one line: key, colon, value, comma, again. simdjson has found the places and checked UTF-8
 * and strings; the walk checks what it passes: the order of the tokens, every literal and number of the schema's columns
 * (also of those that are not wanted, so that an event's fate does not depend on which rules are live), that the object
 * ends on its line and nothing follows. Values under keys that the schema does not have are skipped by their brackets. */
#include "io/codec_walk.h"
#include "base/bug.h"
#include "io/codec_number.h"

bool codec_walk_refuse(struct codec_walk *w, const char *what)
{
    codec_value_problem(w, CODEC_JSON, NULL, "the event is not valid JSON: %s", what);
    return false;
}

/* From the place of an opening bracket to the one after its closing bracket. Brackets are only counted. */
static bool skip_container(struct codec_walk *w)
{
    uint32_t depth = 0;
    for (; *w->at < w->end; w->at++) {
        char c = w->buf[*w->at];
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0) {
            w->at++;
            return true;
        }
    }
    return codec_walk_refuse(w, "a bracket is not closed");
}

/* A value under a key that no column has; w->at is at it. */
static bool skip_value(struct codec_walk *w)
{
    uint32_t v = *w->at;
    if (w->buf[v] == '{' || w->buf[v] == '[')
        return skip_container(w);
    if (!codec_value_is_scalar(w->buf, v, w->at[1]))
        return codec_walk_refuse(w, "a value is neither a string, a number, true, false nor null");
    w->at++;
    return true;
}

char *codec_walk_room(struct codec_walk *w, size_t n)
{
    struct codec_text *t = &w->text;
    if ((size_t)(t->end - t->at) < n + CODEC_COPY) {
        size_t room = t->step > n + CODEC_COPY ? t->step : n + CODEC_COPY;
        t->at = arena_alloc(w->b->arena, room);
        t->end = t->at + room;
    }
    return t->at;
}

static bool take_string(struct codec_walk *w, const struct codec_field *f, uint32_t v,
                        uint32_t next)
{
    const char *p = w->buf + v + 1;
    uint32_t close = codec_walk_token_end(w->buf, next) - 1;
    if (w->buf[v] != '"' || close <= v || w->buf[close] != '"')
        return codec_value_other(w, f, v, next);
    size_t n = close - v - 1;
    if (w->has_escapes && memchr(p, '\\', n) != NULL)
        return codec_value_other(w, f, v, next);
    colset_add(&w->have, (unsigned)f->column);
    if (!f->wanted)
        return true;
    char *to = codec_walk_room(w, n);
    memcpy(to, p, n);
    w->text.at += n;
    w->b->columns[f->column].s[w->row] = (struct str){to, (uint32_t)n, 0};
    return true;
}

static bool take_time(struct codec_walk *w, const struct codec_field *f, uint32_t v, uint32_t next)
{
    int64_t t;
    if (!codec_number_whole(w->buf + v, codec_walk_token_end(w->buf, next) - v, &t) ||
        t < EVTIME_FIRST || t > EVTIME_LAST)
        return codec_value_other(w, f, v, next);
    codec_walk_store_time(w, f, t);
    return true;
}

static bool take_number(struct codec_walk *w, const struct codec_field *f, uint32_t v,
                        uint32_t next)
{
    const char *p = w->buf + v;
    size_t n = codec_walk_token_end(w->buf, next) - v;
    union cell c = {.i = 0};
    bool ok = false;
    if (f->type.kind == TYPE_DECIMAL)
        ok = codec_number_fixed(p, n, f->type.precision, f->type.scale, &c.i);
    else if (f->type.kind == TYPE_DOUBLE)
        ok = codec_number_double(p, n, &c.d);
    else
        ok = codec_number_whole(p, n, &c.i);
    if (!ok)
        return codec_value_other(w, f, v, next);
    codec_walk_store(w, f, c.i);
    return true;
}

static bool take_boolean(struct codec_walk *w, const struct codec_field *f, uint32_t v,
                         uint32_t next)
{
    uint32_t n = codec_walk_token_end(w->buf, next) - v;
    bool is = n == 4 && memcmp(w->buf + v, "true", 4) == 0;
    if (!is && (n != 5 || memcmp(w->buf + v, "false", 5) != 0))
        return codec_value_other(w, f, v, next);
    codec_walk_store(w, f, is);
    return true;
}

/* One column's value. */
static bool take(struct codec_walk *w, const struct codec_field *f, uint32_t v, uint32_t next)
{
    w->bad.w[f->column / 64] &=
        ~(UINT64_C(1) << (f->column % 64)); /* of a doubled key the last counts */
    switch (f->type.kind) {
    case TYPE_STRING:
        return take_string(w, f, v, next);
    case TYPE_TIMESTAMP:
        return take_time(w, f, v, next);
    case TYPE_BOOLEAN:
        return take_boolean(w, f, v, next);
    default:
        return take_number(w, f, v, next);
    }
}

static bool walk_object(struct codec_walk *w, struct codec_node *node);

/* The value at w->at, whatever it is; on true w->at is after it. */
static __attribute__((noinline)) bool take_any(struct codec_walk *w, const struct codec_field *f)
{
    uint32_t v = *w->at, next = w->at[1];
    bool container = w->buf[v] == '{' || w->buf[v] == '[';
    for (const struct codec_field *g = f; g != NULL && g->column >= 0; g = g->also)
        if (!take(w, g, v, next))
            return false;
    if (f->inside != NULL) { /* of a doubled key the last counts, with all that is in it */
        for (unsigned i = 0; i < SCHEMA_COLUMNS_MAX / 64; i++) {
            w->have.w[i] &= ~f->inside->under.w[i];
            w->bad.w[i] &= ~f->inside->under.w[i];
        }
        if (w->buf[v] == '{')
            return walk_object(w, f->inside);
    }
    if (container || f->column < 0)
        return skip_value(w);
    w->at++;
    return true;
}

static const struct codec_field *no_key(struct codec_walk *w, const char *what)
{
    codec_walk_refuse(w, what);
    return NULL;
}

/* The field of the key at w->at, which is not the one that was guessed. NULL: no key and colon. */
static __attribute__((noinline)) const struct codec_field *
find_key(struct codec_walk *w, struct codec_node *node, unsigned *guess)
{
    enum { AHEAD = 4 }; /* optional fields: how many of them may be left out at once */
    const char *key = w->buf + *w->at + 1;
    char small[CODEC_GUESS_KEY_MAX];
    uint32_t close = codec_walk_token_end(w->buf, w->at[1]) - 1;
    if (w->buf[*w->at] != '"' || w->buf[close] != '"' || close <= *w->at)
        return no_key(w, "a key is expected");
    if (w->buf[w->at[1]] != ':')
        return no_key(w, "a colon is expected after a key");
    for (unsigned i = *guess + 1; i < CODEC_GUESSES && i <= *guess + AHEAD; i++)
        if (codec_shape_is(&node->guesses[i], key - 1)) {
            *guess = i + 1;
            return node->guesses[i].field;
        }
    size_t n = close - *w->at - 1;
    if (memchr(key, '\\', n) == NULL)
        return codec_shape_find(&w->shape, node, guess, key, n);
    char *plain = n <= sizeof small ? small : arena_alloc(w->b->arena, n);
    n = codec_value_unescape(key, n, plain);
    if (n == SIZE_MAX)
        return no_key(w, "a key has an invalid escape");
    unsigned none = CODEC_GUESSES;
    return codec_shape_find(&w->shape, node, &none, plain, n);
}

/* Where strings go, if there is room for all that are yet to come on the line, so that none has to ask; NULL: there is
 * not. A long line does not get as much as it has bytes: most of it may be of other fields. */
static char *room_for_rest(struct codec_walk *w)
{
    enum { LINE_MAX_BYTES = 1024 };
    size_t rest = w->end - *w->at;
    if ((size_t)(w->text.end - w->text.at) >= rest + CODEC_COPY)
        return w->text.at;
    return rest <= LINE_MAX_BYTES ? codec_walk_room(w, rest) : NULL;
}

/* The columns of the guesses in [from, to) have values. */
static inline void account(struct codec_walk *w, const struct codec_node *node,
                           const struct codec_guess *from, const struct codec_guess *to)
{
    if (__builtin_expect(from == node->guesses, 1)) {
        colset_union(&w->have, &node->before[to - node->guesses]);
        return;
    }
    for (; from < to; from++)
        w->have.w[(unsigned)from->field->column / 64] |= from->field->bit;
}

/* One member after the other, none of them guessed: when a value was wrong, so that the last of a doubled key can mend
 * it. w->at is at a key, or at what should be one. */
static bool walk_carefully(struct codec_walk *w, struct codec_node *node)
{
    for (;;) {
        unsigned guess = CODEC_GUESSES;
        if (w->at[3] >= w->end)
            return codec_walk_refuse(w, "it ends too early");
        const struct codec_field *f = find_key(w, node, &guess);
        if (f == NULL)
            return false;
        w->at += 2;
        if (!(f->op == CODEC_OP_SKIP ? skip_value(w) : take_any(w, f)))
            return false;
        if (*w->at >= w->end)
            return codec_walk_refuse(w, "it ends too early");
        if (w->buf[*w->at] != ',')
            return true;
        w->at++;
    }
}

/* Where the loop over the members of an object is. */
struct cursor {
    const uint32_t *at; /* at[0]: the key, at[2]: the value, at[3]: what comes next */
    const struct codec_guess *g; /* for the key */
    char *text; /* where the next string goes; NULL: strings are cold */
};

/* Is one in the first n bytes, n at most CODEC_COPY? So many are read. */
static inline bool has_backslash(const char *p, size_t n)
{
    uint64_t bits = 0;
#ifdef __SSE2__
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i *at = (const __m128i *)(const void *)p;
    bits = (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(at), backslash)) |
           (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(at + 1), backslash))
               << 16;
#else
    for (unsigned i = 0; i < CODEC_COPY; i++)
        bits |= (uint64_t)(p[i] == '\\') << i;
#endif
    return (bits & ((UINT64_C(1) << n) - 1)) != 0;
}

/* Members as they mostly are: the guessed key with a colon directly behind it; a string of some bytes without escapes, or
 * a number of some digits, with the next place directly behind it. True: the last member is done, at[0] is what follows
 * it. False: at[0] is the key of a member that is not so. It calls nothing, so that all it needs stays in registers. */
static bool run_members(struct codec_walk *w, struct cursor *c)
{
    const char *const buf = w->buf;
    const uint32_t *at = c->at, end = w->end;
    const struct codec_guess *g = c->g;
    char *text = c->text;
    const size_t too_long = text == NULL ? 0 : CODEC_COPY + 1, row = w->row;
    bool is_last = false;
    while (__builtin_expect(codec_shape_is(g, buf + at[0]) && at[3] < end, 1)) {
        const char *p = buf + at[2];
        const size_t n = at[3] - at[2];
        const struct codec_field *f = g->field;
        int64_t v;
        if (g->op <= CODEC_OP_STRING_KEEP) {
            if (n - 2 >= too_long || p[0] != '"' || p[n - 1] != '"' ||
                (w->has_escapes && has_backslash(p + 1, n - 2)))
                break;
            if (g->op == CODEC_OP_STRING_KEEP) {
                struct str *cell = (struct str *)w->cells[f->column] + row;
                __builtin_prefetch(cell + 8,
                                   1); /* stores wait for each other: a miss holds up the rest */
                memcpy(text, p + 1,
                       CODEC_COPY); /* of constant size: two moves; both sides have the room */
                *cell = (struct str){text, (uint32_t)n - 2, 0};
                text += n - 2;
            }
        } else {
            if (g->op == CODEC_OP_FIXED) {
                if (!codec_number_fixed_fast(p, n, f->type.precision, f->type.scale, &v))
                    break;
            } else if (g->op > CODEC_OP_FIXED || !codec_number_digits16(p, n, (uint64_t *)&v)) {
                break;
            } else if (g->op == CODEC_OP_TIME) {
                if (v > EVTIME_LAST)
                    break;
                if (f->column == w->schema->time_column)
                    w->time = v;
            }
            if (f->wanted)
                ((int64_t *)w->cells[f->column])[row] = v;
        }
        g++;
        at += 3;
        if (__builtin_expect(buf[*at] != ',', 0)) {
            is_last = true;
            break;
        }
        at++;
    }
    *c = (struct cursor){at, g, text};
    return is_last;
}

/* A member of any kind: c->at is its key, on true what follows it. */
static bool cold_member(struct codec_walk *w, struct codec_node *node, struct cursor *c)
{
    const struct codec_field *f;
    w->at = c->at;
    if (c->at[3] >= w->end)
        return codec_walk_refuse(w, "it ends too early");
    if (codec_shape_is(c->g, w->buf + c->at[0])) {
        f = c->g++->field;
    } else {
        unsigned guess = (unsigned)(c->g - node->guesses);
        f = find_key(w, node, &guess);
        if (f == NULL)
            return false;
        c->g = node->guesses + guess;
    }
    w->at += 2;
    if (!(f->op == CODEC_OP_SKIP ? skip_value(w) : take_any(w, f)))
        return false;
    c->at = w->at;
    return *w->at < w->end || codec_walk_refuse(w, "it ends too early");
}

/* The members of the object whose opening brace is before w->at, which is at the first key; to after the last value.
 * Which columns have a value follows from the guesses that were right, and is put together at the end of each run. */
static bool walk_members(struct codec_walk *w, struct codec_node *node)
{
    struct cursor c = {.at = w->at, .g = node->guesses};
    for (;;) {
        const struct codec_guess *from = c.g;
        c.text = room_for_rest(w);
        bool is_last = run_members(w, &c);
        account(w, node, from, c.g);
        if (c.text != NULL)
            w->text.at = c.text;
        w->at = c.at;
        if (is_last)
            return true;
        if (!cold_member(w, node, &c))
            return false;
        if (w->buf[*c.at] != ',')
            return true;
        w->at = ++c.at;
        if (w->is_bad)
            return walk_carefully(w, node);
    }
}

/* w->at is at the opening brace; on true, after the closing one. */
static bool walk_object(struct codec_walk *w, struct codec_node *node)
{
    w->at++;
    if (*w->at >= w->end)
        return codec_walk_refuse(w, "it ends too early");
    if (w->buf[*w->at] != '}' && !walk_members(w, node))
        return false;
    if (w->buf[*w->at] != '}')
        return codec_walk_refuse(w, "a comma or a closing brace is expected");
    w->at++;
    return true;
}

static void missing(struct codec_walk *w, unsigned c)
{
    const struct column *column = &w->schema->columns[c];
    struct codec_field f = {.path = column->path != NULL ? column->path : column->name,
                            .column = (int)c};
    if (colset_has(&w->null, c))
        codec_value_problem(w, CODEC_MISSING, &f, "field '%s' must not be null", f.path);
    else
        codec_value_problem(w, CODEC_MISSING, &f, "field '%s' is missing", f.path);
}

/* Columns without a value: NULL, if they may be. */
static const char nothing[DICT_PADDING]; /* the text of a NULL, as long as dict_fill reads */

static bool finish_row(struct codec_walk *w)
{
    unsigned words = (w->schema->ncolumns + 63) / 64;
    int time_column = w->schema->time_column;
    bool needs_time = w->schema->time == TIME_EVENT && time_column >= 0;
    for (unsigned i = 0; i < words; i++)
        for (uint64_t left = w->shape.inputs.w[i] & ~w->have.w[i]; left != 0; left &= left - 1) {
            unsigned c = i * 64 + (unsigned)__builtin_ctzll(left);
            const struct column *column = &w->schema->columns[c];
            if (column->not_null || (needs_time && (int)c == time_column)) {
                missing(w, c);
                return false;
            }
        }
    for (unsigned i = 0; i < words; i++)
        for (uint64_t left = w->shape.inputs.w[i] & ~w->have.w[i] & w->b->present.w[i]; left != 0;
             left &= left - 1) {
            unsigned c = i * 64 + (unsigned)__builtin_ctzll(left);
            struct batch_column *column = &w->b->columns[c];
            column->nulls[w->row / 64] |= UINT64_C(1) << (w->row % 64);
            column->has_nulls = true;
            if (w->schema->columns[c].type.kind == TYPE_STRING)
                column->s[w->row] = (struct str){nothing, 0, 0};
            else
                column->i[w->row] = 0;
        }
    return true;
}

/* Has a column a wrong value? The problem is told, unless a doubled key has mended just that one. */
static bool has_bad(struct codec_walk *w)
{
    for (unsigned c = 0; c < w->schema->ncolumns; c++) {
        if (!colset_has(&w->bad, c))
            continue;
        if (w->problem_column < 0 || !colset_has(&w->bad, (unsigned)w->problem_column)) {
            const char *name = w->schema->columns[c].name;
            struct codec_field f = {.path = name, .column = (int)c};
            codec_value_problem(w, CODEC_TYPE, &f, "field '%s' has a value of a wrong type", name);
        }
        return true;
    }
    return false;
}

bool codec_walk_line(struct codec_walk *w)
{
    const char *buf = w->buf;
    w->have = (struct colset){{0}};
    w->null = w->have;
    w->bad = w->have;
    w->is_bad = false;
    w->time = 0;
    if (buf[*w->at] != '{') {
        codec_value_problem(w, CODEC_OBJECT, NULL, "an event must be a JSON object, this is %s",
                            buf[*w->at] == '[' ? "an array" : "not");
        return false;
    }
    if (!walk_object(w, w->shape.root))
        return false;
    if (*w->at < w->end)
        return codec_walk_refuse(w, "there is more after the object");
    if (w->is_bad && has_bad(w))
        return false;
    return finish_row(w);
}
