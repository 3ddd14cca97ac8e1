/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/derived.h"
#include "base/bug.h"
#include "cep/table.h"
#include <string.h>
#include <strings.h>

/* A number: the highest bit, three bits of kind, 28 of the uid. */
enum { KIND_SHIFT = DERIVED_UID_BITS, REASON_ROOM = 2 };
static const uint32_t derived_bit = UINT32_C(1) << 31, uid_mask = (UINT32_C(1) << KIND_SHIFT) - 1;

/* A kind of number, not of stream: see derived.h. */
static const uint32_t errors_bits = UINT32_C(6) << KIND_SHIFT;

const char *const derived_error_names[DERIVED_ERROR_COLUMNS] = {
    [DERIVED_ERROR_CODE] = "code",
    [DERIVED_ERROR_REASON] = "reason",
    [DERIVED_ERROR_RAW] = "raw",
    [DERIVED_ERROR_PARTITION] = "source_partition",
    [DERIVED_ERROR_OFFSET] = "source_offset",
};

uint32_t derived_id(enum derived_kind k, uint64_t uid)
{
    BUG_IF(k == DERIVED_NOT || uid > uid_mask, "derived stream of kind %u and number %llu",
           (unsigned)k, (unsigned long long)uid);
    return derived_bit | (uint32_t)k << KIND_SHIFT | (uint32_t)uid;
}

enum derived_kind derived_kind(uint32_t stream)
{
    uint32_t k = (stream & ~derived_bit) >> KIND_SHIFT;
    bool is = (stream & derived_bit) != 0 && (k <= DERIVED_STREAM_LATE || k == DERIVED_LOOKUP);
    return is ? (enum derived_kind)k : DERIVED_NOT;
}

uint64_t derived_uid(uint32_t stream)
{
    return stream & uid_mask;
}

const char *derived_kind_name(enum derived_kind k)
{
    return k == DERIVED_LATE || k == DERIVED_STREAM_LATE ? "LATE"
           : k == DERIVED_TIMEOUTS                       ? "TIMEOUTS"
           : k == DERIVED_ERRORS                         ? "ERRORS"
                                                         : NULL;
}

/* Does this output say when the result is? */
static bool is_time(const struct rule_plan *p, const struct expr *e)
{
    switch (p->shape) {
    case RULE_MATCH:
        return e->kind == EXPR_MATCH_ROWTIME;
    case RULE_WINDOW: /* window_time */
        return e->kind == EXPR_SLOT && e->index == p->key.n + 2;
    case RULE_FILTER:
    case RULE_OVER:
        return e->kind == EXPR_COLUMN && (int)e->index == p->input->time_column;
    default:
        return false;
    }
}

static struct schema *schema_new(enum derived_kind k, const char *of, const struct schema *from,
                                 unsigned room, struct arena *a)
{
    struct schema *s = arena_zero(a, sizeof *s);
    const char *side = derived_kind_name(k);
    s->of = arena_str(a, of);
    s->name = side == NULL ? s->of : arena_printf(a, "%s.%s", of, side);
    s->sql = "";
    s->connector = "rule";
    s->partitions = 1;
    s->time_column = -1;
    s->derived = k;
    s->from = from;
    s->stage = from->stage + 1;
    s->idle_timeout_ms =
        from->idle_timeout_ms; /* the clock moves it as it moves what it is made from */
    s->time = from->time == TIME_PROCESSING ? TIME_PROCESSING : TIME_EVENT;
    s->columns = arena_zero(a, room * sizeof *s->columns);
    return s;
}

static struct column *add_column(struct schema *s, const char *name, struct type t, struct arena *a)
{
    struct column *c = (struct column *)(uintptr_t)&s->columns[s->ncolumns++]; /* ours still */
    *c = (struct column){.name = arena_str(a, name), .type = t};
    return c;
}

static void add_rowtime(struct schema *s, struct arena *a)
{
    s->time_column = (int)s->ncolumns;
    add_column(s, DERIVED_ROWTIME, (struct type){.kind = TYPE_TIMESTAMP}, a)->hidden = true;
}

/* A join's other side. */
static void add_side(struct schema *s, const struct schema *with)
{
    s->with = with;
    s->stage = with->stage + 1 > s->stage ? with->stage + 1 : s->stage;
    if (with->idle_timeout_ms > 0 && s->idle_timeout_ms == 0)
        s->idle_timeout_ms = with->idle_timeout_ms;
}

static struct schema *late_schema(enum derived_kind k, const char *of, const struct schema *from,
                                  struct arena *a)
{
    struct schema *s = schema_new(k, of, from, from->ncolumns + 1, a);
    for (unsigned i = 0; i < from->ncolumns; i++)
        if (!from->columns[i].hidden)
            add_column(s, from->columns[i].name, from->columns[i].type, a);
        else if (i + 1 < from->ncolumns) /* columns keep their numbers */
            add_column(s, "", from->columns[i].type, a)->hidden = true;
    if (s->ncolumns == SCHEMA_COLUMNS_MAX)
        return NULL;
    add_rowtime(s, a);
    s->keeps_places = true;
    return s;
}

struct schema *derived_schema(const struct rule_plan *p, enum derived_kind k, uint32_t id,
                              struct arena *a)
{
    struct schema *s = NULL;
    if (k == DERIVED_LATE && p->shape == RULE_JOIN)
        return NULL;
    if (k == DERIVED_LATE) {
        s = late_schema(k, p->name, p->input, a);
        if (s != NULL)
            s->id = id;
        return s;
    }
    s = schema_new(k, p->name, p->input, p->noutputs + REASON_ROOM, a);
    s->id = id;
    s->keeps_places = derived_keeps_place(p);
    if (p->shape == RULE_JOIN)
        add_side(s, p->join.side[JOIN_LEFT].schema == p->input ? p->join.side[JOIN_RIGHT].schema
                                                               : p->join.side[JOIN_LEFT].schema);
    for (unsigned i = 0; i < p->noutputs; i++) {
        add_column(s, p->outputs[i].name, p->outputs[i].type, a);
        if (s->time_column < 0 && is_time(p, p->outputs[i].e))
            s->time_column = (int)i;
    }
    if (k == DERIVED_ERRORS && schema_column(s, "reason", strlen("reason")) < 0)
        add_column(s, "reason", (struct type){.kind = TYPE_STRING}, a);
    if (s->time_column < 0)
        add_rowtime(s, a);
    return s->ncolumns <= SCHEMA_COLUMNS_MAX ? s : NULL;
}

struct schema *derived_lookup(const struct schema *from, const struct table *table, uint32_t uid,
                              struct arena *a)
{
    unsigned n = from->ncolumns + table->schema->ncolumns;
    if (n > SCHEMA_COLUMNS_MAX)
        return NULL;
    struct schema *s = arena_alloc(a, sizeof *s);
    *s = *from;
    struct column *columns = arena_zero(a, n * sizeof *columns);
    s->columns = columns;
    for (s->ncolumns = 0; s->ncolumns < n; s->ncolumns++) {
        unsigned i = s->ncolumns;
        const struct column *c =
            i < from->ncolumns ? &from->columns[i] : &table->schema->columns[i - from->ncolumns];
        const char *name = c->name;
        while (i >= from->ncolumns && schema_column(s, name, strlen(name)) >= 0)
            name = arena_printf(a, "%s.%s", table->schema->name, name);
        columns[i] = (struct column){.name = name, .type = c->type, .hidden = c->hidden};
    }
    s->id = derived_id(DERIVED_LOOKUP, uid);
    s->punctuated = NULL;
    s->derived = DERIVED_LOOKUP;
    s->copy_of = NULL;
    s->name = arena_printf(a, "%s+%s.%x", from->name, table->schema->name, (unsigned)uid);
    s->of = from->of != NULL ? from->of : from->name;
    s->from = from;
    s->with = NULL;
    s->stage = from->stage + 1;
    s->keeps_places = true;
    s->table = table;
    return s;
}

struct schema *derived_late_of(const struct schema *from, struct arena *a)
{
    struct schema *s = late_schema(DERIVED_STREAM_LATE, from->name, from, a);
    if (s != NULL)
        s->id = derived_id(DERIVED_STREAM_LATE, from->id);
    return s;
}

uint32_t derived_errors_id(uint32_t stream)
{
    BUG_IF(stream > uid_mask, "ERRORS of stream %u", stream);
    return derived_bit | errors_bits | stream;
}

uint32_t derived_errors_stream(uint32_t id)
{
    return (id & ~uid_mask) == (derived_bit | errors_bits) ? id & uid_mask : UINT32_MAX;
}

struct schema *derived_errors_of(const struct schema *from, struct arena *a)
{
    struct schema *s = arena_zero(a, sizeof *s);
    s->of = from->name;
    s->name = arena_printf(a, "%s.%s", from->name, derived_kind_name(DERIVED_ERRORS));
    s->id = derived_errors_id(from->id);
    s->sql = "";
    s->connector = "errors";
    s->partitions = 1;
    s->time = TIME_PROCESSING;
    s->watermark = WATERMARK_BOUNDED;
    s->columns = arena_zero(a, (DERIVED_ERROR_COLUMNS + 1) * sizeof *s->columns);
    for (unsigned i = 0; i < DERIVED_ERROR_COLUMNS; i++)
        add_column(s, derived_error_names[i],
                   (struct type){.kind = i < DERIVED_ERROR_PARTITION ? TYPE_STRING : TYPE_BIGINT},
                   a);
    add_rowtime(s, a);
    return s;
}

bool derived_keeps_place(const struct rule_plan *p)
{
    return (p->shape == RULE_FILTER && !p->windowed) || p->shape == RULE_OVER;
}

const struct schema *derived_place_of(const struct schema *s)
{
    while (s->keeps_places)
        s = s->from;
    return s;
}

struct place derived_place(uint32_t stream, const struct result *r)
{
    if (derived_keeps_place(r->rule) && r->nrows > 0)
        return (struct place){stream, r->rows[0].place.partition, r->rows[0].place.offset};
    uint64_t offset = 0;
    for (unsigned i = 0; i < sizeof offset; i++)
        offset = offset << 8 | r->id[i];
    return (struct place){stream, 0, offset + r->revision};
}

void derived_alert(uint64_t offset, char out[DERIVED_ALERT_TEXT])
{
    uint8_t id[RESULT_ID_BYTES] = {0};
    char whole[RESULT_ID_TEXT];
    for (unsigned i = 0; i < sizeof offset; i++)
        id[i] = (uint8_t)(offset >> (56 - 8 * i));
    result_id_text(id, whole);
    memcpy(out, whole, DERIVED_ALERT_TEXT - 1);
    out[DERIVED_ALERT_TEXT - 1] = '\0';
}
