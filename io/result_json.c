/* SPDX-License-Identifier: Apache-2.0 */
#include "io/result_json.h"
#include <string.h>

static void put(struct bytes *out, const char *text)
{
    bytes_put(out, text, strlen(text));
}

static void put_name(const char *name, struct bytes *out)
{
    value_json_string(name, strlen(name), out);
    bytes_put(out, ":", 1);
}

static void put_u64(uint64_t v, struct bytes *out)
{
    char digits[20];
    size_t i = sizeof digits;
    do
        digits[--i] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    bytes_put(out, digits + i, sizeof digits - i);
}

/* "vars":{"A":[0,3]}: variables in the order of the pattern, those with rows only. */
static void put_vars(const struct result *r, struct bytes *out)
{
    uint64_t taken = 0;
    for (unsigned i = 0; i < r->nrows; i++)
        if (r->rows[i].var >= 0)
            taken |= UINT64_C(1) << r->rows[i].var;
    put(out, ",\"vars\":{");
    for (uint64_t left = taken; left != 0; left &= left - 1) {
        int var = __builtin_ctzll(left);
        if (left != taken)
            put(out, ",");
        put_name(plan_var_name(r->rule, (unsigned)var), out);
        const char *sep = "[";
        for (unsigned i = 0; i < r->nrows; i++) {
            if (r->rows[i].var != var)
                continue;
            put(out, sep);
            put_u64(r->rows[i].place.offset, out);
            sep = ",";
        }
        put(out, "]");
    }
    put(out, "}");
}

static void put_time(evtime t, struct bytes *out)
{
    struct value v = {.type.kind = TYPE_TIMESTAMP,
                      .null = t < EVTIME_FIRST || t > EVTIME_LAST,
                      .c.i = t};
    value_json(&v, out);
}

/* LATE: the values are pairs of a column's name and its value. */
static void put_late_row(const struct result *r, struct bytes *out)
{
    put(out, "{");
    for (unsigned i = 0; i + 1 < r->nvalues; i += 2) {
        if (i > 0)
            put(out, ",");
        value_json_string(r->values[i].c.s.p, r->values[i].c.s.n, out);
        put(out, ":");
        value_json(&r->values[i + 1], out);
    }
    put(out, "}");
}

void result_json_row(const struct result *r, struct bytes *out)
{
    if (r->kind == RESULT_LATE) {
        put_late_row(r, out);
        return;
    }
    put(out, "{");
    for (unsigned i = 0; i < r->nvalues && i < r->rule->noutputs; i++) {
        if (i > 0)
            put(out, ",");
        put_name(r->rule->outputs[i].name, out);
        value_json(&r->values[i], out);
    }
    put(out, "}");
}

/* Ids of results whose place this one takes. */
static void put_replaces(const struct result *r, struct bytes *out)
{
    for (unsigned i = 0; i < r->nreplaces; i++) {
        char id[RESULT_ID_TEXT];
        result_id_text(r->replaces[i], id);
        put(out, i == 0 ? ",\"replaces\":[\"" : ",\"");
        put(out, id);
        put(out, "\"");
    }
    if (r->nreplaces > 0)
        put(out, "]");
}

/* All of a line up to its row. */
static void put_head(const struct result *r, struct bytes *out)
{
    put(out, "{\"rule\":");
    value_json_string(r->rule->name, strlen(r->rule->name), out);
    put(out, ",\"kind\":\"");
    put(out, result_kind_name(r->kind));
    put(out, "\",\"time\":");
    put_time(r->time, out);
    if (plan_nvars(r->rule) > 0 && r->kind != RESULT_LATE)
        put_vars(r, out);
    if (r->kind == RESULT_LATE && r->nrows > 0) {
        put(out, ",\"place\":");
        put_u64(r->rows[0].place.offset, out);
    }
    if (r->kind == RESULT_UPDATE) {
        put(out, ",\"revision\":");
        put_u64(r->revision, out);
        if (r->retracted)
            put(out, ",\"retracted\":true");
        put_replaces(r, out);
    }
    if (r->reason != NULL) {
        put(out, ",\"reason\":");
        value_json_string(r->reason, strlen(r->reason), out);
    }
    put(out, ",\"row\":");
}

void result_json_line(const struct result *r, struct bytes *out)
{
    put_head(r, out);
    result_json_row(r, out);
    put(out, "}\n");
}

void result_json_line_with(const struct result *r, const struct bytes *row, struct bytes *out)
{
    put_head(r, out);
    bytes_put(out, row->p, row->n);
    put(out, "}\n");
}
