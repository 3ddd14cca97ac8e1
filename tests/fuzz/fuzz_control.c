/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages between coordinator and workers out of hostile bytes: the first byte says which. What is taken must come out
 * of the encoder as it went in. */
#include "base/bug.h"
#include "base/mem.h"
#include "server/run/poison.h"
#include "server/wire/control.h"
#include "server/wire/inspectwire.h"
#include "server/wire/loadwire.h"
#include "server/wire/lookupwire.h"
#include "server/wire/resultwire.h"
#include "server/wire/tracewire.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Only varints have more than one form, so what is put together again is never longer. */
static void again(size_t size, const struct bytes *b)
{
    BUG_IF(b->n > size, "%zu bytes became %zu", size, b->n);
}

static void try_lookups(const uint8_t *data, size_t size, struct bytes *b)
{
    static struct lookupwire lookups;
    if (lookupwire_get(data, size, &lookups) != ERR_OK)
        return;
    lookupwire_put(&lookups, b);
    again(size, b);
}

static void try_rows(const uint8_t *data, size_t size, struct bytes *b)
{
    static struct control_rows rows;
    static evtime arrivals[BATCH_ROWS];
    if (control_get_rows(data, size, &rows) != ERR_OK)
        return;
    for (unsigned i = 0; i < rows.n; i++)
        BUG_IF((const uint8_t *)rows.texts[i] + rows.lengths[i] > data + size,
               "a text past the end");
    for (unsigned i = 0; rows.arrivals != NULL && i < rows.n; i++)
        arrivals[i] = control_rows_arrival(&rows, i);
    control_put_rows(&rows, rows.arrivals != NULL ? arrivals : NULL, b);
    BUG_IF(b->n != size, "%zu bytes became %zu", size, b->n);
}

static void try_advance(const uint8_t *data, size_t size, struct bytes *b)
{
    struct control_advance advance;
    if (control_get_advance(data, size, &advance) != ERR_OK)
        return;
    control_put_advance(&advance, b);
    BUG_IF(b->n != size || memcmp(b->p, data, size) != 0, "an advance came out otherwise");
}

static void try_results(const uint8_t *data, size_t size, struct arena *a, struct bytes *b)
{
    struct bytes_reader in = bytes_read(data, size);
    struct result r;
    while (resultwire_get(&in, a, &r) == ERR_OK)
        resultwire_put(&r, b);
}

static void try_watch(const uint8_t *data, size_t size)
{
    struct poison_watch w;
    if (poison_get(data, size, &w) == ERR_OK)
        mem_free(w.skips);
}

static void try_load(const uint8_t *data, size_t size, struct bytes *b)
{
    static struct loadwire load;
    if (loadwire_get(data, size, &load) != ERR_OK)
        return;
    loadwire_put(&load, b);
    again(size, b);
}

static void try_inspection(const uint8_t *data, size_t size, struct arena *a, struct bytes *b)
{
    struct inspectwire_ask ask;
    struct inspectwire_answer answer;
    if (inspectwire_get_ask(data, size, a, &ask) == ERR_OK) {
        BUG_IF(ask.key != NULL && (const uint8_t *)ask.key + ask.key_n > data + size,
               "a key past the end");
        inspectwire_put_ask(&ask, b);
        again(size, b);
        bytes_reset(b);
    }
    if (inspectwire_get_answer(data, size, &answer) == ERR_OK) {
        inspectwire_put_answer(&answer, b);
        BUG_IF(b->n != size, "%zu bytes became %zu", size, b->n);
    }
}

static void try_trace(const uint8_t *data, size_t size)
{
    struct bytes_reader r = bytes_read(data, size);
    struct tracewire_ask ask;
    struct tracewire_row row;
    uint64_t number;
    if (tracewire_get_ask(&r, &number, &ask) != ERR_OK)
        return;
    for (uint32_t i = 0; i < ask.nrows && tracewire_get_row(&r, &row) == ERR_OK; i++)
        BUG_IF((const uint8_t *)row.text + row.n > data + size, "a text past the end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena *a = arena_new(4096, 0);
    struct bytes b = {0};
    struct control_init init;
    struct control_change change;
    struct control_status status;
    struct control_bad_row row;
    uint8_t which = data[0];
    data++;
    size--;
    switch (which >= UINT8_MAX - 2 ? which : which % 9) { /* saved inputs stay what they are */
    case UINT8_MAX:
        try_lookups(data, size, &b);
        break;
    case UINT8_MAX - 2:
        try_trace(data, size);
        break;
    case UINT8_MAX - 1:
        try_inspection(data, size, a, &b);
        break;
    case 0:
        if (control_get_init(data, size, a, &init) == ERR_OK) {
            control_put_init(&init, &b);
            again(size, &b);
        }
        break;
    case 1:
        if (control_get_change(data, size, a, &change) == ERR_OK) {
            control_put_change(&change, &b);
            again(size, &b);
        }
        break;
    case 2:
        if (control_get_status(data, size, a, &status) == ERR_OK) {
            control_put_status(&status, &b);
            again(size, &b);
        }
        break;
    case 3:
        if (control_get_bad_row(data, size, a, &row) == ERR_OK)
            control_put_bad_row(&row, &b);
        break;
    case 4:
        try_rows(data, size, &b);
        break;
    case 5:
        try_results(data, size, a, &b);
        break;
    case 8:
        try_watch(data, size);
        break;
    case 7:
        try_load(data, size, &b);
        break;
    default:
        try_advance(data, size, &b);
        break;
    }
    bytes_fini(&b);
    arena_free(a);
    return 0;
}
