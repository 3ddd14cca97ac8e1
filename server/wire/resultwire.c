/* SPDX-License-Identifier: Apache-2.0 */
#include "server/wire/resultwire.h"
#include <string.h>

static void put_value(const struct value *v, struct bytes *out)
{
    bytes_u8(out, v->type.kind);
    bytes_u8(out, v->type.precision);
    bytes_u8(out, v->type.scale);
    bytes_u8(out, v->null);
    if (v->null)
        return;
    if (v->type.kind == TYPE_STRING)
        bytes_str(out, v->c.s.p, v->c.s.n);
    else
        bytes_u64(out, (uint64_t)v->c.i); /* a DOUBLE's bits too */
}

static void get_value(struct bytes_reader *r, struct arena *a, struct value *out)
{
    memset(out, 0, sizeof *out);
    out->type.kind = bytes_get_u8(r);
    out->type.precision = bytes_get_u8(r);
    out->type.scale = bytes_get_u8(r);
    uint8_t null = bytes_get_u8(r);
    out->null = null != 0;
    if (out->type.kind > TYPE_INTERVAL || out->type.scale > 18 || null > 1 ||
        (out->type.kind == TYPE_NULL && !null))
        r->bad = true;
    if (out->null || r->bad)
        return;
    if (out->type.kind == TYPE_STRING) {
        size_t n = 0;
        const char *p = bytes_get_str(r, &n);
        if (p != NULL && n <= UINT32_MAX) {
            out->c.s.p = arena_dup(a, p, n);
            out->c.s.n = (uint32_t)n;
        }
    } else {
        out->c.i = (int64_t)bytes_get_u64(r);
    }
}

void resultwire_put(const struct result *r, struct bytes *out)
{
    bytes_u64(out, r->rule_uid);
    bytes_u32(out, r->rule_version);
    bytes_u8(out, (uint8_t)r->kind);
    bytes_u8(out, (uint8_t)r->mode);
    bytes_u8(out, r->retracted);
    bytes_u64(out, (uint64_t)r->time);
    bytes_u64(out, (uint64_t)r->step);
    bytes_put(out, r->id, RESULT_ID_BYTES);
    bytes_str(out, r->key, r->key_len);
    bytes_u64(out, (uint64_t)r->window_start);
    bytes_u64(out, (uint64_t)r->window_end);
    bytes_varint(out, r->revision);
    bytes_varint(out, r->nvalues);
    for (unsigned i = 0; i < r->nvalues; i++)
        put_value(&r->values[i], out);
    bytes_varint(out, r->nrows);
    for (unsigned i = 0; i < r->nrows; i++) {
        const struct result_row *row = &r->rows[i];
        bytes_u8(out, (uint8_t)(row->var + 1));
        bytes_u32(out, row->place.stream);
        bytes_u32(out, row->place.partition);
        bytes_u64(out, row->place.offset);
        bytes_u64(out, (uint64_t)row->ts);
    }
    bytes_varint(out, r->nreplaces);
    for (unsigned i = 0; i < r->nreplaces; i++)
        bytes_put(out, r->replaces[i], RESULT_ID_BYTES);
    const char *reason = r->reason != NULL ? r->reason : "";
    bytes_str(out, reason, strlen(reason));
}

static void get_replaced(struct bytes_reader *r, struct arena *a, struct result *out)
{
    uint64_t n = bytes_get_varint(r);
    if (n == 0)
        return;
    if (n > (size_t)(r->end - r->p) / RESULT_ID_BYTES) {
        r->bad = true;
        return;
    }
    uint8_t(*ids)[RESULT_ID_BYTES] = arena_alloc(a, n * sizeof *ids);
    memcpy(ids, bytes_get(r, n * sizeof *ids), n * sizeof *ids);
    out->nreplaces = (unsigned)n;
    out->replaces = (const uint8_t(*)[RESULT_ID_BYTES])ids;
}

static void get_rows(struct bytes_reader *r, struct arena *a, struct result *out)
{
    enum { ROW_BYTES = 25 };
    uint64_t n = bytes_get_varint(r);
    if (n > (size_t)(r->end - r->p) / ROW_BYTES) {
        r->bad = true;
        return;
    }
    struct result_row *rows = arena_zero(a, n * sizeof *rows);
    for (unsigned i = 0; i < n; i++) {
        rows[i].var = (int)bytes_get_u8(r) - 1;
        rows[i].place.stream = bytes_get_u32(r);
        rows[i].place.partition = bytes_get_u32(r);
        rows[i].place.offset = bytes_get_u64(r);
        rows[i].ts = (evtime)bytes_get_u64(r);
        if (rows[i].var >= PLAN_VARS_MAX)
            r->bad = true;
    }
    out->nrows = (unsigned)n;
    out->rows = rows;
}

static void get_values(struct bytes_reader *r, struct arena *a, struct result *out)
{
    uint64_t n = bytes_get_varint(r);
    if (n > PLAN_OUTPUTS_MAX + SCHEMA_COLUMNS_MAX || n > (size_t)(r->end - r->p) / 4) {
        r->bad = true;
        return;
    }
    struct value *values = arena_zero(a, n * sizeof *values);
    for (unsigned i = 0; i < n && !r->bad; i++)
        get_value(r, a, &values[i]);
    out->nvalues = (unsigned)n;
    out->values = values;
}

enum err resultwire_get(struct bytes_reader *in, struct arena *a, struct result *out)
{
    if (!in->bad && in->p == in->end)
        return ERR_END;
    memset(out, 0, sizeof *out);
    out->rule_uid = bytes_get_u64(in);
    out->rule_version = bytes_get_u32(in);
    uint8_t kind = bytes_get_u8(in), mode = bytes_get_u8(in);
    out->retracted = bytes_get_u8(in) != 0;
    out->kind = (enum result_kind)kind;
    out->mode = (enum rule_mode)mode;
    out->time = (evtime)bytes_get_u64(in);
    out->step = (evtime)bytes_get_u64(in);
    const uint8_t *id = bytes_get(in, RESULT_ID_BYTES);
    if (id != NULL)
        memcpy(out->id, id, RESULT_ID_BYTES);
    size_t n = 0;
    const char *key = bytes_get_str(in, &n);
    if (key != NULL && n <= UINT32_MAX) {
        out->key = (const uint8_t *)arena_dup(a, key, n);
        out->key_len = (uint32_t)n;
    }
    out->window_start = (evtime)bytes_get_u64(in);
    out->window_end = (evtime)bytes_get_u64(in);
    out->revision = (uint32_t)bytes_get_varint(in);
    get_values(in, a, out);
    get_rows(in, a, out);
    get_replaced(in, a, out);
    const char *reason = bytes_get_str(in, &n);
    if (reason != NULL && n > 0)
        out->reason = arena_dup(a, reason, n);
    if (in->bad || kind > RESULT_ERROR || mode > RULE_PAUSED)
        return ERR_CORRUPT;
    return ERR_OK;
}
