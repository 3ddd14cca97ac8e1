/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/agg/aggquantile.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

#define ERROR 0.01
#define LEAST 1e-9
#define MOST 1e18
#define ROWS_MAX (INT64_C(1) << 56)

enum { FIRST_BUCKETS = 8, BUCKET_MIN = -1036, BUCKET_MAX = 2073 }; /* of LEAST and MOST */

struct side { /* the numbers of one sign, by magnitude */
    int32_t from; /* bucket of counts[0] */
    uint32_t n;
    int64_t *counts;
};

struct aggquantile {
    int64_t total, zero;
    struct side plus, minus;
};

static double log_gamma(void)
{
    return log1p(2 * ERROR / (1 - ERROR));
}

static int32_t bucket_of(double magnitude)
{
    double i = ceil(log(magnitude) / log_gamma());
    return i < BUCKET_MIN ? BUCKET_MIN : i > BUCKET_MAX ? BUCKET_MAX : (int32_t)i;
}

/* The number in the bucket that is furthest from none of the others in it. */
static double middle_of(int32_t bucket)
{
    return 2 * exp(bucket * log_gamma()) / (exp(log_gamma()) + 1);
}

static int64_t *count_of(struct side *s, int32_t bucket)
{
    int32_t from = s->from, end = s->from + (int32_t)s->n;
    if (s->n == 0)
        from = end = bucket;
    if (bucket >= from && bucket < end)
        return &s->counts[bucket - from];
    int32_t room = s->n > FIRST_BUCKETS ? (int32_t)s->n / 2 : FIRST_BUCKETS / 2;
    if (bucket < from)
        from = bucket - room < BUCKET_MIN ? BUCKET_MIN : bucket - room;
    else
        end = bucket + room > BUCKET_MAX ? BUCKET_MAX + 1 : bucket + room;
    int64_t *more = mem_array((size_t)(end - from), sizeof *more);
    if (s->n > 0)
        memcpy(more + (s->from - from), s->counts, s->n * sizeof *more);
    mem_free(s->counts);
    *s = (struct side){from, (uint32_t)(end - from), more};
    return &s->counts[bucket - from];
}

static struct aggquantile *made(struct aggquantile **at)
{
    if (*at == NULL)
        *at = mem_new(sizeof **at);
    return *at;
}

void aggquantile_add(struct aggquantile **at, double x, int64_t times)
{
    struct aggquantile *s = made(at);
    double magnitude = isnan(x) ? MOST : fabs(x);
    s->total += times;
    if (magnitude < LEAST)
        s->zero += times;
    else
        *count_of(x < 0 ? &s->minus : &s->plus, bucket_of(magnitude)) += times;
}

static void side_merge(struct side *into, const struct side *from)
{
    for (uint32_t i = 0; i < from->n; i++)
        if (from->counts[i] != 0)
            *count_of(into, from->from + (int32_t)i) += from->counts[i];
}

void aggquantile_merge(struct aggquantile **at, const struct aggquantile *from)
{
    if (from == NULL)
        return;
    struct aggquantile *s = made(at);
    s->total += from->total;
    s->zero += from->zero;
    side_merge(&s->plus, &from->plus);
    side_merge(&s->minus, &from->minus);
}

bool aggquantile_at(const struct aggquantile *s, double q, double *out)
{
    if (s == NULL || s->total <= 0)
        return false;
    int64_t rank = (int64_t)floor(q * (double)(s->total - 1)), seen = 0;
    for (uint32_t i = s->minus.n; i-- > 0;) {
        seen += s->minus.counts[i];
        if (seen > rank) {
            *out = -middle_of(s->minus.from + (int32_t)i);
            return true;
        }
    }
    *out = 0;
    seen += s->zero;
    for (uint32_t i = 0; seen <= rank && i < s->plus.n; i++) {
        seen += s->plus.counts[i];
        *out = middle_of(s->plus.from + (int32_t)i);
    }
    return true;
}

void aggquantile_free(struct aggquantile *s)
{
    if (s == NULL)
        return;
    mem_free(s->plus.counts);
    mem_free(s->minus.counts);
    mem_free(s);
}

size_t aggquantile_bytes(const struct aggquantile *s)
{
    return s == NULL ? 0 : sizeof *s + (s->plus.n + s->minus.n) * sizeof *s->plus.counts;
}

/* --- as bytes: zeros; then of each sign the buckets that are not empty --- */

static void side_save(const struct side *s, struct bytes *out)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < s->n; i++)
        n += s->counts[i] > 0;
    bytes_u16(out, (uint16_t)n);
    for (uint32_t i = 0; i < s->n; i++)
        if (s->counts[i] > 0) {
            bytes_u16(out, (uint16_t)(s->from + (int32_t)i - BUCKET_MIN));
            bytes_varint(out, (uint64_t)s->counts[i]);
        }
}

void aggquantile_save(const struct aggquantile *s, struct bytes *out)
{
    static const struct aggquantile none;
    s = s == NULL ? &none : s;
    bytes_varint(out, (uint64_t)s->zero);
    side_save(&s->plus, out);
    side_save(&s->minus, out);
}

static bool count_load(struct bytes_reader *r, struct aggquantile *s, int64_t *count)
{
    uint64_t n = bytes_get_varint(r);
    if (r->bad || n > ROWS_MAX || (int64_t)n > ROWS_MAX - s->total)
        return false;
    s->total += (int64_t)n;
    *count += (int64_t)n;
    return true;
}

static bool side_load(struct bytes_reader *r, struct aggquantile *s, struct side *side)
{
    unsigned n = bytes_get_u16(r);
    for (unsigned i = 0; i < n; i++) {
        int32_t bucket = bytes_get_u16(r) + BUCKET_MIN;
        if (r->bad || bucket > BUCKET_MAX || !count_load(r, s, count_of(side, bucket)))
            return false;
    }
    return !r->bad;
}

enum err aggquantile_load(struct aggquantile **at, struct bytes_reader *r)
{
    struct aggquantile *s = mem_new(sizeof *s);
    if (!count_load(r, s, &s->zero) || !side_load(r, s, &s->plus) || !side_load(r, s, &s->minus)) {
        aggquantile_free(s);
        return ERR_CORRUPT;
    }
    if (s->total > 0)
        *at = s;
    else
        aggquantile_free(s);
    return ERR_OK;
}
