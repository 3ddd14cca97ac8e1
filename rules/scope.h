/* SPDX-License-Identifier: Apache-2.0 */
/* scope.h - how the compiler learns of streams that exist already: the server answers from its catalogue, tests from a
 * table. rules/ never reaches the catalogue itself. */
#ifndef WEIR_RULES_SCOPE_H
#define WEIR_RULES_SCOPE_H
#include "cep/row/schema.h"

struct scope {
    void *ctx;
    /* NULL: none of that name (compared without regard to case). The schema outlives every plan compiled with it. */
    const struct schema *(*stream)(void *ctx, const char *name);
    /* What a rule finds, or a side output of a rule or stream, as a stream; as above. *known: there is something of that name,
     * though it may have no such output. May be NULL. */
    const struct schema *(*derived)(void *ctx, const char *name, enum derived_kind kind,
                                    bool *known);
    /* The i-th known stream's or rule's name, for "did you mean"; NULL past the last. */
    const char *(*stream_name)(void *ctx, unsigned i);
    /* A list that is edited while rules run: a reference for the caller, or NULL. Where there are such, INSERT is not done
     * by the compiler, and what cannot be cut in offsets is refused. NULL: there are none but a script's own. */
    struct list *(*list)(void *ctx, const char *name);
    const char *(*list_name)(void *ctx, unsigned i); /* as stream_name */
    /* A table outside, or NULL; it outlives every plan compiled with it. */
    const struct table *(*table)(void *ctx, const char *name);
    const char *(*table_name)(void *ctx, unsigned i); /* as stream_name */
    /* The stream of rows of `from` with what that table has for them: the same one whenever it is asked for. uid: of what is
     * looked up by what (derived_lookup). NULL: too many columns. Must be there if `table` is. */
    const struct schema *(*lookup)(void *ctx, const struct schema *from, const struct table *table,
                                   uint32_t uid);
    /* Is there a sink of that name? NULL: whether there is, is not known here, and need not be. */
    bool (*sink)(void *ctx, const char *name);
    const char *(*sink_name)(void *ctx, unsigned i); /* as stream_name */
    uint64_t lists_since; /* cuts of lists up to this one hold for all rows (list.h) */
};

#endif
