/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of a row of a table outside, as texts cut at zero bytes: the first byte says which are NULL. A row that is taken
 * must come back as values of the columns' types; one that is not, as a sentence in UTF-8. */
#include "base/bug.h"
#include "base/utf8.h"
#include "io/table_row.h"
#include <string.h>

static const struct column columns[] = {
    {.name = "k", .type = {.kind = TYPE_STRING}, .not_null = true},
    {.name = "b", .type = {.kind = TYPE_BIGINT}},
    {.name = "d", .type = {.kind = TYPE_DOUBLE}},
    {.name = "m", .type = {.kind = TYPE_DECIMAL, .precision = 12, .scale = 2}, .not_null = true},
    {.name = "o", .type = {.kind = TYPE_BOOLEAN}},
    {.name = "t", .type = {.kind = TYPE_TIMESTAMP}},
};
enum { N = sizeof columns / sizeof *columns };
static const struct schema schema = {.name = "t", .ncolumns = N, .columns = columns};
static const struct table table = {.schema = &schema};

static void check(const struct table_answer *a, const struct bytes *out)
{
    struct bytes again = {0};
    BUG_IF(a->at + a->n != out->n, "%zu bytes, and not %zu", out->n - a->at, a->n);
    if (a->found == TABLE_BAD) {
        BUG_IF(utf8_first_bad((char *)out->p + a->at, a->n) < a->n, "a sentence is no text");
        return;
    }
    for (unsigned c = 0; c < N; c++) {
        struct value v = table_row_get(&table, out->p + a->at, c);
        BUG_IF(v.null && columns[c].not_null, "column %u is NULL", c);
        if (!v.null)
            table_row_key(&v, &again);
    }
    bytes_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes out = {0};
    struct table_row row;
    struct table_answer a;
    if (size == 0)
        return 0;
    const char *p = (const char *)data + 1, *end = (const char *)data + size;
    bytes_u8(&out, 0);
    table_row_begin(&row, &table, &out);
    for (unsigned c = 0; c < N; c++) {
        const char *stop = p < end ? memchr(p, '\0', (size_t)(end - p)) : NULL;
        stop = stop != NULL ? stop : end;
        if (data[0] >> c & 1)
            table_row_text(&row, NULL, 0);
        else if (c == 5 && data[0] >> 7)
            table_row_refuse(&row, "a blob");
        else
            table_row_text(&row, p, (size_t)(stop - p));
        p = stop < end ? stop + 1 : end;
    }
    table_row_end(&row, &a);
    check(&a, &out);
    bytes_fini(&out);
    return 0;
}
