/* SPDX-License-Identifier: Apache-2.0
 *
 * savepoints.h where nothing could make one: there are none, and none can be made. */
#include "base/mem.h"
#include "server/checkpoint/savepoints.h"
#include <stdio.h>

static enum err no_such(const char *name, struct diag *d)
{
    diag_say(d, "not-found", NULL, "there is no savepoint '%.80s'", name);
    return ERR_NOT_FOUND;
}

void savepoints_make_name(char out[SAVEPOINTS_NAME_BYTES])
{
    snprintf(out, SAVEPOINTS_NAME_BYTES, "sp");
}

enum err savepoints_take(struct savepoints *s, const struct savepoints_order *o, struct diag *d,
                         runtime_done *done, void *ctx)
{
    (void)s, (void)o, (void)done, (void)ctx;
    diag_say(d, "conflict", NULL, "no workers run");
    return ERR_CONFLICT;
}

char *savepoints_folder(const struct savepoints *s, const char *name)
{
    (void)s;
    return mem_str(name);
}

size_t savepoints_list(const struct savepoints *s, char ***names)
{
    (void)s;
    *names = NULL;
    return 0;
}

size_t savepoints_usage(const struct savepoints *s, uint64_t *bytes)
{
    (void)s;
    *bytes = 0;
    return 0;
}

enum err savepoints_read(const struct savepoints *s, const char *name, struct diag *d,
                         struct savemeta **out)
{
    (void)s, (void)out;
    return no_such(name, d);
}

enum err savepoints_remove(struct savepoints *s, const char *name, struct diag *d)
{
    (void)s;
    return no_such(name, d);
}

enum err savepoints_verify(struct savepoints *s, const char *name, struct diag *d,
                           runtime_done *done, void *ctx)
{
    (void)s, (void)done, (void)ctx;
    return no_such(name, d);
}

enum err savepoints_restore(struct savepoints *s, const char *name, const struct restore_ask *ask,
                            struct diag *d, runtime_done *done, void *ctx)
{
    (void)s, (void)ask, (void)done, (void)ctx;
    return no_such(name, d);
}
