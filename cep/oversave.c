/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "cep/over.h"

void over_save(const struct over *o, const struct keystate *state, struct keysave *rows,
               struct bytes *out)
{
    BUG_IF(true, "not there yet: %p %p %p %p", (const void *)o, (const void *)state, (void *)rows,
           (void *)out);
}

enum err over_load(struct over *o, struct keyload *l, struct bytes_reader *in)
{
    (void)o, (void)l, (void)in;
    return ERR_CORRUPT;
}

void over_save_head(const struct over *o, struct bytes *out)
{
    (void)o, (void)out;
}

enum err over_load_head(struct over *o, struct bytes_reader *in)
{
    (void)o, (void)in;
    return ERR_OK;
}

void over_loaded(struct over *o)
{
    (void)o;
}

evtime over_when(const struct over *o, const struct keystate *state)
{
    (void)o, (void)state;
    return EVTIME_MIN;
}
