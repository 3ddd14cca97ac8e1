/* SPDX-License-Identifier: Apache-2.0
 *
 * A zone is a list of times at which the offset changes. After the last change of the file its footer goes on, a rule
 * such as "CET-1CEST,M3.5.0,M10.5.0/3" (zone_rule.c); it is written out for 400 years, after which the Gregorian
 * calendar, weekdays and all, begins again. */
#include "base/zone.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/zone_rule.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { FILE_MAX = 128 << 10, CHANGES_MAX = 4096, TYPES_MAX = 256, NAME_MAX_ = 64 };
enum { CYCLE_YEARS = 400, CYCLE_DAYS = 146097 };
#define MS_PER_SECOND INT64_C(1000)
#define CYCLE_MS (CYCLE_DAYS * INT64_C(86400000))

struct change {
    evtime at; /* from here on */
    int32_t offset_s;
};

struct zone {
    char name[NAME_MAX_];
    int32_t first_s; /* before the first change */
    unsigned n;
    struct change *changes;
    evtime cycle; /* from here on the 400 years before it come again; EVTIME_MAX: never */
    struct zone *next;
};

static struct zone *loaded;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* --- reading ---------------------------------------------------------------------------------- */

struct header {
    uint32_t nutc, nstd, nleap, ntimes, ntypes, nchars;
};

static bool read_header(struct bytes_reader *r, struct header *h, unsigned *version)
{
    uint32_t magic = bytes_get_be32(r);
    *version = bytes_get_u8(r);
    bytes_get(r, 15);
    h->nutc = bytes_get_be32(r);
    h->nstd = bytes_get_be32(r);
    h->nleap = bytes_get_be32(r);
    h->ntimes = bytes_get_be32(r);
    h->ntypes = bytes_get_be32(r);
    h->nchars = bytes_get_be32(r);
    return !r->bad && magic == 0x545a6966 /* TZif */ && h->ntimes <= CHANGES_MAX &&
           h->ntypes >= 1 && h->ntypes <= TYPES_MAX && h->nchars <= FILE_MAX &&
           h->nleap <= CHANGES_MAX && h->nutc <= TYPES_MAX && h->nstd <= TYPES_MAX;
}

static size_t body_bytes(const struct header *h, size_t time)
{
    return h->ntimes * (time + 1) + h->ntypes * (size_t)6 + h->nchars + h->nleap * (time + 4) +
           h->nstd + h->nutc;
}

/* Seconds to milliseconds, within what an event's time can be. */
static evtime ms_of(int64_t s)
{
    if (s < EVTIME_FIRST / MS_PER_SECOND)
        return EVTIME_FIRST;
    return s > EVTIME_LAST / MS_PER_SECOND ? EVTIME_LAST : s * MS_PER_SECOND;
}

static bool read_changes(struct zone *z, struct bytes_reader *r, const struct header *h)
{
    uint8_t of[CHANGES_MAX];
    int32_t offsets[TYPES_MAX];
    z->n = h->ntimes;
    z->changes = mem_array(z->n + (size_t)2 * (CYCLE_YEARS + 2), sizeof *z->changes);
    for (unsigned i = 0; i < z->n; i++) {
        z->changes[i].at = ms_of((int64_t)bytes_get_be64(r));
        if (i > 0 && z->changes[i].at < z->changes[i - 1].at)
            return false;
    }
    for (unsigned i = 0; i < z->n; i++) {
        of[i] = bytes_get_u8(r);
        if (of[i] >= h->ntypes)
            return false;
    }
    for (unsigned i = 0; i < h->ntypes; i++) {
        offsets[i] = (int32_t)bytes_get_be32(r);
        bytes_get(r, 2); /* daylight, abbreviation */
        if (offsets[i] < -ZONE_RULE_OFFSET_MAX || offsets[i] > ZONE_RULE_OFFSET_MAX)
            return false;
    }
    z->first_s = offsets[0];
    for (unsigned i = 0; i < z->n; i++)
        z->changes[i].offset_s = offsets[of[i]];
    bytes_get(r, h->nchars + h->nleap * (size_t)12 + h->nstd + h->nutc);
    return !r->bad;
}

static void add_change(struct zone *z, evtime at, int32_t offset_s)
{
    if (z->n == 0 || at > z->changes[z->n - 1].at)
        z->changes[z->n++] = (struct change){at, offset_s};
}

/* The changes that the footer's rule makes in the 400 years after the file's own. */
static void write_out(struct zone *z, const struct zone_rule *rule)
{
    evtime last = z->n > 0 ? z->changes[z->n - 1].at : 0;
    int year = zone_rule_year(last);
    if (!rule->daylight) {
        if (z->n == 0)
            z->first_s = rule->standard_s;
        return;
    }
    for (int y = year; y <= year + CYCLE_YEARS + 1; y++) {
        evtime start = zone_rule_start(rule, y), end = zone_rule_end(rule, y);
        if (start < end) {
            add_change(z, start, rule->daylight_s);
            add_change(z, end, rule->standard_s);
        } else { /* the south: the year begins in summer */
            add_change(z, end, rule->standard_s);
            add_change(z, start, rule->daylight_s);
        }
    }
    z->cycle = z->changes[z->n - 1].at;
}

struct zone *zone_parse(const void *p, size_t n)
{
    struct bytes_reader r = bytes_read(p, n);
    struct header h;
    struct zone_rule rule;
    unsigned version;
    if (n > FILE_MAX || !read_header(&r, &h, &version) || version < '2')
        return NULL;
    bytes_get(&r, body_bytes(&h, 4)); /* the same with times of 32 bits */
    if (r.bad || !read_header(&r, &h, &version))
        return NULL;
    struct zone *z = mem_new(sizeof *z);
    z->cycle = EVTIME_MAX;
    bool good = read_changes(z, &r, &h);
    const char *footer = (const char *)r.p;
    size_t left = (size_t)(r.end - r.p);
    if (good && left > 2 && footer[0] == '\n' && footer[left - 1] == '\n') {
        good = zone_rule_parse(footer + 1, left - 2, &rule);
        if (good)
            write_out(z, &rule);
    }
    if (good)
        return z;
    zone_free(z);
    return NULL;
}

void zone_free(struct zone *z)
{
    if (z == NULL)
        return;
    mem_free(z->changes);
    mem_free(z);
}

/* --- by name ---------------------------------------------------------------------------------- */

static bool is_name(const char *name, size_t n)
{
    if (n == 0 || n >= NAME_MAX_ || name[0] == '/' || memmem(name, n, "//", 2) != NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || strchr("_+-/", c) == NULL)) /* no point: no ".." */
            return false;
    }
    return name[n - 1] != '/';
}

static struct zone *read_file(const char *name)
{
    char path[NAME_MAX_ + 32];
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *f = fopen(path, "rbe");
    if (f == NULL)
        return NULL;
    void *bytes = mem_new(FILE_MAX + 1);
    struct zone *z = zone_parse(bytes, fread(bytes, 1, FILE_MAX + 1, f));
    mem_free(bytes);
    fclose(f);
    return z;
}

/* "+05:30", "-08:00": no file is needed. */
static struct zone *fixed(const char *name, size_t n)
{
    bool utc = strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0;
    int hours = 0, minutes = 0;
    if (!utc) {
        if (n != 6 || (name[0] != '+' && name[0] != '-') || name[3] != ':' ||
            strspn(name + 1, "0123456789") != 2 || strspn(name + 4, "0123456789") != 2)
            return NULL;
        hours = (name[1] - '0') * 10 + name[2] - '0';
        minutes = (name[4] - '0') * 10 + name[5] - '0';
        if (hours > 18 || minutes > 59)
            return NULL;
    }
    struct zone *z = mem_new(sizeof *z);
    z->first_s = (hours * 3600 + minutes * 60) * (name[0] == '-' ? -1 : 1);
    z->cycle = EVTIME_MAX;
    return z;
}

static struct zone *among_loaded(const char *name)
{
    struct zone *z = loaded;
    while (z != NULL && strcmp(z->name, name) != 0)
        z = z->next;
    return z;
}

static const struct zone *get(const char *name, size_t n, bool read)
{
    char key[NAME_MAX_];
    if (!is_name(name, n) && !(n == 6 && name[3] == ':'))
        return NULL;
    memcpy(key, name, n);
    key[n] = '\0';
    pthread_mutex_lock(&lock);
    struct zone *z = among_loaded(key);
    if (z == NULL && read) {
        z = fixed(key, n);
        if (z == NULL && is_name(name, n))
            z = read_file(key);
        if (z != NULL) {
            memcpy(z->name, key, n + 1);
            z->next = loaded;
            loaded = z;
        }
    }
    pthread_mutex_unlock(&lock);
    return z;
}

const struct zone *zone_load(const char *name, size_t n)
{
    return get(name, n, true);
}

const struct zone *zone_find(const char *name, size_t n)
{
    return get(name, n, false);
}

/* --- asking ----------------------------------------------------------------------------------- */

int64_t zone_offset_ms(const struct zone *z, evtime utc)
{
    if (utc >= z->cycle && z->cycle != EVTIME_MAX)
        utc -= ((utc - z->cycle) / CYCLE_MS + 1) * CYCLE_MS;
    unsigned lo = 0, hi = z->n; /* the first change after utc */
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (z->changes[mid].at <= utc)
            lo = mid + 1;
        else
            hi = mid;
    }
    return (lo == 0 ? z->first_s : z->changes[lo - 1].offset_s) * MS_PER_SECOND;
}

evtime zone_local(const struct zone *z, evtime utc)
{
    return utc + zone_offset_ms(z, utc);
}

evtime zone_utc(const struct zone *z, evtime local)
{
    const int64_t day = INT64_C(86400000);
    int64_t before = zone_offset_ms(z, local - day), after = zone_offset_ms(z, local + day);
    if (zone_offset_ms(z, local - before) == before)
        return local - before;
    if (zone_offset_ms(z, local - after) == after)
        return local - after;
    return local - before; /* left out: on the old clock, which is the same time after the change */
}
