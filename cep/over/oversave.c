/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows that frames still have, where each frame begins, and the sums of frames that no row leaves. Sums, queues and sets
 * of other frames are made again from their rows; where a sum of DOUBLE is cut in two (overacc.c) is kept, so that it is
 * the same to the last bit. Between two steps no row waits for others of its time. */
#include "base/bug.h"
#include "cep/over/overrun.h"
#include "cep/over/overtext.h"

enum { ROWS_MAX = INT64_MAX / 4 }; /* of a key, ever */

/* --- to bytes --- */

static void put_entry(const struct over *o, const uint64_t *entry, struct bytes *out)
{
    bytes_u64(out, entry[0]);
    if (o->p->ninputs > 0)
        bytes_varint(out, entry[1]);
    for (unsigned i = 0; i < o->p->ninputs; i++) {
        const struct overprog_input *in = &o->p->inputs[i];
        if (in->e == NULL || overacc_is_null(entry, i))
            continue;
        int64_t word = (int64_t)entry[in->at];
        if (in->text)
            bytes_str(out, overtext_at(word)->p, overtext_at(word)->n);
        else
            bytes_u64(out, (uint64_t)word);
    }
}

static uint64_t start_of(const struct over *o, const struct over_cell *c, unsigned call)
{
    return o->p->calls[call].way < OVERPROG_SUM
               ? 0
               : c->words[o->p->frames[o->p->calls[call].frame].start];
}

void oversave_put(const struct over *o, const struct keystate *state, struct keysave *rows,
                  struct bytes *out)
{
    struct over_cell *c = (struct over_cell *)(uintptr_t)(const void *)state;
    const struct overacc_ring *r = &c->ring;
    (void)rows; /* it keeps values, not rows */
    CHECK(c->first == OVER_NONE && c->done == r->tail);
    bytes_u64(out, (uint64_t)c->listed);
    bytes_u8(out, c->state.room != 0);
    bytes_varint(out, r->head);
    bytes_varint(out, r->tail - r->head);
    for (uint64_t i = r->head; i < r->tail; i++)
        put_entry(o, overacc_entry(r, i), out);
    for (unsigned i = 0; i < o->p->nframes; i++)
        if (o->p->frames[i].f.preceding >= 0)
            bytes_varint(out, c->words[o->p->frames[i].start] - r->head);
    for (unsigned i = 0; i < o->p->ncalls; i++) {
        struct overacc a = over_acc((struct over *)(uintptr_t)o, c, i);
        overacc_save(&a, start_of(o, c, i), out);
    }
}

/* --- from bytes --- */

static bool load_entry(struct over *o, struct over_cell *c, struct bytes_reader *in)
{
    uint64_t *entry = over_extend(o, c);
    entry[0] = bytes_get_u64(in);
    uint64_t nulls = o->p->ninputs > 0 ? bytes_get_varint(in) : 0;
    if (in->bad || !keyload_is_time((evtime)entry[0]))
        return false;
    for (unsigned i = 0; i < o->p->ninputs; i++) {
        const struct overprog_input *of = &o->p->inputs[i];
        size_t n = 0;
        if (nulls >> i & 1)
            continue;
        if (of->text) {
            const char *p = bytes_get_str(in, &n);
            if (in->bad || n > UINT32_MAX)
                return false;
            entry[of->at] = (uint64_t)overtext_new(&o->memory, (struct str){p, (uint32_t)n, 0});
        } else if (of->e != NULL) {
            entry[of->at] = bytes_get_u64(in);
        }
        entry[1] &= ~(UINT64_C(1) << i);
    }
    return !in->bad;
}

static bool load_ring(struct over *o, struct over_cell *c, struct bytes_reader *in)
{
    uint64_t head = bytes_get_varint(in), n = bytes_get_varint(in);
    if (in->bad || head > ROWS_MAX || n > ROWS_MAX)
        return false;
    c->ring.head = c->ring.tail = head;
    for (uint64_t i = 0; i < n; i++)
        if (!load_entry(o, c, in))
            return false;
    c->done = c->ring.tail;
    return true;
}

static bool load_frames(struct over *o, struct over_cell *c, struct bytes_reader *in)
{
    const struct overacc_ring *r = &c->ring;
    for (unsigned i = 0; i < o->p->nframes; i++) {
        const struct overprog_frame *f = &o->p->frames[i];
        if (f->f.preceding < 0)
            continue; /* from the first row on */
        uint64_t n = bytes_get_varint(in);
        if (in->bad || n > r->tail - r->head)
            return false;
        c->words[f->start] = r->head + n;
    }
    for (unsigned i = 0; i < o->p->ncalls; i++) {
        struct overacc a = over_acc(o, c, i);
        if (overacc_load(&a, start_of(o, c, i), r->tail, in) != ERR_OK)
            return false;
    }
    return !in->bad;
}

enum err oversave_load(struct over *o, struct keyload *l, struct bytes_reader *in)
{
    if (l->overs != NULL)
        return overmapload(o, l, in);
    evtime listed = (evtime)bytes_get_u64(in);
    uint8_t told = bytes_get_u8(in);
    if (in->bad || !keyload_is_time(listed))
        return ERR_CORRUPT;
    /* The list of keys is in order of time. A key that comes alone may be forgotten later than it could be. */
    if (!l->bulk && o->newest != NULL && o->newest->listed > listed)
        listed = o->newest->listed;
    struct over_cell *c = over_make(o, l->key, listed);
    c->state.room = told != 0;
    if (load_ring(o, c, in) && load_frames(o, c, in))
        return ERR_OK;
    over_drop(o, &c->state);
    return ERR_CORRUPT;
}

void oversave_put_head(const struct over *o, struct bytes *out)
{
    (void)o, (void)out; /* it knows of rows only, and nothing of time beside theirs */
}

enum err oversave_load_head(struct over *o, struct bytes_reader *in)
{
    (void)o, (void)in;
    return ERR_OK;
}

void oversave_loaded(struct over *o)
{
    over_sort(o);
}

evtime oversave_when(const struct over *o, const struct keystate *state)
{
    const struct over_cell *c = (const struct over_cell *)(const void *)state;
    int64_t idle = o->p->idle_ms;
    if (c->first != OVER_NONE) /* rows of its time are in hand */
        return EVTIME_MIN;
    return idle < 0 ? EVTIME_MAX : c->listed + idle + idle / OVER_LAZY + 1;
}
