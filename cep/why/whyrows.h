/* SPDX-License-Identifier: Apache-2.0 */
/* whyrows.h - inside of why: the rows of a key in the order in which the rule was given them, and what was done with each.
 *
 * Room:   why -> [whyrows] -> whyfilter, whywindow, whyover, whyjoin
 * Owns:   a reference to each row's batch; the machines of WHERE.  Thread: one.  Time: evtime. */
#ifndef WEIR_CEP_WHYROWS_H
#define WEIR_CEP_WHYROWS_H
#include "base/bytes.h"
#include "cep/key/keyed.h"
#include "cep/why/cond.h"
#include "cep/why/why.h"

#define WHY_NONE UINT32_MAX

struct whyrow {
    struct batch *b;
    unsigned i, side;
    evtime ts;
    bool late, seen, paused, pending, where;
    bool lost; /* late, and not taken for it */
};

struct whyrows {
    const struct why_ask *ask;
    uint32_t n, focus; /* focus: WHY_NONE */
    struct whyrow *row;
    struct cond *where[2]; /* by side, of a join */
    struct cond_names names[2];
    struct arena *scratch; /* of machines; whoever asks much empties it */
};

enum whyrows_order { WHYROWS_BY_TIME, WHYROWS_BY_ARRIVAL };
enum { /* what there is to a shape */
       WHYROWS_WAIT = 1, /* rows wait for the watermark */
       WHYROWS_LATE = 2, /* late ones are not taken */
};
void whyrows_init(struct whyrows *w, const struct why_ask *ask, const struct why_row *rows,
                  size_t n, enum whyrows_order order, unsigned flags);
void whyrows_fini(struct whyrows *w);

bool whyrows_is_taken(const struct whyrow *r);
const char *whyrows_taken(const struct whyrow *r); /* "yes", or why not */
static inline evtime whyrows_late_w(const struct whyrow *r)
{
    return r->late && r->b->has_late ? r->b->late_w[r->i] : EVTIME_MIN;
}
/* How many rows of [start, end) were left out for that. */
unsigned whyrows_left_out(const struct whyrows *w, const char *taken, evtime start, evtime end);
struct keyed_row whyrows_keyed(const struct whyrow *r, uint64_t seq);

struct whyrows_verdict {
    const char *kind;
    const char *text; /* NULL: that of the kind */
    uint32_t row; /* WHY_NONE: none */
    bool matches;
    const struct bytes *conditions; /* JSON array; NULL: none */
    const struct bytes *more; /* members, each with a comma before; NULL: none */
};
/* "verdict":{…} */
void whyrows_put_verdict(const struct whyrows *w, const struct whyrows_verdict *v,
                         struct bytes *out);
/* The question is about a row that was not taken, or there is none at all. */
bool whyrows_not_taken(const struct whyrows *w, struct whyrows_verdict *v);
/* ,"earlier":0,"steps":[…]: of each row its place, values, `taken`, `where`, and what `more` says (with a comma before). */
void whyrows_put_steps(const struct whyrows *w,
                       void (*more)(void *ctx, uint32_t row, struct bytes *out), void *ctx,
                       struct bytes *out);
void whyrows_put_place(const struct whyrow *r, struct bytes *out); /* members */
void whyrows_put_values(const struct whyrows *w, const struct whyrow *r, struct bytes *out);
void whyrows_say_event(const struct whyrow *r, struct bytes *out); /* event 0/17 of 2026-… */
void whyrows_say_time(evtime t, struct bytes *out);
/* What is said of a kind whose text is always the same; NULL: no such kind. */
const char *whyrows_text(const char *kind);

/* whyfilter.c … */
void whyfilter_run(const struct why_ask *ask, const struct why_row *rows, size_t n,
                   struct bytes *out);
void whywindow_run(const struct why_ask *ask, const struct why_row *rows, size_t n,
                   struct bytes *out);
void whyover_run(const struct why_ask *ask, const struct why_row *rows, size_t n,
                 struct bytes *out);
void whyjoin_run(const struct why_ask *ask, const struct why_row *rows, size_t n,
                 struct bytes *out);

#endif
