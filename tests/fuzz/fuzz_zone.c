/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a TZif file: refused, or a zone that answers for every time. */
#include "base/bug.h"
#include "base/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zone *z = zone_parse(data, size);
    if (z == NULL)
        return 0;
    for (evtime t = EVTIME_FIRST; t < EVTIME_LAST; t += INT64_C(86400000) * 36525) {
        int64_t offset = zone_offset_ms(z, t);
        BUG_IF(offset < -93600000 || offset > 93600000, "an offset of %lld ms", (long long)offset);
        (void)zone_utc(z, t);
    }
    zone_free(z);
    return 0;
}
