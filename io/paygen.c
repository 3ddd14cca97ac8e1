/* SPDX-License-Identifier: Apache-2.0
 *
 * Two merged sequences make the events in order of their time: the ordinary ones, one a step, and the planned ones, which
 * wait in a heap for theirs. Each then gets a delay and goes into a ring of buckets of 10 ms of arrival; within a bucket
 * events keep the order in which they were made. The ring spans the longest delay, so a bucket is never shared.
 *
 * Random numbers: xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. Reals are the top 53 bits; integers in
 * a range are the high half of a 128-bit product; normals are by Marsaglia's polar method. */
#include "io/paygen.h"
#include "base/bug.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

enum {
    BUCKET_US = 10000,
    PLAN_STEP_US = 10000, /* what the plans below count in */
    LATE_MIN_MS = 60000,
    LATE_MAX_MS = 600000,
    MERCHANTS = 3000,
    NONE = UINT32_MAX,
};

enum mark { MARK_NONE, MARK_TESTING, MARK_TRAVEL, MARK_VELOCITY, MARK_UNCONFIRMED, MARK_CONFIRMED };

struct event {
    int64_t at_us; /* since the start */
    uint64_t number; /* of the id; for planned ones, the order of planning */
    uint32_t card, cents, next;
    uint16_t merchant, mcc;
    uint8_t country, channel;
    bool declined, confirm;
    uint8_t mark;
};

struct bucket {
    uint32_t head, tail;
};

struct paygen {
    struct paygen_options o;
    uint64_t random[4];
    double spare; /* second normal of a pair */
    bool has_spare;
    uint8_t *home; /* country of each card */
    uint64_t step, made, planned_ever;
    struct event *heap; /* planned, by (at_us, number) */
    size_t nheap, cap_heap;
    struct event *pool; /* events in the ring, linked through `next` */
    size_t npool, cap_pool;
    uint32_t free; /* list of unused ones */
    struct bucket *ring;
    uint64_t mask, cursor; /* bucket number that goes out now */
    uint64_t held;
    struct paygen_planted planted;
};

static const char countries[10][3] = {"DE", "FR", "ES", "IT", "NL", "PL", "AT", "BE", "GB", "US"};
static const uint16_t mccs[10] = {5411, 5812, 5541, 4111, 5732, 5944, 7995, 4829, 5999, 6011};
static const char channels[3][8] = {"\"pos\"", "\"ecom\"", "\"atm\""};
enum { POS, ECOM, ATM };

/* --- random ----------------------------------------------------------------------------------- */

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

static uint64_t random_bits(struct paygen *g)
{
    uint64_t *s = g->random, out = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return out;
}

static void random_seed(struct paygen *g, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        g->random[i] = z ^ z >> 31;
    }
}

static double random_real(struct paygen *g) /* [0, 1) */
{
    return (double)(random_bits(g) >> 11) * 0x1p-53;
}

static uint32_t random_below(struct paygen *g, uint32_t n)
{
    return (uint32_t)(((random_bits(g) >> 32) * n) >> 32);
}

static uint32_t random_between(struct paygen *g, uint32_t least, uint32_t most)
{
    return least + random_below(g, most - least + 1);
}

static double random_normal(struct paygen *g)
{
    if (g->has_spare) {
        g->has_spare = false;
        return g->spare;
    }
    double u, v, s;
    do {
        u = 2 * random_real(g) - 1;
        v = 2 * random_real(g) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s == 0);
    double f = sqrt(-2 * log(s) / s);
    g->spare = v * f;
    g->has_spare = true;
    return u * f;
}

static uint32_t random_cents(struct paygen *g, double least, double most)
{
    return (uint32_t)lround((least + (most - least) * random_real(g)) * 100);
}

/* --- planned events: a binary heap ------------------------------------------------------------- */

static bool sooner(const struct event *a, const struct event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->number < b->number;
}

static void plan(struct paygen *g, struct event e)
{
    e.number = g->planned_ever++;
    g->heap = mem_grow(g->heap, g->nheap, 1, &g->cap_heap, sizeof *g->heap);
    size_t i = g->nheap++;
    for (; i > 0 && sooner(&e, &g->heap[(i - 1) / 2]); i = (i - 1) / 2)
        g->heap[i] = g->heap[(i - 1) / 2];
    g->heap[i] = e;
}

static struct event planned_pop(struct paygen *g)
{
    struct event top = g->heap[0], last = g->heap[--g->nheap];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= g->nheap)
            break;
        if (child + 1 < g->nheap && sooner(&g->heap[child + 1], &g->heap[child]))
            child++;
        if (!sooner(&g->heap[child], &last))
            break;
        g->heap[i] = g->heap[child];
        i = child;
    }
    g->heap[i] = last;
    return top;
}

/* `e` is the event that stands at the fraud's beginning; the plans take card and country from it. */
static int64_t steps(struct paygen *g, uint32_t least, uint32_t most)
{
    return (int64_t)random_between(g, least, most) * PLAN_STEP_US;
}

static void plan_testing(struct paygen *g, struct event e)
{
    e.channel = ECOM;
    e.mcc = 5999;
    e.declined = true;
    for (uint32_t n = random_between(g, 3, 6); n > 0; n--) {
        e.at_us += steps(g, 200, 1500);
        e.merchant = (uint16_t)random_below(g, MERCHANTS);
        e.cents = random_cents(g, 0.5, 1.99);
        plan(g, e);
    }
    e.at_us += steps(g, 200, 3000);
    e.merchant = (uint16_t)random_below(g, MERCHANTS);
    e.cents = random_cents(g, 500, 2500);
    e.mcc = 5732;
    e.declined = false;
    e.mark = MARK_TESTING;
    plan(g, e);
}

static void plan_velocity(struct paygen *g, struct event e)
{
    e.channel = ECOM;
    e.mcc = 5999;
    e.declined = false;
    for (int n = 12; n > 0; n--) {
        e.at_us += steps(g, 50, 450);
        e.merchant = (uint16_t)random_below(g, MERCHANTS);
        e.cents = random_cents(g, 5, 60);
        e.mark = n == 1 ? MARK_VELOCITY : MARK_NONE;
        plan(g, e);
    }
}

static void plan_travel(struct paygen *g, struct event e)
{
    e.at_us += steps(g, 500, 9000);
    e.merchant = (uint16_t)random_below(g, MERCHANTS);
    e.country = (uint8_t)((g->home[e.card] + 3) % 10);
    e.channel = POS;
    e.declined = false;
    e.mark = MARK_TRAVEL;
    plan(g, e);
}

static void plan_large(struct paygen *g, struct event e)
{
    bool confirmed = random_real(g) < 0.67;
    e.at_us += INT64_C(50) * PLAN_STEP_US;
    e.mcc = 5944;
    e.channel = ECOM;
    e.declined = false;
    e.cents = random_cents(g, 1000, 4000);
    e.mark = confirmed ? MARK_CONFIRMED : MARK_UNCONFIRMED;
    plan(g, e);
    if (!confirmed)
        return;
    e.at_us += steps(g, 500, 25000);
    e.cents = 0;
    e.confirm = true;
    e.mark = MARK_NONE;
    plan(g, e);
}

static struct event ordinary(struct paygen *g)
{
    static const uint8_t channel_of[6] = {POS, POS, POS, ECOM, ECOM, ATM};
    struct event e = {.at_us = (int64_t)(g->step * g->o.step_us)};
    e.card = (uint32_t)(g->o.cards * pow(random_real(g), 2.2));
    double roll = random_real(g);
    e.country = roll > 0.004 ? g->home[e.card] : (uint8_t)random_below(g, 10);
    e.mcc = mccs[random_below(g, 10)];
    double amount = exp(3.2 + 1.1 * random_normal(g));
    e.cents = (uint32_t)lround((amount < 4000 ? amount : 4000) * 100);
    e.channel = channel_of[random_below(g, 6)];
    e.declined = random_real(g) < 0.03;
    e.merchant = (uint16_t)random_below(g, MERCHANTS);
    g->step++;
    struct event from = e;
    from.at_us += g->o.step_us;
    if (roll > 0.9995)
        plan_testing(g, from);
    else if (roll > 0.9992)
        plan_velocity(g, from);
    else if (roll > 0.9988)
        plan_travel(g, from);
    else if (roll > 0.9975)
        plan_large(g, from);
    return e;
}

/* --- the ring ---------------------------------------------------------------------------------- */

static void count(struct paygen *g, enum mark mark)
{
    struct paygen_planted *p = &g->planted;
    uint64_t *counters[] = {NULL,         &p->testing,     &p->travel,
                            &p->velocity, &p->unconfirmed, &p->confirmed};
    if (mark != MARK_NONE)
        ++*counters[mark];
}

static int64_t delay_us(struct paygen *g)
{
    double r = random_real(g);
    int64_t ms = (int64_t)(g->o.disorder_ms * r * r * r);
    if (random_real(g) * 1e6 < g->o.late_ppm) {
        ms += random_between(g, LATE_MIN_MS, LATE_MAX_MS);
        g->planted.late++;
    }
    return ms * 1000;
}

static uint32_t slot_new(struct paygen *g)
{
    uint32_t i = g->free;
    if (i != NONE) {
        g->free = g->pool[i].next;
        return i;
    }
    g->pool = mem_grow(g->pool, g->npool, 1, &g->cap_pool, sizeof *g->pool);
    return (uint32_t)g->npool++;
}

/* The next event by its time goes to the bucket of its arrival. */
static void make_one(struct paygen *g)
{
    int64_t now_us = (int64_t)(g->step * g->o.step_us);
    bool due = g->nheap > 0 && g->heap[0].at_us <= now_us;
    uint32_t i = slot_new(g);
    struct event *e = &g->pool[i];
    *e = due ? planned_pop(g) : ordinary(g);
    e->number = g->made++;
    e->next = NONE;
    count(g, e->mark);
    struct bucket *to = &g->ring[(uint64_t)((e->at_us + delay_us(g)) / BUCKET_US) & g->mask];
    if (to->head == NONE)
        to->head = i;
    else
        g->pool[to->tail].next = i;
    to->tail = i;
    g->held++;
}

/* --- text -------------------------------------------------------------------------------------- */

static char *put(char *p, const char *text, size_t n)
{
    memcpy(p, text, n);
    return p + n;
}
#define PUT(p, literal) put(p, literal, sizeof(literal) - 1)

static char *put_digits(char *p, uint64_t v, size_t width)
{
    char digits[20];
    size_t n = 0;
    do
        digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    for (; width > n; width--)
        *p++ = '0';
    while (n > 0)
        *p++ = digits[--n];
    return p;
}

static size_t put_line(const struct paygen *g, const struct event *e, char *out)
{
    char *p = PUT(out, "{\"id\":\"t");
    p = put_digits(p, e->number, 8);
    p = PUT(p, "\",\"ts\":");
    evtime ts = g->o.start + e->at_us / 1000;
    if (ts < 0)
        *p++ = '-';
    p = put_digits(p, ts < 0 ? 0 - (uint64_t)ts : (uint64_t)ts, 1);
    p = e->confirm ? PUT(p, ",\"type\":\"confirm\",\"card\":\"c")
                   : PUT(p, ",\"type\":\"payment\",\"card\":\"c");
    p = put_digits(p, e->card, 6);
    p = PUT(p, "\",\"account\":\"a");
    p = put_digits(p, e->card / 2, 6);
    p = PUT(p, "\",\"merchant\":\"m");
    p = put_digits(p, e->merchant, 4);
    p = PUT(p, "\",\"mcc\":");
    p = put_digits(p, e->mcc, 4);
    p = PUT(p, ",\"country\":\"");
    p = put(p, countries[e->country], 2);
    p = PUT(p, "\",\"channel\":");
    p = put(p, channels[e->channel], strlen(channels[e->channel]));
    p = PUT(p, ",\"amount\":");
    p = put_digits(p, e->cents / 100, 1);
    *p++ = '.';
    p = put_digits(p, e->cents % 100, 2);
    p = e->declined ? PUT(p, ",\"currency\":\"EUR\",\"status\":\"declined\",\"device\":\"d")
                    : PUT(p, ",\"currency\":\"EUR\",\"status\":\"approved\",\"device\":\"d");
    p = put_digits(p, (e->card * UINT64_C(7) + e->merchant % 3) % 99991, 5);
    p = PUT(p, "\"}\n");
    return (size_t)(p - out);
}

/* --- lifecycle --------------------------------------------------------------------------------- */

struct paygen *paygen_new(const struct paygen_options *o)
{
    BUG_IF(o->cards < 1 || o->cards > PAYGEN_CARDS_MAX || o->step_us < 1 ||
               o->step_us > PAYGEN_STEP_MAX_US || o->disorder_ms > PAYGEN_DISORDER_MAX_MS,
           "options of the generator are out of range");
    struct paygen *g = mem_new(sizeof *g);
    g->o = *o;
    g->free = NONE;
    random_seed(g, o->seed);
    g->home = mem_alloc(o->cards);
    for (uint32_t i = 0; i < o->cards; i++) {
        double x = -log(1 - random_real(g)) / 0.45;
        g->home[i] = x < 9 ? (uint8_t)x : 9;
    }
    /* One event past the bucket that goes out may already be made: a step and a bucket more than the longest delay. */
    uint64_t span = ((uint64_t)(o->disorder_ms + LATE_MAX_MS) * 1000 + o->step_us) / BUCKET_US + 4;
    uint64_t size = 1;
    while (size < span)
        size *= 2;
    g->mask = size - 1;
    g->ring = mem_array(size, sizeof *g->ring);
    for (uint64_t i = 0; i < size; i++)
        g->ring[i].head = NONE;
    return g;
}

void paygen_free(struct paygen *g)
{
    if (!g)
        return;
    mem_free(g->home);
    mem_free(g->heap);
    mem_free(g->pool);
    mem_free(g->ring);
    mem_free(g);
}

size_t paygen_next(struct paygen *g, char out[PAYGEN_LINE_MAX], evtime *arrival)
{
    for (;;) {
        struct bucket *b = &g->ring[g->cursor & g->mask];
        bool ended = g->o.events > 0 && g->made >= g->o.events;
        if (b->head != NONE) {
            uint32_t i = b->head;
            struct event *e = &g->pool[i];
            size_t n = put_line(g, e, out);
            if (arrival)
                *arrival = g->o.start + (evtime)(g->cursor + 1) * (BUCKET_US / 1000);
            b->head = e->next;
            e->next = g->free;
            g->free = i;
            g->held--;
            return n;
        }
        if (ended && g->held == 0)
            return 0;
        int64_t next_us = (int64_t)(g->step * g->o.step_us);
        if (g->nheap > 0 && g->heap[0].at_us < next_us)
            next_us = g->heap[0].at_us;
        if (ended || (uint64_t)next_us / BUCKET_US > g->cursor)
            g->cursor++;
        else
            make_one(g);
    }
}

struct paygen_planted paygen_planted(const struct paygen *g)
{
    return g->planted;
}
