/* SPDX-License-Identifier: Apache-2.0
 *
 * A key's rows on both sides, in order of time. Which row of all keys is over next, and when a window of the key is, follow
 * from the rows and from how far time has come; so do the places in the queue of rows that a limit dropped. */
#include "cep/join/joinrun.h"

enum { PARTNER = 1, FOUND = 2, FLAG_BITS = 2 };

/* --- to bytes --- */

void joinsave_put(const struct join *j, const struct key *key, struct keysave rows[2],
                  struct bytes *out)
{
    const struct join_state *s = (const struct join_state *)(const void *)key->cells;
    if (j->prog->plan->windowed)
        bytes_u64(out, (uint64_t)s->over);
    if (j->rule.plan->state_ttl_ms > 0)
        bytes_u64(out, (uint64_t)s->last);
    for (unsigned side = 0; side < 2; side++) {
        const struct join_pile *l = &s->rows[side];
        bytes_u8(out, l->told);
        bytes_varint(out, l->n);
        for (uint32_t i = 0; i < l->n; i++) {
            const struct join_entry *e = &l->v[l->first + i];
            uint64_t row = keysave_row(&rows[side], e->row);
            bytes_varint(out,
                         row << FLAG_BITS | (e->partner ? PARTNER : 0u) | (e->found ? FOUND : 0u));
        }
    }
}

void joinsave_put_head(const struct join *j, struct bytes *out)
{
    bytes_u64(out, (uint64_t)j->now);
    bytes_varint(out, j->rows);
}

/* --- from bytes --- */

static bool load_side(struct join *j, struct join_state *s, unsigned side, struct keyload *l,
                      struct bytes_reader *in)
{
    struct join_pile *pile = &s->rows[side];
    evtime last = EVTIME_MIN;
    uint8_t told = bytes_get_u8(in);
    uint64_t n = bytes_get_varint(in);
    pile->told = told != 0;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t v = bytes_get_varint(in);
        struct kept *row = in->bad ? NULL : keyload_row(l, v >> FLAG_BITS);
        if (row == NULL)
            return false;
        evtime ts = row->row.ts;
        if (ts < last || !keyload_is_time(ts) || pile->n > UINT32_MAX / 4) {
            keyed_unref(l->k, row);
            return false;
        }
        last = ts;
        s->last = ts > s->last ? ts : s->last;
        join_put(
            j, pile,
            (struct join_entry){.ts = ts, .row = row, .partner = v & PARTNER, .found = v & FOUND});
    }
    return !in->bad;
}

/* Windows that had been over in the task that the key comes from are not given again. */
static bool set_timer(struct join *j, struct join_state *s, evtime now)
{
    evtime first = EVTIME_MAX, from = j->now;
    if (now > from)
        from = s->over = now;
    if (from != EVTIME_MIN && !keyload_is_time(from))
        return false;
    for (unsigned side = 0; side < 2; side++) {
        const struct join_pile *l = &s->rows[side];
        if (l->n > 0 && l->v[l->first].ts < first)
            first = l->v[l->first].ts;
    }
    timers_set(&j->timers, &s->timer, joinwindow_next(j, first, from));
    return true;
}

/* 'state-ttl' */
static bool load_last(struct join *j, struct join_state *s, struct bytes_reader *in)
{
    int64_t ttl = j->rule.plan->state_ttl_ms;
    if (ttl == 0)
        return true;
    s->last = (evtime)bytes_get_u64(in);
    if (in->bad || !keyload_is_time(s->last))
        return false;
    timers_set(&j->quiet, &s->quiet, s->last + ttl);
    return true;
}

static bool is_key(const struct join *j, const void *p, size_t n)
{
    struct bytes_reader r = bytes_read(p, n);
    struct value v;
    for (unsigned k = 0; k < j->prog->plan->nkeys; k++)
        if (!value_from_key(&r, j->prog->parts[JOIN_LEFT][k].type, &v))
            return false;
    return r.p == r.end;
}

enum err joinsave_load(struct join *j, const void *key, size_t n, struct keyload rows[2],
                       struct bytes_reader *in)
{
    struct keyed *k = &j->side[JOIN_LEFT];
    uint64_t hash = keytable_hash(key, n);
    if (!is_key(j, key, n) || keytable_find(&k->table, hash, key, n) != NULL)
        return ERR_CORRUPT;
    struct key *at = keyed_add(k, hash, key, n);
    struct join_state *s = join_make(j, at);
    bool windowed = j->prog->plan->windowed;
    evtime said = windowed ? (evtime)bytes_get_u64(in) : 0, now = rows[JOIN_LEFT].now;
    now = said > now ? said : now;
    bool good = load_last(j, s, in) && load_side(j, s, JOIN_LEFT, &rows[JOIN_LEFT], in) &&
                load_side(j, s, JOIN_RIGHT, &rows[JOIN_RIGHT], in) &&
                s->rows[JOIN_LEFT].n + s->rows[JOIN_RIGHT].n > 0;
    if (good && windowed)
        good = set_timer(j, s, now);
    if (!good) {
        join_unmake(j, s);
        return ERR_CORRUPT;
    }
    for (unsigned side = 0; side < 2 && !windowed; side++)
        joinqueue_all(j, s, side, !rows[side].bulk);
    keytrack_loaded(&k->track, at);
    if (windowed && s->over != said && s->over != EVTIME_MIN) /* the next entry is to say it */
        keyed_touch(k, at);
    return ERR_OK;
}

enum err joinsave_load_head(struct join *j, struct bytes_reader *in)
{
    evtime now = (evtime)bytes_get_u64(in);
    uint64_t rows = bytes_get_varint(in);
    if (in->bad)
        return ERR_CORRUPT;
    j->now = !j->restored || now < j->now ? now : j->now;
    j->restored = true;
    j->rows = rows > j->rows ? rows : j->rows;
    return ERR_OK;
}

void joinsave_loaded(struct join *j)
{
    joinqueue_sort(j);
}
