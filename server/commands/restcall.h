/* SPDX-License-Identifier: Apache-2.0 */
/* restcall.h - a running server asked over REST, by the commands that need one.
 *
 * Room:   deadcmd, whycmd -> [restcall] -> libcurl -> the server.  Owns: the connection, the last answer.  Thread: main only. */
#ifndef WEIR_SERVER_RESTCALL_H
#define WEIR_SERVER_RESTCALL_H
#include "base/bytes.h"
#include <jansson.h>

#define RESTCALL_URL "http://127.0.0.1:8080"

struct restcall {
    const char *command, *url; /* the sub-command that says what went wrong; --url */
    void *curl;
    struct bytes answer;
    json_t *body; /* of the last answer; NULL: it has none */
};
void restcall_init(struct restcall *r, const char *command, const char *url);
void restcall_fini(struct restcall *r);
/* path: after /api/v1, as it goes into the URL. send: a body, or NULL. Answers the exit code: ARGS_FAILED if the server
 * refuses, ARGS_USAGE if there was no answer; said is why, on standard error. */
int restcall_ask(struct restcall *r, const char *method, const char *path, const json_t *send);
/* As a part of a path or query. */
void restcall_put_escaped(struct restcall *r, const char *text, struct bytes *out);

/* A line on standard output. */
void restcall_print(const json_t *value, size_t flags);

#endif
