/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/key/keysave.h"
#include "base/mem.h"

void keysave_fini(struct keysave *s)
{
    mem_free(s->rows);
    *s = (struct keysave){0};
}

void keysave_begin(struct keysave *s, const struct keyed *k)
{
    s->k = k;
    s->n = 0;
}

unsigned keysave_row(struct keysave *s, struct kept *r)
{
    if (r->mark < s->n && s->rows[r->mark] == r)
        return r->mark;
    s->rows = mem_grow(s->rows, s->n, 1, &s->cap, sizeof(struct kept *));
    r->mark = (uint32_t)s->n;
    s->rows[s->n] = r;
    return (unsigned)s->n++;
}

static bool is_null(const struct kept *r, unsigned cell)
{
    return cell >= r->ncells || (r->row.nulls[cell / 64] >> (cell % 64) & 1);
}

void keysave_rows(const struct keysave *s, struct keylayouts *l, struct bytes *out)
{
    bytes_varint(out, s->n);
    if (s->n == 0)
        return;
    const struct keylayout *layout = keylayouts_of(l, s->k);
    bytes_u64(out, layout->hash);
    for (size_t n = 0; n < s->n; n++) {
        const struct kept *r = s->rows[n];
        uint8_t nulls[SCHEMA_COLUMNS_MAX / 8] = {0};
        bytes_varint(out, r->seq);
        bytes_u64(out, (uint64_t)r->row.ts);
        bytes_varint(out, r->row.partition);
        bytes_varint(out, r->row.offset);
        for (unsigned c = 0; c < layout->n; c++)
            nulls[c / 8] |= (uint8_t)(is_null(r, c) << (c % 8));
        bytes_put(out, nulls, (layout->n + 7) / 8);
        for (unsigned c = 0; c < layout->n; c++)
            if (is_null(r, c))
                continue;
            else if (s->k->keeps[c].string)
                bytes_str(out, r->row.cells[c].s.p, r->row.cells[c].s.n);
            else
                bytes_u64(out, (uint64_t)r->row.cells[c].i);
    }
}
