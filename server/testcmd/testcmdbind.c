/* SPDX-License-Identifier: Apache-2.0
 *
 * A row becomes the JSON text that a client would have posted, so that decoder, types and paths are the server's own. */
#include "server/testcmd/testcmdbind.h"
#include "base/arena.h"
#include "base/mem.h"
#include "server/eval/evalline.h"
#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>

struct binding {
    const struct testcmdbind_rules *r;
    const struct testcmdfile_test *t;
    struct arena *arena;
    struct diag *d;
    struct testcmdbind *out;
    uint64_t *places; /* next of each stream */
};

/* --- names --------------------------------------------------------------------------------------- */

static char *hint_of(struct binding *b, const char *name, const char *const *names, size_t n)
{
    const char *near = diag_nearest(name, names, n);
    return near ? arena_printf(b->arena, "did you mean '%s'?", near) : NULL;
}

static const struct schema *find_stream(struct binding *b, const char *name, struct span at)
{
    const char **names = mem_array(b->r->nstreams + 1, sizeof *names);
    const struct schema *found = NULL;
    for (unsigned i = 0; i < b->r->nstreams; i++) {
        names[i] = b->r->streams[i]->name;
        if (strcasecmp(names[i], name) == 0)
            found = b->r->streams[i];
    }
    if (!found)
        diag_error(b->d, "unknown-stream", at, hint_of(b, name, names, b->r->nstreams),
                   "there is no stream '%.*s'", TESTCMDFILE_SHOWN_MAX, name);
    mem_free(names);
    return found;
}

/* That of ON, of the test, or the only one there is. */
static const struct schema *stream_of(struct binding *b, const struct testcmdfile_event *e)
{
    if (e->stream)
        return find_stream(b, e->stream, e->stream_at);
    if (b->t->stream)
        return find_stream(b, b->t->stream, b->t->stream_at);
    if (b->r->nstreams == 1)
        return b->r->streams[0];
    diag_error(b->d, "unknown-stream", e->at, "TEST 'name' ON stream, or AT 0s ON stream …",
               "there are several streams: say which this event is of");
    return NULL;
}

static const struct rule_plan *find_rule(struct binding *b, const struct testcmdfile_expect *e)
{
    const char **names = mem_array(b->r->nrules + 1, sizeof *names);
    const struct rule_plan *found = NULL;
    for (unsigned i = 0; i < b->r->nrules; i++) {
        names[i] = b->r->rules[i].plan->name;
        if (strcasecmp(names[i], e->rule) == 0)
            found = b->r->rules[i].plan;
    }
    if (!found)
        diag_error(b->d, "unknown-rule", e->rule_at, hint_of(b, e->rule, names, b->r->nrules),
                   "there is no rule '%.*s'", TESTCMDFILE_SHOWN_MAX, e->rule);
    mem_free(names);
    return found;
}

static const struct column *find_column(struct binding *b, const struct schema *s,
                                        const struct testcmdfile_field *f, bool quiet)
{
    const char *names[SCHEMA_COLUMNS_MAX];
    for (unsigned i = 0; i < s->ncolumns; i++) {
        names[i] = s->columns[i].name;
        if (strcasecmp(names[i], f->name) == 0)
            return &s->columns[i];
    }
    if (!quiet)
        diag_error(b->d, "unknown-column", f->at, hint_of(b, f->name, names, s->ncolumns),
                   "no column '%.*s' in stream %s", TESTCMDFILE_SHOWN_MAX, f->name, s->name);
    return NULL;
}

/* --- events -------------------------------------------------------------------------------------- */

static json_t *event_value(const struct testcmdfile_literal *l, struct type type)
{
    int64_t whole;
    double number;
    char text[TIMEBASE_TEXT];
    switch (l->kind) {
    case TESTCMDFILE_BOOLEAN:
        return json_boolean(l->ms);
    case TESTCMDFILE_STRING:
        return json_stringn(l->text, l->n);
    case TESTCMDFILE_DURATION:
    case TESTCMDFILE_TIME:
        timebase_format(l->kind == TESTCMDFILE_TIME ? l->ms : TESTCMDFILE_START + l->ms, text);
        return json_string(text);
    case TESTCMDFILE_NUMBER:
        if (type.kind == TYPE_DECIMAL)
            return json_stringn(l->text, l->n); /* read digit by digit */
        if (type.kind == TYPE_BIGINT && value_parse_bigint(l->text, l->n, &whole))
            return json_integer(whole);
        return value_parse_double(l->text, l->n, &number) ? json_real(number) : NULL;
    default:
        return json_null();
    }
}

/* Sets a.b.c of the event, as the column's path says. */
static bool set_path(json_t *object, const char *path, json_t *value)
{
    const char *dot = strchr(path, '.');
    if (!dot)
        return json_object_set_new(object, path, value) == 0;
    json_t *inner = json_object_getn(object, path, (size_t)(dot - path));
    if (!json_is_object(inner)) {
        inner = json_object();
        json_object_setn_new(object, path, (size_t)(dot - path), inner);
    }
    return set_path(inner, dot + 1, value);
}

static bool set_column(struct binding *b, json_t *object, const struct schema *s,
                       const struct testcmdfile_field *f, bool quiet)
{
    const struct column *c = find_column(b, s, f, quiet);
    if (!c)
        return quiet;
    if (c->computed) {
        diag_error(b->d, "test", f->at, NULL, "%s is computed from other columns", c->name);
        return false;
    }
    const char *path = c->path ? c->path : c->name;
    json_t *value = event_value(&f->value, c->type);
    if (value && set_path(object, path, value))
        return true;
    diag_error(b->d, "test", f->value.at, NULL, "this value cannot be put into column %s", c->name);
    return false;
}

/* Defaults from the oldest to the newest, then the row's own, so that the last counts. */
static bool set_defaults(struct binding *b, json_t *object, const struct schema *s,
                         const struct testcmdfile_default *newest)
{
    bool good = true;
    size_t n = 0;
    for (const struct testcmdfile_default *d = newest; d; d = d->older)
        n++;
    const struct testcmdfile_default **list = mem_array(n + 1, sizeof *list);
    for (const struct testcmdfile_default *d = newest; d; d = d->older)
        list[--n] = d;
    for (size_t i = 0; list[i]; i++)
        if (!list[i]->stream || strcasecmp(list[i]->stream, s->name) == 0)
            good &= set_column(b, object, s, list[i]->field, !list[i]->stream);
    mem_free(list);
    return good;
}

static bool put_row(struct binding *b, const struct testcmdfile_event *e, const struct schema *s)
{
    json_t *object = json_object();
    bool good = set_defaults(b, object, s, e->defaults);
    if (s->time != TIME_EVENT) /* it arrives then */
        bytes_printf(&b->out->lines, "{\"processing_time\":%" PRId64 "}\n", e->time);
    if (s->time_column >= 0) {
        const struct column *c = &s->columns[s->time_column];
        if (!c->computed)
            set_path(object, c->path ? c->path : c->name, json_integer(e->time));
    }
    for (const struct testcmdfile_field *f = e->fields; f; f = f->next)
        good &= set_column(b, object, s, f, false);
    if (b->r->nstreams > 1)
        json_object_set_new(object, "_stream", json_string(s->name));
    char *text = json_dumps(object, JSON_COMPACT);
    bytes_printf(&b->out->lines, "%s\n", text ? text : "");
    free(text);
    json_decref(object);
    return good;
}

/* As it stands, with its stream in front; what comes first of a doubled key does not count. */
static void put_json(struct binding *b, const struct testcmdfile_event *e, const struct schema *s)
{
    size_t at = 1;
    struct bytes *out = &b->out->lines;
    while (at < e->json_n && strchr(" \t", e->json[at]))
        at++;
    bytes_u8(out, '{');
    if (b->r->nstreams > 1) {
        bytes_printf(out, "\"_stream\":");
        value_json_string(s->name, strlen(s->name), out);
        if (e->json[at] != '}')
            bytes_u8(out, ',');
    }
    bytes_put(out, e->json + 1, e->json_n - 1);
    bytes_u8(out, '\n');
}

static void note_place(struct binding *b, const struct schema *s, struct span at)
{
    struct testcmdbind *o = b->out;
    unsigned i = 0;
    while (b->r->streams[i] != s)
        i++;
    o->places = mem_grow(o->places, o->nplaces, 1, &o->places_cap, sizeof *o->places);
    o->places[o->nplaces++] = (struct testcmdbind_place){s->id, b->places[i]++, at};
}

static bool bind_event(struct binding *b, const struct testcmdfile_event *e)
{
    if (e->kind == TESTCMDFILE_WATERMARK) {
        bytes_printf(&b->out->lines, "{\"watermark\":%" PRId64 "}\n", e->time);
        return true;
    }
    const struct schema *s = stream_of(b, e);
    if (!s)
        return false;
    if (e->kind == TESTCMDFILE_ROW) {
        note_place(b, s, e->at);
        return put_row(b, e, s);
    }
    if (evalline_read(e->json, e->json_n).kind == EVALLINE_EVENT)
        note_place(b, s, e->at);
    put_json(b, e, s);
    return true;
}

/* --- what is expected ---------------------------------------------------------------------------- */

static bool value_of(const struct testcmdfile_literal *l, struct type type, struct value *v)
{
    *v = (struct value){.type = type, .null = l->kind == TESTCMDFILE_NULL};
    bool number = l->kind == TESTCMDFILE_NUMBER, time = l->kind == TESTCMDFILE_TIME;
    if (v->null)
        return true;
    switch (type.kind) {
    case TYPE_BOOLEAN:
        v->c.i = l->ms;
        return l->kind == TESTCMDFILE_BOOLEAN;
    case TYPE_BIGINT:
        return number && value_parse_bigint(l->text, l->n, &v->c.i);
    case TYPE_DOUBLE:
        return number && value_parse_double(l->text, l->n, &v->c.d);
    case TYPE_DECIMAL:
        return number && value_parse_decimal(l->text, l->n, type.precision, type.scale, &v->c.i);
    case TYPE_STRING:
        v->c.s = (struct str){.p = l->text, .n = (uint32_t)l->n};
        return l->kind == TESTCMDFILE_STRING;
    case TYPE_TIMESTAMP:
        v->c.i = time ? l->ms : TESTCMDFILE_START + l->ms;
        if (l->kind == TESTCMDFILE_STRING)
            return timebase_parse(l->text, l->n, &v->c.i);
        return (time || l->kind == TESTCMDFILE_DURATION) && v->c.i <= EVTIME_LAST &&
               v->c.i >= EVTIME_FIRST;
    case TYPE_INTERVAL:
        v->c.i = l->ms;
        return l->kind == TESTCMDFILE_DURATION;
    default:
        return false;
    }
}

static bool cell_of(struct binding *b, const struct testcmdfile_field *f, const char *name,
                    struct type type, struct testcmdbind_cell *out)
{
    char type_name[32];
    struct value v;
    struct bytes text = {0};
    if (!value_of(&f->value, type, &v)) {
        diag_error(b->d, "type", f->value.at, NULL, "%s is %s, and this is no value of that type",
                   name, schema_type_name(type, type_name));
        return false;
    }
    value_json(&v, &text);
    *out = (struct testcmdbind_cell){name, arena_dup(b->arena, text.p, text.n)};
    bytes_fini(&text);
    return true;
}

/* A column of the result: a rule's output, an event's column if it was late, a word about an error. */
static bool bind_cell(struct binding *b, const struct testcmdbind_expect *e,
                      const struct testcmdfile_field *f, struct testcmdbind_cell *out)
{
    static const char *const words[] = {"code", "reason", "stream", "raw"};
    static const struct type text = {.kind = TYPE_STRING};
    const char *names[PLAN_OUTPUTS_MAX];
    size_t n = 0;
    if (e->from->kind == RESULT_ERROR && !e->rule) {
        for (; n < 4; n++)
            if (strcasecmp(names[n] = words[n], f->name) == 0)
                return cell_of(b, f, words[n], text, out);
    } else if (e->from->kind == RESULT_LATE) {
        const struct schema *s[PLAN_STREAMS_MAX] = {b->r->streams[0]};
        unsigned nstreams = e->rule ? plan_streams(e->rule, s) : 1;
        for (unsigned k = 0; k < nstreams; k++)
            for (unsigned i = 0; i < s[k]->ncolumns && n < PLAN_OUTPUTS_MAX; i++, n++)
                if (strcasecmp(names[n] = s[k]->columns[i].name, f->name) == 0)
                    return cell_of(b, f, names[n], s[k]->columns[i].type, out);
    } else {
        for (; n < e->rule->noutputs; n++)
            if (strcasecmp(names[n] = e->rule->outputs[n].name, f->name) == 0)
                return cell_of(b, f, names[n], e->rule->outputs[n].type, out);
    }
    diag_error(b->d, "unknown-column", f->at, hint_of(b, f->name, names, n),
               "a result of %s has no column '%.*s'", e->rule ? e->rule->name : "this kind",
               TESTCMDFILE_SHOWN_MAX, f->name);
    return false;
}

static bool bind_expect(struct binding *b, const struct testcmdfile_expect *from,
                        struct testcmdbind_expect *e)
{
    *e = (struct testcmdbind_expect){.from = from};
    if (from->rule && !(e->rule = find_rule(b, from)))
        return false;
    unsigned n = 0;
    for (const struct testcmdfile_field *f = from->fields; f; f = f->next)
        n++;
    struct testcmdbind_cell *cells = arena_alloc(b->arena, (n + 1) * sizeof *cells);
    bool good = true;
    for (const struct testcmdfile_field *f = from->fields; f; f = f->next)
        good &= bind_cell(b, e, f, &cells[e->ncells++]);
    e->cells = cells;
    return good;
}

bool testcmdbind_test(const struct testcmdbind_rules *r, const struct testcmdfile_test *t,
                      struct arena *arena, struct diag *d, struct testcmdbind *out)
{
    *out = (struct testcmdbind){0};
    struct binding b = {r, t, arena, d, out, mem_array(r->nstreams + 1, sizeof(uint64_t))};
    int errors = d->errors;
    bool good = true;
    if (t->stream && !find_stream(&b, t->stream, t->stream_at))
        good = false;
    for (const struct testcmdfile_event *e = t->events; e && d->errors - errors < 20 && good;
         e = e->next)
        (void)bind_event(&b, e);
    out->expects = arena_zero(arena, (t->nexpects + 1) * sizeof *out->expects);
    for (const struct testcmdfile_expect *e = t->expects; e; e = e->next)
        (void)bind_expect(&b, e, &out->expects[out->nexpects++]);
    mem_free(b.places);
    return good && d->errors == errors;
}

void testcmdbind_fini(struct testcmdbind *b)
{
    bytes_fini(&b->lines);
    mem_free(b->places);
}
