/* SPDX-License-Identifier: Apache-2.0 */
/* taskinspect.h - what a rule knows of its keys, for people: partial matches, open windows, frames, as JSON.
 *
 * Room:   task: keys, operators -> [taskinspect: matchinspect, windowinspect, overinspect, joininspect] -> worker -> REST
 * Owns:   nothing; changes nothing that is to be seen (a key that is asked for by name comes back to memory)
 * Thread: the task's, between two steps.  Time: evtime.
 *
 * One object for each key, joined by commas:
 *   {"key":{"card":"c1"},"partials":[…],"more":0}    a pattern (matchinspect.c)
 *   {"key":{…},"windows":[…],"more":0}               a window rule (windowinspect.c)
 *   {"key":{…},"rows":3,"frames":[…]}                an OVER rule (overinspect.c)
 *   {"key":{…},"sides":[{…},{…}]}                    a join (joininspect.c)
 * `more`: those that were left out for `items`. */
#ifndef WEIR_CEP_TASKINSPECT_H
#define WEIR_CEP_TASKINSPECT_H
#include "cep/task/task.h"

struct taskinspect_ask {
    unsigned rule; /* index in the job */
    const void *key; /* canonical bytes (value_key) of one key; NULL: all that are owned here */
    size_t key_n;
    size_t from; /* all: where to go on; 0 at first */
    unsigned keys, items; /* at most: keys; partial matches, windows or rows of each */
    /* Patterns: only partial matches whose last row is of this variable (NULL: any), that began at least so long ago, as
     * time stands. Keys without one are left out. */
    const char *at;
    int64_t older_ms;
};
enum { TASKINSPECT_BYTES_MAX = 4 << 20 }; /* of an answer: past it no further key is put in */

/* Appends to out. Returns where to go on, or 0: that was all. Keys may be met twice, or not at all, if the table changes in
 * between; those that are out of memory are only found by name. A rule without keys has nothing. *n: how many keys; fewer than were asked
 * for may come although there are more. */
size_t taskinspect_rule(struct task *t, const struct taskinspect_ask *ask, struct bytes *out,
                        unsigned *n);

/* matchinspect.c …: members of the key's object after "key", with a comma before. False: nothing that fits. */
struct match;
struct window;
struct over;
struct join;
struct keystate;
bool matchinspect_key(const struct match *m, const struct keystate *state, evtime now,
                      const struct taskinspect_ask *ask, struct bytes *out);
void windowinspect_key(const struct window *w, const struct keystate *state, unsigned items,
                       struct bytes *out);
void overinspect_key(struct over *o, struct keystate *state, struct bytes *out);
void joininspect_key(const struct join *j, const struct keystate *state, unsigned items,
                     struct bytes *out);

/* Shared by them: "name":"…" or null, and what an aggregate is called. */
void taskinspect_time(const char *name, evtime t, struct bytes *out);
void taskinspect_key(const struct rule_plan *p, const void *key, size_t n,
                     struct bytes *out); /* {…} */
void taskinspect_agg(const struct agg_call *call, const struct schema *s, struct bytes *out);
struct keyed;
struct kept;
void taskinspect_values(const struct keyed *k, const struct kept *r, struct bytes *out); /* {…} */

#endif
