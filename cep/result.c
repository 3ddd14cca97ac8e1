/* SPDX-License-Identifier: Apache-2.0
 *
 * What a result's id is made of is part of the product's promise (the same after every replay, restart, other worker
 * count): changing a byte of it here makes doubles of alerts across an upgrade. */
#define XXH_INLINE_ALL
#include "cep/result.h"
#include <string.h>
#include <xxhash.h>

/* How the rest of the hashed bytes is to be read. */
enum id_form { ID_PLACES, ID_WINDOW, ID_SESSION, ID_ROW_WINDOW, ID_PAIR_WINDOW };

const char *result_kind_name(enum result_kind k)
{
    static const char *const names[] = {[RESULT_MATCH] = "match",
                                        [RESULT_UPDATE] = "update",
                                        [RESULT_TIMEOUT] = "timeout",
                                        [RESULT_LATE] = "late",
                                        [RESULT_ERROR] = "error"};
    return names[k];
}

static void hash_u64(XXH3_state_t *h, uint64_t v)
{
    uint8_t le[8];
    for (unsigned i = 0; i < sizeof le; i++)
        le[i] = (uint8_t)(v >> (8 * i));
    XXH3_128bits_update(h, le, sizeof le);
}

static void hash_place(XXH3_state_t *h, const struct place *p)
{
    hash_u64(h, (uint64_t)p->stream << 32 | p->partition);
    hash_u64(h, p->offset);
}

static enum id_form form_of(const struct result *r)
{
    if (r->window_start == EVTIME_MIN)
        return ID_PLACES;
    if (r->rule != NULL && r->rule->shape == RULE_JOIN)
        return ID_PAIR_WINDOW;
    if (r->rule != NULL && r->rule->shape == RULE_WINDOW &&
        r->rule->window.kind == WINDOW_SESSION && r->nrows > 0)
        return ID_SESSION;
    if (r->rule != NULL && r->rule->windowed)
        return ID_ROW_WINDOW;
    return ID_WINDOW;
}

void result_make_id(struct result *r)
{
    XXH3_state_t h;
    XXH128_canonical_t canonical;
    enum id_form form = form_of(r);
    /* An update is the same result as the match it follows. */
    enum result_kind kind = r->kind == RESULT_UPDATE ? RESULT_MATCH : r->kind;
    XXH3_128bits_reset(&h);
    hash_u64(&h, r->rule != NULL && r->rule->stands_for != 0 ? r->rule->stands_for : r->rule_uid);
    hash_u64(&h, (uint64_t)kind << 8 | (uint64_t)form);
    hash_u64(&h, r->key_len);
    if (r->key_len > 0)
        XXH3_128bits_update(&h, r->key, r->key_len);
    switch (form) {
    case ID_WINDOW:
        hash_u64(&h, (uint64_t)r->window_start);
        hash_u64(&h, (uint64_t)r->window_end);
        break;
    case ID_ROW_WINDOW:
        hash_place(&h, &r->rows[0].place);
        hash_u64(&h, (uint64_t)r->window_start);
        hash_u64(&h, (uint64_t)r->window_end);
        break;
    case ID_SESSION:
        hash_place(&h, &r->rows[0].place);
        break;
    case ID_PAIR_WINDOW:
        hash_u64(&h, (uint64_t)r->window_start);
        hash_u64(&h, (uint64_t)r->window_end);
        /* fall through */
    case ID_PLACES:
        hash_u64(&h, r->nrows);
        for (unsigned i = 0; i < r->nrows; i++) {
            hash_u64(&h, (uint64_t)(int64_t)r->rows[i].var);
            hash_place(&h, &r->rows[i].place);
        }
        if (r->row_number > 0)
            hash_u64(&h, r->row_number);
        break;
    }
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&h));
    memcpy(r->id, canonical.digest, sizeof r->id);
}

void result_id_text(const uint8_t id[RESULT_ID_BYTES], char out[RESULT_ID_TEXT])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648, lower case */
    char *at = out;
    memcpy(at, "alt_", 4);
    at += 4;
    unsigned bits = 0, have = 0;
    for (unsigned i = 0; i < RESULT_ID_BYTES; i++) {
        bits = bits << 8 | id[i];
        for (have += 8; have >= 5; have -= 5)
            *at++ = digits[bits >> (have - 5) & 31];
    }
    *at++ = digits[bits << (5 - have) & 31];
    *at = '\0';
}

#define COMPARE(a, b)                                                                              \
    do {                                                                                           \
        if ((a) != (b))                                                                            \
            return (a) < (b) ? -1 : 1;                                                             \
    } while (0)

static int compare_keys(const struct result *a, const struct result *b)
{
    uint32_t n = a->key_len < b->key_len ? a->key_len : b->key_len;
    int c = n > 0 ? memcmp(a->key, b->key, n) : 0;
    return c != 0 ? c : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

int result_compare(const struct result *a, const struct result *b)
{
    COMPARE(a->step, b->step);
    COMPARE(a->time, b->time);
    COMPARE(a->rule_index, b->rule_index);
    int c = compare_keys(a, b);
    if (c != 0)
        return c;
    COMPARE(a->revision, b->revision); /* what an update changes or replaces is there before it */
    for (unsigned i = 0; i < a->nrows && i < b->nrows; i++) {
        COMPARE(a->rows[i].place.stream, b->rows[i].place.stream);
        COMPARE(a->rows[i].place.partition, b->rows[i].place.partition);
        COMPARE(a->rows[i].place.offset, b->rows[i].place.offset);
    }
    COMPARE(a->nrows, b->nrows);
    COMPARE(a->row_number, b->row_number);
    COMPARE(a->window_start, b->window_start);
    COMPARE(a->window_end, b->window_end);
    COMPARE(a->kind, b->kind);
    return 0;
}
