/* SPDX-License-Identifier: Apache-2.0
 *
 * Accumulators from hostile bytes: the first byte says which aggregate, the rest is its state. What is taken can be added
 * to, merged and asked, and what it is written as is taken again. */
#include "base/arena.h"
#include "base/bug.h"
#include "cep/agg/aggbytes.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS = AGG_SIZE_MAX / 8 };

static struct agg chosen(uint8_t choice)
{
    enum agg_kind kind = choice % (AGG_APPROX_PERCENTILE + 1);
    bool text = kind == AGG_TOP || kind == AGG_LIST_AGG ||
                (choice & 0x80 && kind != AGG_SUM && kind != AGG_AVG && kind != AGG_STDDEV &&
                 kind != AGG_APPROX_PERCENTILE);
    const struct expr arg = {.kind = EXPR_COLUMN, .type.kind = text ? TYPE_STRING : TYPE_BIGINT};
    struct agg a;
    agg_init(&a, &(struct agg_call){.kind = kind,
                                    .distinct = choice & 0x40,
                                    .type = arg.type,
                                    .arg = kind == AGG_COUNT_STAR ? NULL : &arg});
    a.top = 2;
    a.quantile = 0.5;
    return a;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct agg a = chosen(data[0]);
    uint64_t x[WORDS] = {0}, y[WORDS] = {0};
    struct bytes_reader r = bytes_read(data + 1, size - 1);
    struct arena *scratch = arena_new(4096, 0);
    struct bytes again = {0};
    union cell v = {.i = 7}, out;
    if (a.arg.kind == TYPE_STRING)
        v.s = (struct str){"seven", 5, 0};
    if (aggbytes_load(&a, x, &r) == ERR_OK) {
        aggbytes_save(&a, x, &again);
        r = bytes_read(again.p, again.n);
        BUG_IF(aggbytes_load(&a, y, &r) != ERR_OK || r.p != r.end, "own bytes not taken");
        agg_add(&a, y, v, false);
        agg_merge(&a, x, y);
        (void)agg_result(&a, x, scratch, &out);
        (void)agg_held_bytes(&a, x);
    } else {
        BUG_IF(memcmp(x, y, sizeof x) != 0, "refused, and not empty");
    }
    agg_clear(&a, x);
    agg_clear(&a, y);
    bytes_fini(&again);
    arena_free(scratch);
    return 0;
}
