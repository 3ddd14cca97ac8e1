/* SPDX-License-Identifier: Apache-2.0 */
/* cooldown.h - which match of a rule and key was alerted last, and how many it stands for.
 *
 * Room:   [cooldown] of the alert writer.  Owns: its entries.  Thread: one.  Time: event time of results. */
#ifndef WEIR_SERVER_COOLDOWN_H
#define WEIR_SERVER_COOLDOWN_H
#include "base/bytes.h"
#include "cep/result.h"

struct cooldown;

struct cooldown *cooldown_new(void);
void cooldown_free(struct cooldown *c); /* NULL is fine */
void cooldown_reset(struct cooldown *c);

enum { COOLDOWN_NOBODY = UINT16_MAX };
/* Entries that worker's results have touched last (COOLDOWN_NOBODY: that were loaded, and not touched since), behind what is
 * in `out`. Of one key a later one counts. */
void cooldown_save(const struct cooldown *c, unsigned worker, struct bytes *out);
/* ERR_CORRUPT: what was before the damage is there. */
enum err cooldown_load(struct cooldown *c, const void *p, size_t n);

/* True: this match is alerted. False: it raises the count of an earlier alert, whose id and count so far are given. */
bool cooldown_passes(struct cooldown *c, const struct result *r, uint32_t version, unsigned worker,
                     char id[RESULT_ID_TEXT], uint32_t *count);

#endif
