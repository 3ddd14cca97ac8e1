/* SPDX-License-Identifier: Apache-2.0
 *
 * A row of ERRORS as it may stand in a log: what is read of it is written and read the same; and any bytes that are
 * refused come back to the byte, as far as they are kept. */
#include "base/bug.h"
#include "server/alerts/refused.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct catalog_dead_letter *d)
{
    struct bytes text = {0};
    struct arena *a = arena_new(0, 0);
    struct catalog_dead_letter back;
    size_t kept = d->raw_len < CATALOG_DEAD_RAW_MAX ? d->raw_len : CATALOG_DEAD_RAW_MAX;
    refused_put(d, &text);
    BUG_IF(refused_get((const char *)text.p, text.n, a, &back) != ERR_OK, "it does not come back");
    BUG_IF(back.raw_len != kept || (kept > 0 && memcmp(back.raw, d->raw, kept) != 0),
           "other bytes");
    BUG_IF(back.partition != d->partition || back.offset != d->offset, "another place");
    bytes_fini(&text);
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0, 0);
    struct catalog_dead_letter d;
    if (refused_get((const char *)data, size, a, &d) == ERR_OK)
        same(&d);
    d = (struct catalog_dead_letter){.code = "c",
                                     .reason = "r",
                                     .raw = (const char *)data,
                                     .raw_len = size,
                                     .offset = UINT64_MAX};
    same(&d);
    arena_free(a);
    return 0;
}
