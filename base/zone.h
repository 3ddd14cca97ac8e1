/* SPDX-License-Identifier: Apache-2.0 */
/* zone.h - local time: the rules of a time zone, read once from the system's database (package tzdata).
 *
 * Owns:   every zone that was ever loaded, until the process ends: there are some hundred of them. A zone in use does
 *         not change; a newer tzdata is seen by the next process.
 * Thread: any; loading takes a lock, what is loaded is immutable.
 *
 * zone_load reads a file and is for the compiler of rules; zone_find looks only at what is loaded, and is for the core. */
#ifndef WEIR_BASE_ZONE_H
#define WEIR_BASE_ZONE_H
#include "base/timebase.h"

struct zone;

/* "Europe/Berlin", "UTC", "+05:30". NULL: there is none of that name, or its file is not to be understood. */
const struct zone *zone_load(const char *name, size_t n);
/* NULL: not loaded. */
const struct zone *zone_find(const char *name, size_t n);

/* What is to be added to UTC at that time, in milliseconds. */
int64_t zone_offset_ms(const struct zone *z, evtime utc);
/* The clock on the wall there, as if it were UTC; and back. Of an hour that is on the clock twice, the first; of one
 * that is left out, the same time after the change. */
evtime zone_local(const struct zone *z, evtime utc);
evtime zone_utc(const struct zone *z, evtime local);

/* The bytes of a TZif file (RFC 8536, version 2 or later). NULL: it is not one. For tests: freed by zone_free. */
struct zone *zone_parse(const void *p, size_t n);
void zone_free(struct zone *z);

#endif
