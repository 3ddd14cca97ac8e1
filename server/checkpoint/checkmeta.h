/* SPDX-License-Identifier: Apache-2.0 */
/* checkmeta.h - what stands in the _metadata of a checkpoint: of which rules it is, how far each partition was read, the
 * files of each worker.
 *
 * Room:   checkpointer <-> [checkmeta] <-> a JSON text (state/checkpoint.h keeps it, with a checksum)
 * Owns:   its own copies of all it is given
 * Thread: one.  Time: evtime.
 *
 * It is read without the catalogue, and by people: names stand beside numbers. */
#ifndef WEIR_SERVER_CHECKMETA_H
#define WEIR_SERVER_CHECKMETA_H
#include "server/deploy/registry.h"
#include "server/wire/snapwire.h"

enum { CHECKMETA_FORMAT = 1, CHECKMETA_TRIGGER_BYTES = 16 };

struct checkmeta_rule {
    uint64_t uid, lists_seq;
    uint32_t version;
    char *name, *sql;
    evtime since_w; /* its first cut */
    unsigned nmarks;
    struct job_mark *marks;
};
struct checkmeta_position {
    char *stream; /* its name */
    struct control_position at; /* rows, late: of all attempts together */
};
struct checkmeta_worker {
    struct snapwire_done done;
    uint64_t alignment_ns, sync_ns;
    bool unaligned;
};
struct checkmeta_sink {
    char *name;
    char *pending; /* what it can commit (io/io.h) */
};
struct checkmeta {
    uint64_t id;
    char trigger[CHECKMETA_TRIGGER_BYTES];
    evtime started;
    int64_t duration_ms;
    unsigned key_groups, workers;
    struct checkmeta_worker worker[TASK_WORKERS_MAX];
    struct checkmeta_rule *rules;
    size_t nrules, rules_cap;
    struct checkmeta_position *positions;
    size_t npositions, positions_cap;
    struct checkmeta_sink *sinks;
    size_t nsinks, sinks_cap;
    uint64_t cooldown_bytes, cooldown_sum; /* of the file `cooldown`; its XXH3 */
};

struct checkmeta *checkmeta_new(void);
struct checkmeta *checkmeta_copy(const struct checkmeta *m);
void checkmeta_free(struct checkmeta *m); /* NULL is fine */
void checkmeta_add_rules(struct checkmeta *m, struct registry *r); /* all live ones */
void checkmeta_add_position(struct checkmeta *m, const char *stream,
                            const struct control_position *at);
/* The file `cooldown` of that folder, with its sum here. */
enum err checkmeta_write_cooldown(struct checkmeta *m, const char *folder, const struct bytes *b);
/* As sinks.h has them in one blob; they are put in the place of those it has. */
void checkmeta_set_sinks(struct checkmeta *m, const struct bytes *blob);
void checkmeta_sinks(const struct checkmeta *m, struct bytes *blob); /* NULL: none */

void checkmeta_put(const struct checkmeta *m, struct bytes *out);
/* ERR_CORRUPT, ERR_VERSION: d says what is wrong. */
enum err checkmeta_get(const char *text, size_t n, struct diag *d, struct checkmeta **out);

/* What becomes of a rule that lives now, if workers go on from it. */
enum checkmeta_fate {
    CHECKMETA_KEPT, /* it has that version's state */
    CHECKMETA_UPGRADED, /* it has the state of a version before, which hands over again */
    CHECKMETA_NEW, /* the rule begins behind it */
    CHECKMETA_UNUSABLE, /* the rule reads from before it, and it has nothing of the rule */
};
/* *from: the version that it has, or begins with. *stream: CHECKMETA_UNUSABLE, what it reads. */
enum checkmeta_fate checkmeta_fate(const struct checkmeta *m, const struct registry_rule *of,
                                   uint32_t *from, const char **stream);
/* Does some version of a live rule go on with the state of m->rules[i]? */
bool checkmeta_is_claimed(const struct checkmeta *m, size_t i, struct registry *r);
/* May the rules that live now go on from it? A rule that it does not have, or has from another beginning, must begin at or
 * behind the checkpoint's positions. False: d says which one stands in the way. */
bool checkmeta_fits(const struct checkmeta *m, struct registry *r, struct diag *d);
/* It has not that rule, but a version that took its state (job_cut.from): that rule is not needed any more. */
bool checkmeta_is_past(const struct checkmeta *m, uint64_t uid, struct registry *r);
/* It has the state of the very rules that live now, and of no other. */
bool checkmeta_is_same(const struct checkmeta *m, struct registry *r);
/* Of rules that it has, versions that it does not have and that come before had given way already: they are not needed. */
void checkmeta_forget_versions(const struct checkmeta *m, struct registry *r);

#endif
