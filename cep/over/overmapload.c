/* SPDX-License-Identifier: Apache-2.0
 *
 * A key's state of another version. Its rows become rows of this one, with those values that it reads and that were kept;
 * frames begin where they would if this version had had these rows; what rows leave is summed up anew.
 *
 * A version whose frames are all of time forgets keys that have been silent for long, sooner or later. If this one's go
 * further back, rows that may have been forgotten are left out for every key, so that it does not matter. */
#include "cep/over/overmap.h"
#include "cep/over/overrun.h"
#include "cep/over/overtext.h"

struct loading {
    struct over *o;
    const struct overmap *map;
    struct over_cell *c;
    evtime from; /* rows before it are left out */
    uint64_t head, n; /* rows of the saved state: their numbers */
    uint64_t shift; /* from its numbers to this one's: less so much */
    uint64_t starts[OVERPROG_INPUTS_MAX]; /* of its frames */
    uint64_t mids
        [OVERPROG_INPUTS_MAX]; /* where its sums are cut in two (overacc.c), by new call; or 0 */
};

static void put_value(struct loading *l, unsigned input, uint64_t *entry, const char *text,
                      size_t n, uint64_t word)
{
    const struct overprog_input *in = &l->o->p->inputs[input];
    entry[1] &= ~(UINT64_C(1) << input);
    if (in->text)
        entry[in->at] = (uint64_t)overtext_new(&l->o->memory, (struct str){text, (uint32_t)n, 0});
    else if (in->e != NULL)
        entry[in->at] = word;
}

static bool load_entry(struct loading *l, struct bytes_reader *in)
{
    const struct overprog *from = l->map->from;
    evtime ts = (evtime)bytes_get_u64(in);
    uint64_t nulls = from->ninputs > 0 ? bytes_get_varint(in) : 0;
    uint64_t *entry = ts >= l->from ? over_extend(l->o, l->c) : NULL;
    if (entry != NULL)
        entry[0] = (uint64_t)ts;
    for (unsigned i = 0; i < from->ninputs; i++) {
        const char *text = NULL;
        uint64_t word = 0;
        size_t n = 0;
        if (nulls >> i & 1)
            continue;
        if (from->inputs[i].text)
            text = bytes_get_str(in, &n);
        else if (from->inputs[i].e != NULL)
            word = bytes_get_u64(in);
        if (in->bad || n > UINT32_MAX)
            return false;
        if (entry != NULL && l->map->inputs[i] >= 0)
            put_value(l, (unsigned)l->map->inputs[i], entry, text, n, word);
    }
    return !in->bad;
}

static bool load_rows(struct loading *l, struct bytes_reader *in)
{
    struct overacc_ring *r = &l->c->ring;
    l->head = bytes_get_varint(in);
    l->n = bytes_get_varint(in);
    r->head = r->tail = l->head;
    for (uint64_t i = 0; i < l->n; i++) {
        if (!load_entry(l, in))
            return false;
        if (r->head == r->tail) /* left out */
            r->head = r->tail = l->head + i + 1;
    }
    return !in->bad;
}

/* Numbers of keys that may have been forgotten mean nothing: the first row that is there is the first. */
static void number_anew(struct loading *l)
{
    struct overacc_ring *r = &l->c->ring, old = *r;
    struct over *o = l->o;
    if (l->map->from->idle_ms < 0 || r->head == 0)
        return;
    l->shift = r->head;
    r->tail = r->head = 0;
    r->cap = 0;
    for (uint64_t i = old.head; i < old.tail; i++) {
        uint64_t *entry = over_extend(o, l->c);
        memcpy(entry, overacc_entry(&old, i), old.entry * sizeof *entry);
    }
    if (old.cap > 0)
        slabs_free(&o->memory, old.words, (size_t)old.cap * old.entry * sizeof *old.words);
}

static uint64_t start_of(const struct over_cell *c, const struct over_frame *f)
{
    const struct overacc_ring *r = &c->ring;
    uint64_t start = r->head;
    if (r->head == r->tail)
        return r->tail;
    if (f->rows) {
        uint64_t most = (uint64_t)f->preceding, last = r->tail - 1;
        return last > most && last - most > start ? last - most : start;
    }
    evtime last = (evtime)*overacc_entry(r, r->tail - 1);
    while (start < r->tail && last - (evtime)*overacc_entry(r, start) > f->preceding)
        start++;
    return start;
}

/* What the saved state says of a call; sums over all rows that this version does not have are lost. */
static bool load_sum(struct loading *l, unsigned i, struct bytes_reader *in)
{
    const struct overprog *from = l->map->from;
    const struct overprog_call *c = &from->calls[i];
    int to = l->map->calls[i];
    if (c->way == OVERPROG_SUFFIX) {
        uint64_t mid = l->starts[c->frame] + bytes_get_varint(in);
        if (to >= 0 && mid > l->shift)
            l->mids[to] = mid - l->shift;
    }
    if (c->way < OVERPROG_SUM || from->frames[c->frame].f.preceding >= 0)
        return !in->bad;
    if (to >= 0) {
        struct overacc a = over_acc(l->o, l->c, (unsigned)to);
        return overacc_load(&a, 0, l->c->ring.tail, in) == ERR_OK;
    }
    uint64_t lost[OVERPROG_WORDS_MAX] = {0};
    struct overacc a = {from, c, lost, &l->c->ring, &l->o->memory, l->o->scratch};
    bool good = overacc_load(&a, 0, l->c->ring.tail, in) == ERR_OK;
    overacc_fini(&a);
    return good;
}

static bool load_sums(struct loading *l, struct bytes_reader *in)
{
    const struct overprog *from = l->map->from;
    for (unsigned i = 0; i < from->nframes; i++)
        if (from->frames[i].f.preceding >= 0)
            l->starts[i] = l->head + bytes_get_varint(in);
    for (unsigned i = 0; i < from->ncalls; i++)
        if (!load_sum(l, i, in))
            return false;
    return !in->bad;
}

static void fill_frames(struct loading *l)
{
    const struct overprog *p = l->o->p;
    uint64_t end = l->c->ring.tail;
    for (unsigned i = 0; i < p->nframes; i++)
        if (p->frames[i].f.preceding >= 0)
            l->c->words[p->frames[i].start] = start_of(l->c, &p->frames[i].f);
    for (unsigned i = 0; i < p->ncalls; i++) {
        const struct overprog_call *call = &p->calls[i];
        if (call->way < OVERPROG_SUM || p->frames[call->frame].f.preceding < 0)
            continue;
        struct overacc a = over_acc(l->o, l->c, i);
        uint64_t start = l->c->words[p->frames[call->frame].start];
        uint64_t mid = l->mids[i] > start ? l->mids[i] : start;
        overacc_remake(&a, start, mid < end ? mid : end, end);
    }
}

/* The last in the list of keys: by its last row, as far as the list is in order. */
static void set_listed(struct over_cell *c, bool bulk)
{
    evtime last = (evtime)*overacc_entry(&c->ring, c->ring.tail - 1);
    c->listed = !bulk && c->older != NULL && c->older->listed > last ? c->older->listed : last;
}

enum err overmapload(struct over *o, const struct keyload *k, struct bytes_reader *in)
{
    const struct overmap *map = k->overs;
    evtime listed = (evtime)bytes_get_u64(in);
    uint8_t told = bytes_get_u8(in);
    struct loading l = {.o = o, .map = map, .from = EVTIME_MIN};
    if (in->bad || !keyload_is_time(listed))
        return ERR_CORRUPT;
    if (map->forgets)
        l.from = k->now - map->from->idle_ms;
    l.c = over_make(o, k->key, listed);
    l.c->state.room = told != 0;
    if (!load_rows(&l, in)) {
        over_drop(o, &l.c->state);
        return ERR_CORRUPT;
    }
    number_anew(&l);
    bool good = load_sums(&l, in), none = l.c->ring.head == l.c->ring.tail;
    if (!good || (none && (o->p->idle_ms >= 0 || map->from->idle_ms >= 0))) {
        over_drop(o, &l.c->state);
        return good ? ERR_OK : ERR_CORRUPT;
    }
    fill_frames(&l);
    l.c->done = l.c->ring.tail;
    if (!none)
        set_listed(l.c, k->bulk);
    over_trim(o, l.c);
    return ERR_OK;
}
