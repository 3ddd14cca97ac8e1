/* SPDX-License-Identifier: Apache-2.0
 *
 * The file: a line "stream partition offset" for each event that is set aside, written whole. */
#include "server/run/poison.h"
#include "base/durable.h"
#include "base/mem.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PLACE_BYTES = 24 };
#define WELL_NS                                                                                    \
    ((montime)60 *                                                                                 \
     1000000000) /* an attempt that lived so long was not killed by what it was told to suspect */

struct poison {
    char *file;
    struct poison_place places[POISON_PLACES]; /* a ring */
    unsigned nplaces;
    struct lastplace suspects[POISON_SUSPECTS]; /* a ring */
    unsigned nsuspects;
    bool watch; /* a worker has died */
    struct lastplace *skips;
    size_t nskips, skips_cap;
};

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool is_same(const struct lastplace *a, const struct lastplace *b)
{
    return a->stream == b->stream && a->partition == b->partition && a->first == b->first &&
           a->last == b->last;
}

static void add_skip(struct poison *p, const struct lastplace *at)
{
    p->skips = mem_grow(p->skips, p->nskips, 1, &p->skips_cap, sizeof *p->skips);
    p->skips[p->nskips++] = *at;
}

static enum err read_file(struct poison *p, FILE *f)
{
    struct lastplace at;
    int n = 0;
    while ((n = fscanf(f, "%" SCNu32 " %" SCNu32 " %" SCNu64, &at.stream, &at.partition,
                       &at.first)) == 3) {
        at.last = at.first;
        if (p->nskips == POISON_SKIPS)
            return ERR_CORRUPT;
        add_skip(p, &at);
    }
    return n == EOF && !ferror(f) ? ERR_OK : ERR_CORRUPT;
}

enum err poison_open(const char *file, struct diag *d, struct poison **out)
{
    enum err e = ERR_OK;
    struct poison *p = mem_new(sizeof *p);
    p->file = mem_str(file);
    FILE *f = fopen(file, "re");
    if (f != NULL) {
        e = read_file(p, f);
        fclose(f);
    } else if (errno != ENOENT) {
        e = err_from_errno(errno);
    }
    if (e != ERR_OK) {
        diag_say(d, "poison", "a line has three numbers: stream, partition, offset",
                 "the events that are set aside, %s, cannot be read: %s", file, err_text(e));
        poison_close(p);
        return e;
    }
    *out = p;
    return ERR_OK;
}

void poison_close(struct poison *p)
{
    if (p == NULL)
        return;
    mem_free(p->file);
    mem_free(p->skips);
    mem_free(p);
}

/* --- deaths ------------------------------------------------------------------------------------------------------ */

static struct poison_place *find(struct poison *p, const struct lastplace *at)
{
    for (unsigned i = 0; i < p->nplaces && i < POISON_PLACES; i++)
        if (is_same(&p->places[i].at, at))
            return &p->places[i];
    return NULL;
}

static void suspect(struct poison *p, const struct lastplace *at)
{
    for (unsigned i = 0; i < p->nsuspects && i < POISON_SUSPECTS; i++)
        if (is_same(&p->suspects[i], at))
            return;
    p->suspects[p->nsuspects++ % POISON_SUSPECTS] = *at;
}

bool poison_died(struct poison *p, const struct lastplace *at, montime began, montime now)
{
    if (now - began >= WELL_NS)
        p->nsuspects = 0;
    p->watch = true;
    if (at == NULL)
        return false;
    suspect(p, at);
    if (at->first != at->last)
        return false;
    struct poison_place *k = find(p, at);
    if (k == NULL) {
        k = &p->places[p->nplaces++ % POISON_PLACES];
        *k = (struct poison_place){.at = *at};
    }
    k->times++;
    return k->times >= POISON_TIMES;
}

enum err poison_skip(struct poison *p, const struct lastplace *at)
{
    struct bytes text = {0};
    if (p->nskips == POISON_SKIPS)
        return ERR_LIMIT;
    add_skip(p, at);
    for (size_t i = 0; i < p->nskips; i++)
        bytes_printf(&text, "%" PRIu32 " %" PRIu32 " %" PRIu64 "\n", p->skips[i].stream,
                     p->skips[i].partition, p->skips[i].first);
    enum err e = durable_file(p->file, text.p, text.n);
    bytes_fini(&text);
    struct poison_place *k = find(p, at);
    if (e != ERR_OK)
        p->nskips--;
    else if (k != NULL)
        k->skipped = true;
    return e;
}

unsigned poison_places(const struct poison *p, struct poison_place *out, unsigned cap)
{
    unsigned n = least(p->nplaces, POISON_PLACES);
    for (unsigned i = 0; i < n && i < cap; i++)
        out[i] = p->places[(p->nplaces - 1 - i) % POISON_PLACES];
    return n;
}

unsigned poison_skipped(const struct poison *p)
{
    return (unsigned)p->nskips;
}

/* --- to the workers ---------------------------------------------------------------------------------------------- */

static void put_place(const struct lastplace *at, struct bytes *out)
{
    bytes_u32(out, at->stream);
    bytes_u32(out, at->partition);
    bytes_u64(out, at->first);
    bytes_u64(out, at->last);
}

static bool get_place(struct bytes_reader *r, struct lastplace *at)
{
    at->stream = bytes_get_u32(r);
    at->partition = bytes_get_u32(r);
    at->first = bytes_get_u64(r);
    at->last = bytes_get_u64(r);
    return !r->bad && at->first <= at->last;
}

void poison_put(const struct poison *p, struct bytes *out)
{
    unsigned n = least(p->nsuspects, POISON_SUSPECTS);
    bytes_u8(out, p->watch);
    bytes_u8(out, (uint8_t)n);
    for (unsigned i = 0; i < n; i++)
        put_place(&p->suspects[i], out);
    for (size_t i = 0; i < p->nskips; i++)
        put_place(&p->skips[i], out);
}

enum err poison_get(const void *bytes, size_t n, struct poison_watch *out)
{
    struct bytes_reader r = bytes_read(bytes, n);
    struct poison_watch w = {.rows = bytes_get_u8(&r) != 0};
    bool good = true;
    w.nsuspects = bytes_get_u8(&r);
    if (r.bad || w.nsuspects > POISON_SUSPECTS)
        return ERR_CORRUPT;
    for (unsigned i = 0; i < w.nsuspects && good; i++)
        good = get_place(&r, &w.suspects[i]);
    w.nskips = good ? (size_t)(r.end - r.p) / PLACE_BYTES : 0;
    if (!good || w.nskips > POISON_SKIPS || (size_t)(r.end - r.p) % PLACE_BYTES != 0)
        return ERR_CORRUPT;
    w.skips = mem_array(w.nskips + 1, sizeof *w.skips);
    for (size_t i = 0; i < w.nskips && good; i++)
        good = get_place(&r, &w.skips[i]) && w.skips[i].first == w.skips[i].last;
    if (!good) {
        mem_free(w.skips);
        return ERR_CORRUPT;
    }
    *out = w;
    return ERR_OK;
}
