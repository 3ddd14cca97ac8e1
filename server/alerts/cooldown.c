/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alerts/cooldown.h"
#include "base/map.h"
#include "base/mem.h"
#include <string.h>

enum { HEAD_BYTES = sizeof(uint64_t) + sizeof(uint32_t) };

struct entry {
    evtime time; /* of the match that was alerted */
    uint32_t count;
    uint16_t worker; /* whose result it was last; COOLDOWN_NOBODY: it was loaded */
    uint8_t id[RESULT_ID_BYTES];
    MAP_LINK;
    unsigned key_len;
    uint8_t key[]; /* the rule's uid and version, then the key's bytes */
};
struct cooldown {
    struct entry *entries;
};

struct cooldown *cooldown_new(void)
{
    return mem_new(sizeof(struct cooldown));
}

void cooldown_reset(struct cooldown *c)
{
    struct entry *e, *next;
    MAP_EACH(c->entries, e, next) {
        MAP_DEL(c->entries, e);
        mem_free(e);
    }
}

void cooldown_free(struct cooldown *c)
{
    if (c == NULL)
        return;
    cooldown_reset(c);
    mem_free(c);
}

/* --- in a checkpoint: the fields one after the other, the key as a text --- */

void cooldown_save(const struct cooldown *c, unsigned worker, struct bytes *out)
{
    struct entry *e, *next;
    MAP_EACH(c->entries, e, next) {
        if (e->worker != worker)
            continue;
        bytes_u64(out, (uint64_t)e->time);
        bytes_u32(out, e->count);
        bytes_put(out, e->id, sizeof e->id);
        bytes_str(out, e->key, e->key_len);
    }
}

enum err cooldown_load(struct cooldown *c, const void *p, size_t n)
{
    struct bytes_reader in = bytes_read(p, n);
    while (in.p < in.end) {
        evtime time = (evtime)bytes_get_u64(&in);
        uint32_t count = bytes_get_u32(&in);
        const uint8_t *id = bytes_get(&in, RESULT_ID_BYTES);
        size_t key_len = 0;
        const char *key = bytes_get_str(&in, &key_len);
        if (in.bad || key_len < HEAD_BYTES || key_len > UINT32_MAX)
            return ERR_CORRUPT;
        struct entry *e = MAP_GET(c->entries, key, key_len);
        if (e == NULL) {
            e = mem_new(sizeof *e + key_len);
            e->key_len = (unsigned)key_len;
            memcpy(e->key, key, key_len);
            MAP_PUT(c->entries, e, e->key, e->key_len);
        }
        e->time = time;
        e->count = count;
        e->worker = COOLDOWN_NOBODY;
        memcpy(e->id, id, sizeof e->id);
    }
    return ERR_OK;
}

static struct entry *make_entry(const struct result *r, uint32_t version)
{
    unsigned n = HEAD_BYTES + r->key_len;
    struct entry *e = mem_new(sizeof *e + n);
    e->key_len = n;
    memcpy(e->key, &r->rule_uid, sizeof r->rule_uid);
    memcpy(e->key + sizeof r->rule_uid, &version, sizeof version);
    if (r->key_len > 0)
        memcpy(e->key + HEAD_BYTES, r->key, r->key_len);
    return e;
}

bool cooldown_passes(struct cooldown *c, const struct result *r, uint32_t version, unsigned worker,
                     char id[RESULT_ID_TEXT], uint32_t *count)
{
    struct entry *made = make_entry(r, version);
    struct entry *e = MAP_GET(c->entries, made->key, made->key_len);
    if (e != NULL) {
        mem_free(made);
        e->worker = (uint16_t)worker;
        if (r->time >= e->time && r->time - e->time < r->rule->cooldown_ms) {
            result_id_text(e->id, id);
            *count = ++e->count;
            return false;
        }
    } else {
        e = made;
        MAP_PUT(c->entries, e, e->key, e->key_len);
    }
    e->worker = (uint16_t)worker;
    e->time = r->time;
    e->count = 1;
    memcpy(e->id, r->id, sizeof e->id);
    return true;
}
