/* SPDX-License-Identifier: Apache-2.0 */
/* zone_rule.h - the yearly rule of a time zone as POSIX writes it: "CET-1CEST,M3.5.0,M10.5.0/3".
 *
 * Owns:   nothing.  Thread: any.
 * Time:   a start and an end are event times (UTC) of a year of the Gregorian calendar. */
#ifndef WEIR_BASE_ZONE_RULE_H
#define WEIR_BASE_ZONE_RULE_H
#include "base/timebase.h"

enum { ZONE_RULE_OFFSET_MAX = 26 * 3600 };

struct zone_rule_day {
    char
        kind; /* M: weekday `day` of `week` (5: the last) of `month`; J: day 1 to 365 without 29 Feb; 0: day from 0 */
    int month, week, day;
    int32_t time_s; /* on the clock until then */
};

struct zone_rule {
    bool daylight;
    int32_t standard_s, daylight_s; /* east of Greenwich */
    struct zone_rule_day start, end; /* of daylight time */
};

bool zone_rule_parse(const char *text, size_t n, struct zone_rule *out);
int zone_rule_year(evtime t);
evtime zone_rule_start(const struct zone_rule *r, int year);
evtime zone_rule_end(const struct zone_rule *r, int year);

#endif
