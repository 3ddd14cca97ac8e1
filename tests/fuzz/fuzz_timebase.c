/* SPDX-License-Identifier: Apache-2.0
 *
 * Times and durations come from events and rules, so from anyone. What is taken as a time must lie in the years that have
 * a text, and its text must be the same time again. */
#include "base/bug.h"
#include "base/timebase.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    evtime t = 0, again = 0;
    if (timebase_parse(text, size, &t)) {
        BUG_IF(t < EVTIME_FIRST || t > EVTIME_LAST, "a time outside the calendar");
        char out[TIMEBASE_TEXT];
        size_t n = timebase_format(t, out);
        BUG_IF(!timebase_parse(out, n, &again) || again != t, "%s is another time", out);
    }
    int64_t ms = -1;
    if (timebase_parse_duration(text, size, &ms))
        BUG_IF(ms < 0, "a negative duration");
    return 0;
}
