/* SPDX-License-Identifier: Apache-2.0 */
/* api_define.h - what is defined by a CREATE statement of its own: a stream, a list, a table, a sink.
 *
 * Room:   api_streams, api_lists, api_tables, api_sinks -> [api_define] -> rules/compile, runtime
 * Owns:   nothing; the change takes the request
 * Thread: the HTTP thread. */
#ifndef WEIR_SERVER_API_DEFINE_H
#define WEIR_SERVER_API_DEFINE_H
#include "rules/compile.h"
#include "server/api/api.h"

struct api_define {
    const char *example; /* as in {"sql": "CREATE TABLE …"} */
    const char *must; /* what 'sql' must be */
    const char *elsewhere; /* where other statements go */
    enum problem bad;
    const char *(*name)(
        const struct script *s); /* of what the text is about, or NULL: it is not one of these */
    api_answer *created;
};

/* POST {"sql": …}: compiled here, carried out by the runtime, answered by `created` or with the problem. */
void api_define_create(struct api *a, struct httpcall *c, const struct api_define *what);
/* An api_answer: 204. */
void api_define_deleted(struct api *a, struct httpcall *c, const char *name);

/* What the catalogue keeps of them, as JSON. `write` is given the listing, and leaves out what is not its `only`. */
struct api_define_listing {
    struct api *api;
    struct bytes *out;
    const char *only; /* NULL: all */
};
typedef void api_define_write(void *listing, const struct catalog_text *t);
void api_define_list(struct api *a, struct httpcall *c, enum catalog_text_kind kind,
                     api_define_write *write);
void api_define_one(struct api *a, struct httpcall *c, enum catalog_text_kind kind,
                    api_define_write *write, const char *name, int status);

/* One of the rules that use it: {"id", "name"}, to ctx, a struct bytes. */
void api_define_rule(void *ctx, uint64_t uid, const char *rule);

/* The names of all that there are, to say which was meant. */
struct api_define_names {
    char **names;
    size_t n, cap;
};
void api_define_note(struct api_define_names *n, const char *name); /* copied */
/* Answers 404 with the nearest of the names, or the error that reading them gave; frees them. */
void api_define_missing(struct httpcall *c, const char *what, const char *name, enum err e,
                        struct api_define_names *n);
#endif
