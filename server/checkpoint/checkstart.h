/* SPDX-License-Identifier: Apache-2.0 */
/* checkstart.h - which complete checkpoints there are, and from which of them an attempt can begin.
 *
 * Room:   <data>/checkpoints -> [checkstart] -> checkpointer.  Owns: the list.
 * Thread: the runtime's.  Time: none.
 *
 * The newest that fits the rules that live now and is whole. One that turns out to be damaged is said in the log and not
 * tried again. */
#ifndef WEIR_SERVER_CHECKSTART_H
#define WEIR_SERVER_CHECKSTART_H
#include "server/checkpoint/checkhistory.h"
#include "server/checkpoint/checkmeta.h"
#include "state/checkpoint.h"

struct checkstart;

/* root: has been opened (state/checkpoint.h). */
struct checkstart *checkstart_open(const char *root, struct checkhistory *h);
void checkstart_free(struct checkstart *s); /* NULL is fine */
uint64_t checkstart_last(const struct checkstart *s); /* the highest number so far; 0: none */
void checkstart_add(struct checkstart *s, const struct checkmeta *m); /* it is complete */
/* The least offset from which one of them would read that partition. False: there is none, or one of them does not say. */
bool checkstart_needs(const struct checkstart *s, uint32_t stream, uint32_t partition,
                      uint64_t *offset);
/* Deletes the folder of that one; a failure is in the log. */
void checkstart_remove(const struct checkstart *s, uint64_t id);
/* The number of one more than `kept` good ones, which leaves the list with this; 0: there is none. */
uint64_t checkstart_too_many(struct checkstart *s, unsigned kept);

/* Is that rule in the one that was taken last? */
bool checkstart_took(const struct checkstart *s, uint64_t uid);
/* Has one that may be begun from that rule, or is there none such? */
bool checkstart_has_rule(const struct checkstart *s, uint64_t uid);
/* Versions of rules that neither the workers nor one of them needs any longer are forgotten. */
void checkstart_forget_versions(const struct checkstart *s, struct registry *r);

/* NULL: there is none to begin from, all is read from where the rules began. cooldown: what the alert writer is to know. */
struct checkmeta *checkstart_take(struct checkstart *s, struct registry *r, struct bytes *cooldown);
/* The one that was taken cannot be read. False: that was said before. */
bool checkstart_damaged(struct checkstart *s, const char *why);

#endif
