/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said and kept of checkpoints out of hostile bytes: messages, metadata, cooldowns. The first byte says which. */
#include "base/bug.h"
#include "server/alerts/cooldown.h"
#include "server/checkpoint/checkmeta.h"
#include "server/wire/lanewire.h"
#include "server/wire/snapwire.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_state(const uint8_t *data, size_t size, struct arena *a, struct bytes *b)
{
    struct snapwire_state m;
    if (snapwire_get_state(data, size, a, &m) == ERR_OK)
        snapwire_put_state(&m, b);
}

static void try_begun(const uint8_t *data, size_t size, struct arena *a, struct bytes *b)
{
    struct snapwire_begun m;
    if (snapwire_get_begun(data, size, a, &m) == ERR_OK)
        snapwire_put_begun(&m, b);
}

static void try_meta(const uint8_t *data, size_t size, struct bytes *b)
{
    struct checkmeta *m = NULL, *again = NULL;
    struct diag d;
    diag_init(&d, NULL, 0);
    if (checkmeta_get((const char *)data, size, &d, &m) == ERR_OK) {
        checkmeta_put(m, b);
        enum err e = checkmeta_get((const char *)b->p, b->n, &d, &again);
        BUG_IF(e != ERR_OK, "metadata that were written cannot be read: %s", err_text(e));
        BUG_IF(again->npositions != m->npositions || again->nrules != m->nrules, "not the same");
        checkmeta_free(again);
        checkmeta_free(m);
        bytes_reset(b);
    }
    diag_fini(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena *a = arena_new(4096, 0);
    struct bytes b = {0};
    struct snapwire_order order;
    struct snapwire_done done;
    struct lanewire_order lane;
    struct lanewire_done laned;
    uint8_t which = data[0];
    data++;
    size--;
    switch (which % 8) {
    case 0:
        try_state(data, size, a, &b);
        break;
    case 1:
        if (snapwire_get_order(data, size, a, &order) == ERR_OK)
            snapwire_put_order(&order, &b);
        break;
    case 2:
        try_begun(data, size, a, &b);
        break;
    case 3:
        if (snapwire_get_done(data, size, &done) == ERR_OK)
            snapwire_put_done(&done, &b);
        break;
    case 4: {
        struct cooldown *c = cooldown_new();
        enum err e = cooldown_load(c, data, size);
        if (e == ERR_OK)
            cooldown_save(c, COOLDOWN_NOBODY, &b);
        cooldown_free(c);
        break;
    }
    case 6:
        if (lanewire_get_order(data, size, a, &lane) == ERR_OK)
            lanewire_put_order(&lane, &b);
        break;
    case 7:
        if (lanewire_get_done(data, size, a, &laned) == ERR_OK)
            lanewire_put_done(&laned, &b);
        break;
    default:
        try_meta(data, size, &b);
        break;
    }
    BUG_IF(b.n > size, "%zu bytes became %zu", size, b.n);
    bytes_fini(&b);
    arena_free(a);
    return 0;
}
