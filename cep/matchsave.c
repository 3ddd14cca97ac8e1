/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "cep/match.h"

void match_save(const struct match *m, const struct keystate *state, struct keysave *rows,
                struct bytes *out)
{
    BUG_IF(true, "not there yet: %p %p %p %p", (const void *)m, (const void *)state, (void *)rows,
           (void *)out);
}

enum err match_load(struct match *m, struct keyload *l, struct bytes_reader *in)
{
    (void)m, (void)l, (void)in;
    return ERR_CORRUPT;
}

void match_save_head(const struct match *m, struct bytes *out)
{
    (void)m, (void)out;
}

enum err match_load_head(struct match *m, struct bytes_reader *in)
{
    (void)m, (void)in;
    return ERR_OK;
}

void match_loaded(struct match *m)
{
    (void)m;
}

evtime match_when(const struct match *m, const struct keystate *state)
{
    (void)m, (void)state;
    return EVTIME_MIN;
}
