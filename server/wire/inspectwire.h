/* SPDX-License-Identifier: Apache-2.0 */
/* inspectwire.h - what a worker is asked of a rule's keys, and what it answers.
 *
 * Room:   inspector <-> [inspectwire] <-> worker, in frames CONTROL_INSPECT and CONTROL_INSPECTED
 * Owns:   nothing; what is read stays a slice of the frame, or goes into the caller's arena.  Thread: any. */
#ifndef WEIR_SERVER_INSPECTWIRE_H
#define WEIR_SERVER_INSPECTWIRE_H
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "cep/task/taskcount.h"

struct inspectwire_ask {
    uint64_t number, uid; /* of the ask; of the rule */
    const void *key; /* canonical bytes (value_key) of one key; NULL: all */
    size_t key_n;
    uint64_t from; /* all: where to go on */
    uint32_t keys, items;
    const char *at; /* cep/task/taskinspect.h; NULL: any */
    int64_t older_ms;
    /* How much there is (cep/task/taskcount.h), in place of what; `keys` is then the most that are looked at. */
    bool counts;
    const struct taskcount_state *states;
    uint32_t nstates;
};
struct inspectwire_answer {
    uint64_t number, next; /* next: where to go on; 0: that was all */
    uint32_t keys;
    const char *json; /* not NUL-terminated */
    size_t json_n;
};

void inspectwire_put_ask(const struct inspectwire_ask *m, struct bytes *out);
enum err inspectwire_get_ask(const void *p, size_t n, struct arena *a, struct inspectwire_ask *out);
void inspectwire_put_answer(const struct inspectwire_answer *m, struct bytes *out);
enum err inspectwire_get_answer(const void *p, size_t n, struct inspectwire_answer *out);

#endif
