/* SPDX-License-Identifier: Apache-2.0 */
/* statemap.h - two versions of a rule: what of the old one's state the new one can go on with.
 *
 * Room:   job (both versions are in it while the stream is on its way from one to the other) -> [statemap] -> taskupgrade
 * Owns:   its maps.  Immutable.  Thread: any, read only.  Time: none. */
#ifndef WEIR_CEP_STATEMAP_H
#define WEIR_CEP_STATEMAP_H
#include "cep/match/matchmap.h"
#include "cep/over/overmap.h"
#include "cep/window/windowmap.h"

enum statemap_way {
    STATEMAP_RESET, /* nothing is kept: `why` */
    STATEMAP_IN_PLACE, /* the state is as the new version wants it */
    STATEMAP_MOVED, /* key by key, through the map */
};

struct statemap_rule { /* a version; one of the programs is there */
    const struct rule_plan *plan;
    const struct match_prog *match;
    const struct windowprog *window;
    const struct overprog *over;
};

struct statemap {
    enum statemap_way way;
    const char *why; /* static; of RESET */
    struct matchmap *match; /* of two patterns */
    struct windowmap *window; /* of two window rules */
    struct overmap *over; /* of two OVER rules */
};

struct statemap *statemap_new(const struct statemap_rule *from, const struct statemap_rule *to);
void statemap_refuse(struct statemap *m, const char *why); /* nothing is kept; why: static */
void statemap_free(struct statemap *m); /* NULL is fine */

#endif
