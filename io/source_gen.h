/* SPDX-License-Identifier: Apache-2.0 */
/* source_gen.h - the 'generator' connector: payments with frauds in them, so many a second.
 *
 * Room:   [source_gen] over io/paygen.h -> intake
 * Owns:   its generator.  Thread: one.  Time: montime to keep the pace; events begin at the wall clock's time given.
 *
 * WITH ('connector'='generator', 'rate'='100', 'cards'='20000', 'seed'='7', 'disorder'='2 s', 'late-ppm'='500',
 * 'events'='0'). With 'events' the input ends after so many. What it makes are payments with the columns id, ts, type,
 * card, account, merchant, mcc, country, channel, amount, currency, status, device. */
#ifndef WEIR_IO_SOURCE_GEN_H
#define WEIR_IO_SOURCE_GEN_H
#include "base/diag.h"
#include "cep/row/schema.h"
#include "io/paygen.h"

struct source_gen;

/* already: events that it has made before, in other runs. ERR_INVALID with a sentence in d: an option is no good. */
enum err source_gen_new(const struct schema *s, evtime start, montime now, uint64_t already,
                        struct diag *d, struct source_gen **out);
void source_gen_free(struct source_gen *g); /* NULL is fine */

/* The next event if it is due; its length without a newline, else 0. */
size_t source_gen_next(struct source_gen *g, montime now, char out[PAYGEN_LINE_MAX]);
bool source_gen_ended(const struct source_gen *g);

#endif
