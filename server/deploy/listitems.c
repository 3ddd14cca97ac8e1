/* SPDX-License-Identifier: Apache-2.0 */
#include "server/deploy/listitems.h"
#include "base/mem.h"
#include "io/codec_json.h"
#include "server/http/csv.h"
#include "server/http/json_split.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { KEY_MAX = 1024 }; /* bytes of a key's text: more is a mistake of whoever sends it */

struct listitems {
    struct list *list;
    struct arena *arena;
    struct codec_json *codec, *key_codec; /* key_codec: of the key alone */
    struct schema key_schema;
    struct column key_column;
    struct colset all, only_key;
    struct catalog_list_edit *v;
    size_t n, cap;
    struct bytes text, row;
};

struct listitems *listitems_new(struct list *l)
{
    struct listitems *it = mem_new(sizeof *it);
    const struct schema *s = list_schema(l);
    it->list = list_ref(l);
    it->arena = arena_new(16 << 10, 0);
    for (unsigned i = 0; i < s->ncolumns; i++)
        colset_add(&it->all, i);
    colset_add(&it->only_key, 0);
    it->key_column = s->columns[list_key(l)];
    it->key_schema = (struct schema){.name = s->name,
                                     .ncolumns = 1,
                                     .columns = &it->key_column,
                                     .time_column = -1};
    it->codec = codec_json_new(s, &it->all, NULL);
    it->key_codec = codec_json_new(&it->key_schema, &it->only_key, NULL);
    return it;
}

void listitems_free(struct listitems *it)
{
    if (it == NULL)
        return;
    codec_json_free(it->codec);
    codec_json_free(it->key_codec);
    list_unref(it->list);
    arena_free(it->arena);
    bytes_fini(&it->text);
    bytes_fini(&it->row);
    mem_free(it->v);
    mem_free(it);
}

struct list *listitems_list(const struct listitems *it)
{
    return it->list;
}

size_t listitems_count(const struct listitems *it)
{
    return it->n;
}

const struct catalog_list_edit *listitems_edits(const struct listitems *it)
{
    return it->v;
}

static const char *key_name(const struct listitems *it)
{
    return it->key_column.name;
}

/* --- one item ------------------------------------------------------------------------------------------------------ */

static enum err refuse(struct listitems_problem *p, const char *fmt, const char *a)
{
    snprintf(p->text, sizeof p->text, fmt, a);
    return ERR_INVALID;
}

/* row: JSON, or NULL: the item goes. */
static enum err add(struct listitems *it, union cell key, const struct bytes *row,
                    struct listitems_problem *p)
{
    struct bytes *k = &it->text;
    bytes_reset(k);
    if (!list_key_text(it->list, key, k))
        return refuse(p, "the key '%s' is not a finite number", key_name(it));
    if (k->n > KEY_MAX)
        return refuse(p, "the key '%s' is longer than 1024 bytes", key_name(it));
    if (k->n > 0 && memchr(k->p, 0, k->n) != NULL)
        return refuse(p, "the key '%s' holds a NUL character", key_name(it));
    it->v = mem_grow(it->v, it->n, 1, &it->cap, sizeof *it->v);
    it->v[it->n++] = (struct catalog_list_edit){
        .key = arena_dup(it->arena, k->n > 0 ? (const char *)k->p : "", k->n),
        .row = row != NULL ? arena_dup(it->arena, row->p, row->n) : NULL};
    return ERR_OK;
}

static void write_row(struct listitems *it, const struct value *v)
{
    const struct schema *s = list_schema(it->list);
    bytes_reset(&it->row);
    for (unsigned i = 0; i < s->ncolumns; i++) {
        bytes_u8(&it->row, i == 0 ? '{' : ',');
        value_json_string(s->columns[i].name, strlen(s->columns[i].name), &it->row);
        bytes_u8(&it->row, ':');
        value_json(&v[i], &it->row);
    }
    bytes_u8(&it->row, '}');
}

enum err listitems_values(struct listitems *it, const struct value *v, struct listitems_problem *p)
{
    write_row(it, v);
    return add(it, v[list_key(it->list)].c, &it->row, p);
}

/* An object of columns; CODEC_PADDING bytes are readable after it. */
static enum err decode(struct listitems *it, const char *text, size_t n, bool take,
                       struct listitems_problem *p)
{
    struct codec_problem why;
    struct value v[SCHEMA_COLUMNS_MAX];
    const struct schema *s = take ? &it->key_schema : list_schema(it->list);
    struct batch *b = batch_new(s, take ? &it->only_key : &it->all);
    enum err e = codec_json_row(take ? it->key_codec : it->codec, text, n, 0, b, &why);
    if (e != ERR_OK) {
        snprintf(p->text, sizeof p->text, "%s", why.text);
        e = ERR_INVALID;
    } else if (take) {
        e = add(it, batch_value(b, 0, 0).c, NULL, p);
    } else {
        for (unsigned i = 0; i < s->ncolumns; i++)
            v[i] = batch_value(b, i, 0);
        e = listitems_values(it, v, p);
    }
    batch_unref(b);
    return e;
}

static void padded(struct bytes *b)
{
    memset(bytes_reserve(b, CODEC_PADDING), 0, CODEC_PADDING);
}

/* A key alone becomes the object that it is short for. */
static void as_object(struct listitems *it, const char *text, size_t n)
{
    struct bytes *b = &it->row;
    bool object = json_split_first(text, n) == '{';
    bytes_reset(b);
    if (!object) {
        bytes_u8(b, '{');
        value_json_string(key_name(it), strlen(key_name(it)), b);
        bytes_u8(b, ':');
    }
    bytes_put(b, text, n);
    if (!object)
        bytes_u8(b, '}');
    padded(b);
}

enum err listitems_json(struct listitems *it, const char *text, size_t n, bool take,
                        struct listitems_problem *p)
{
    as_object(it, text, n);
    char *own = mem_dup(it->row.p, it->row.n + CODEC_PADDING); /* the row is written over it */
    enum err e = decode(it, own, it->row.n, take, p);
    mem_free(own);
    return e;
}

/* Of a doubled name the last counts, so the new members stand behind the old ones. */
enum err listitems_json_over(struct listitems *it, const char *old, const char *text, size_t n,
                             struct listitems_problem *p)
{
    struct bytes b = {0};
    const char *open = json_split_first(text, n) == '{' ? memchr(text, '{', n) : NULL;
    if (open == NULL)
        return refuse(p, "an object of the columns to change is wanted%s", "");
    const char *rest = open + 1;
    size_t left = n - (size_t)(rest - text), blank = strspn(rest, " \t\r\n");
    bytes_put(&b, old, strlen(old) - 1);
    if (blank < left && rest[blank] != '}')
        bytes_u8(&b, ',');
    bytes_put(&b, rest, left);
    size_t size = b.n;
    padded(&b);
    enum err e = decode(it, (const char *)b.p, size, false, p);
    bytes_fini(&b);
    return e;
}

enum err listitems_take(struct listitems *it, const char *key, size_t n,
                        struct listitems_problem *p)
{
    union cell c;
    char type[32];
    if (list_key_parse(it->list, key, n, &c))
        return add(it, c, NULL, p);
    snprintf(p->text, sizeof p->text, "'%.*s' is no %s, which the key '%s' is",
             (int)(n < 64 ? n : 64), key, schema_type_name(it->key_column.type, type),
             key_name(it));
    return ERR_INVALID;
}

/* --- CSV ----------------------------------------------------------------------------------------------------------- */

struct csv_plan { /* which column a field is */
    unsigned n;
    int column[CSV_FIELDS_MAX];
};

static bool is_field(const struct csv_field *f, const char *name)
{
    return strlen(name) == f->n && strncasecmp(f->p, name, f->n) == 0;
}

static bool names_key(const struct listitems *it, const struct csv *c)
{
    for (unsigned i = 0; i < c->n; i++)
        if (is_field(&c->fields[i], key_name(it)))
            return true;
    return false;
}

static enum err read_header(const struct listitems *it, const struct csv *c, struct csv_plan *plan,
                            struct listitems_problem *p)
{
    const struct schema *s = list_schema(it->list);
    uint64_t seen[SCHEMA_COLUMNS_MAX / 64] = {0};
    plan->n = c->n;
    for (unsigned i = 0; i < c->n; i++) {
        const struct csv_field *f = &c->fields[i];
        int column = schema_column(s, f->p, f->n);
        if (column < 0 || (seen[column / 64] >> (column % 64) & 1)) {
            snprintf(p->text, sizeof p->text, "list %s has no column '%.*s'%s", s->name,
                     (int)(f->n < 64 ? f->n : 64), f->p, column < 0 ? "" : " twice");
            return ERR_INVALID;
        }
        seen[column / 64] |= UINT64_C(1) << (column % 64);
        plan->column[i] = column;
    }
    return ERR_OK;
}

/* A field as JSON that the codec reads as it reads an event's. */
static enum err write_field(const struct listitems *it, const struct column *col,
                            const struct csv_field *f, struct bytes *out,
                            struct listitems_problem *p)
{
    struct value v = {.type = col->type};
    char type[32];
    (void)it;
    if (f->n == 0 && !f->quoted) {
        bytes_put(out, "null", 4);
    } else if (col->type.kind == TYPE_STRING) {
        value_json_string(f->p, f->n, out);
    } else if (value_parse_text(col->type, f->p, f->n, &v.c)) {
        value_json(&v, out);
    } else {
        snprintf(p->text, sizeof p->text, "field '%s' must be %s, is '%.*s'", col->name,
                 schema_type_name(col->type, type), (int)(f->n < 64 ? f->n : 64), f->p);
        return ERR_INVALID;
    }
    return ERR_OK;
}

static enum err read_record(struct listitems *it, const struct csv *c, const struct csv_plan *plan,
                            bool take, struct listitems_problem *p)
{
    const struct schema *s = list_schema(it->list);
    struct bytes b = {0};
    enum err e = ERR_OK;
    if (c->n > plan->n) {
        snprintf(p->text, sizeof p->text, "the line has %u fields, and there are %u columns", c->n,
                 plan->n);
        return ERR_INVALID;
    }
    bytes_u8(&b, '{');
    for (unsigned i = 0; i < c->n && e == ERR_OK; i++) {
        const struct column *col = &s->columns[plan->column[i]];
        if (i > 0)
            bytes_u8(&b, ',');
        value_json_string(col->name, strlen(col->name), &b);
        bytes_u8(&b, ':');
        e = write_field(it, col, &c->fields[i], &b, p);
    }
    bytes_u8(&b, '}');
    size_t size = b.n;
    padded(&b);
    if (e == ERR_OK)
        e = decode(it, (const char *)b.p, size, take, p);
    bytes_fini(&b);
    return e;
}

enum err listitems_csv(struct listitems *it, const char *text, size_t n, bool take, size_t max,
                       struct listitems_problem *p)
{
    struct csv c;
    struct csv_plan plan = {.n = list_schema(it->list)->ncolumns};
    bool first = true;
    enum err e;
    for (unsigned i = 0; i < plan.n; i++)
        plan.column[i] = (int)i;
    csv_init(&c, text, n);
    while ((e = csv_next(&c)) == ERR_OK) {
        if (first && names_key(it, &c))
            e = read_header(it, &c, &plan, p);
        else if (it->n == max)
            e = ERR_LIMIT;
        else
            e = read_record(it, &c, &plan, take, p);
        first = false;
        if (e != ERR_OK)
            break;
    }
    if (e == ERR_INVALID && c.why != NULL)
        snprintf(p->text, sizeof p->text, "%s", c.why);
    p->what = "line";
    p->at = c.line;
    csv_fini(&c);
    return e == ERR_END ? ERR_OK : e;
}
