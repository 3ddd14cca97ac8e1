/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alerts/alertitem.h"
#include "base/mem.h"
#include <string.h>

struct alertitem *alertitem_new(enum alertitem_kind kind, const void *bytes, size_t n)
{
    struct alertitem *item = mem_alloc(sizeof *item + n);
    *item = (struct alertitem){.kind = kind, .n = n};
    if (n > 0 && bytes != NULL)
        memcpy(item->bytes, bytes, n);
    return item;
}

static const char *put_text(uint8_t **at, const char *text, size_t n)
{
    if (text == NULL)
        return NULL;
    char *to = (char *)*at;
    memcpy(to, text, n);
    to[n] = '\0';
    *at += n + 1;
    return to;
}

struct alertitem *alertitem_letter(enum alertitem_kind as, const struct catalog_dead_letter *d)
{
    size_t raw = d->raw_len < CATALOG_DEAD_RAW_MAX ? d->raw_len : CATALOG_DEAD_RAW_MAX;
    size_t kind = strlen(d->kind), rule = d->rule != NULL ? strlen(d->rule) : 0,
           code = strlen(d->code), reason = strlen(d->reason);
    struct alertitem *item = alertitem_new(as, NULL, kind + rule + code + reason + raw + 5);
    uint8_t *at = item->bytes;
    item->dead = *d;
    item->dead.kind = put_text(&at, d->kind, kind);
    item->dead.rule = put_text(&at, d->rule, rule);
    item->dead.code = put_text(&at, d->code, code);
    item->dead.reason = put_text(&at, d->reason, reason);
    item->dead.raw = put_text(&at, d->raw, raw);
    item->dead.raw_len = raw;
    item->dead.size = d->size > d->raw_len ? d->size : d->raw_len;
    return item;
}
