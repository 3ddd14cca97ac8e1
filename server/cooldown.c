/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cooldown.h"
#include "base/map.h"
#include "base/mem.h"
#include <string.h>

struct entry {
    evtime time; /* of the match that was alerted */
    uint32_t count;
    uint8_t id[RESULT_ID_BYTES];
    MAP_LINK;
    unsigned key_len;
    uint8_t key[]; /* the rule's uid, then the key's bytes */
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

static struct entry *make_entry(const struct result *r)
{
    unsigned n = (unsigned)sizeof r->rule_uid + r->key_len;
    struct entry *e = mem_new(sizeof *e + n);
    e->key_len = n;
    memcpy(e->key, &r->rule_uid, sizeof r->rule_uid);
    if (r->key_len > 0)
        memcpy(e->key + sizeof r->rule_uid, r->key, r->key_len);
    return e;
}

bool cooldown_passes(struct cooldown *c, const struct result *r, char id[RESULT_ID_TEXT],
                     uint32_t *count)
{
    struct entry *made = make_entry(r);
    struct entry *e = MAP_GET(c->entries, made->key, made->key_len);
    if (e != NULL) {
        mem_free(made);
        if (r->time >= e->time && r->time - e->time < r->rule->cooldown_ms) {
            result_id_text(e->id, id);
            *count = ++e->count;
            return false;
        }
    } else {
        e = made;
        MAP_PUT(c->entries, e, e->key, e->key_len);
    }
    e->time = r->time;
    e->count = 1;
    memcpy(e->id, r->id, sizeof e->id);
    return true;
}
