/* SPDX-License-Identifier: Apache-2.0 */
/* taskinspect.h - what a rule knows of its keys, for people: partial matches, open windows, frames, as JSON.
 *
 * Room:   task: keys, operators -> [taskinspect: matchinspect, windowinspect] -> worker -> REST, dashboard
 * Owns:   nothing; changes nothing
 * Thread: the task's, between two steps.  Time: evtime.
 *
 * One object for each key, joined by commas:
 *   {"key":{"card":"c1"},"partials":[…],"more":0}    a pattern (matchinspect.c)
 *   {"key":{…},"windows":[…],"more":0}               a window rule (windowinspect.c)
 *   {"key":{…}}                                      an OVER rule
 * `more`: those that were left out for `items`. */
#ifndef WEIR_CEP_TASKINSPECT_H
#define WEIR_CEP_TASKINSPECT_H
#include "cep/task.h"

struct taskinspect_ask {
    unsigned rule; /* index in the job */
    const void *key; /* canonical bytes (value_key) of one key; NULL: all that are owned here */
    size_t key_n;
    size_t from; /* all: where to go on; 0 at first */
    unsigned keys, items; /* at most: keys; partial matches or windows of each */
};

/* Appends to out. Returns where to go on, or 0: that was all. Keys may be met twice, or not at all, if the table changes in
 * between. A join, or a rule without keys, has nothing. */
size_t taskinspect_rule(const struct task *t, const struct taskinspect_ask *ask, struct bytes *out);

/* matchinspect.c, windowinspect.c: members of the key's object after "key", with a comma before. */
struct match;
struct window;
struct keystate;
void matchinspect_key(const struct match *m, const struct keystate *state, evtime now,
                      unsigned items, struct bytes *out);
void windowinspect_key(const struct window *w, const struct keystate *state, unsigned items,
                       struct bytes *out);

#endif
