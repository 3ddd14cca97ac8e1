/* SPDX-License-Identifier: Apache-2.0 */
/* httpcall.h - one request that is being answered, as the handlers of the API see it: no h2o in sight.
 *
 * Room:   http (which makes it) -> [httpcall] -> api_*
 * Owns:   nothing a handler must free; what it answers lives until the request ends
 * Thread: the HTTP thread only, but for httpcall_resume.
 *
 * A handler either answers before it returns, or takes a httplater and answers in its `resume`. */
#ifndef WEIR_SERVER_HTTPCALL_H
#define WEIR_SERVER_HTTPCALL_H
#include "base/bytes.h"
#include "base/diag.h"
#include "server/http/problem.h"
#include <jansson.h>

struct httpcall;

/* --- the request --- */
const char *httpcall_param(struct httpcall *c,
                           const char *name); /* of the path template; decoded */
const char *httpcall_query(struct httpcall *c, const char *name); /* decoded; NULL: not given */
/* Digits up to `end` ('\0': no more than them) are a whole number of `most` at most. Where `end` is, or NULL: they are not. */
const char *httpcall_whole(const char *text, char end, uint64_t most, uint64_t *out);
/* A whole number in [least, most], `fallback` if not given. False: a problem has been answered. */
bool httpcall_query_u64(struct httpcall *c, const char *name, uint64_t fallback, uint64_t least,
                        uint64_t most, uint64_t *out);
const char *httpcall_header(struct httpcall *c, const char *lower_case_name); /* NULL: not given */
const char *httpcall_body(struct httpcall *c, size_t *n); /* valid until the answer; no padding */
const char *httpcall_id(struct httpcall *c); /* X-Request-Id */
/* The body as a JSON object of which every key is in `names` (blanks between). NULL: a problem has been answered. */
json_t *httpcall_json(struct httpcall *c, const char *names);

/* --- the answer --- */
/* An empty buffer for the answer's body, the server's own; until the answer. */
struct bytes *httpcall_out(struct httpcall *c);
void httpcall_add_header(struct httpcall *c, const char *lower_case_name, const char *value);
void httpcall_reply(struct httpcall *c, int status,
                    const char *type); /* with httpcall_out's bytes */
void httpcall_json_reply(struct httpcall *c, int status);
void httpcall_problem(struct httpcall *c, enum problem p, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5))); /* hint may be NULL */
void httpcall_diag(struct httpcall *c, enum problem p, const struct diag *d);

/* --- answers that come later --- */
struct httplater;
/* `resume` is called on the HTTP thread, once, after httpcall_resume; c is NULL if the request is gone (or was answered
 * with a time-out): then it only frees its state. */
struct httplater *httpcall_later(struct httpcall *c,
                                 void (*resume)(struct httpcall *c, void *state), void *state);
void httpcall_resume(struct httplater *l); /* any thread; l is gone afterwards */
void httpcall_later_drop(
    struct httplater *l); /* HTTP thread, in the handler that took it: nothing comes after all */

#endif
