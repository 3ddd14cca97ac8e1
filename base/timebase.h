/* SPDX-License-Identifier: Apache-2.0 */
/* timebase.h - the units of time, and the only place that reads a clock.
 *
 * evtime: event time, milliseconds since 1970-01-01 UTC. montime: monotonic nanoseconds.
 * cep/ includes this for the types and the calendar; it never calls timebase_now_*. */
#ifndef WEIR_BASE_TIMEBASE_H
#define WEIR_BASE_TIMEBASE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t evtime;
typedef int64_t montime;

#define EVTIME_MIN INT64_MIN /* before all events: no watermark yet */
#define EVTIME_MAX INT64_MAX /* after all events: the input has ended */
#define EVTIME_FIRST INT64_C(-62135596800000) /* 0001-01-01T00:00:00.000Z */
#define EVTIME_LAST INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

evtime timebase_now_ms(void);
montime timebase_mono_ns(void);
int64_t timebase_cpu_ns(void); /* processor time of the process */
montime timebase_thread_ns(void); /* ... of this thread */

/* ISO 8601 date, date and time, or with zone ("2026-11-21", "2026-11-21 06:48:51.12", "…T…Z",
 * "…+01:00"); digits past the millisecond are cut. Without a zone: UTC. False: not a time, or
 * outside the years 1 to 9999. */
bool timebase_parse(const char *s, size_t n, evtime *out);
enum { TIMEBASE_TEXT = 32 };
/* "2026-11-21T06:48:51.120Z"; returns the length. */
size_t timebase_format(evtime t, char out[TIMEBASE_TEXT]);
/* "10 min", "250 ms", "30 s", "1 h", "2 d" (also second(s), minute(s) …; no unit = ms) to
 * milliseconds. */
bool timebase_parse_duration(const char *s, size_t n, int64_t *ms);

#endif
