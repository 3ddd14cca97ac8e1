/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker/statestore.h"
#include "cep/task/task.h"

enum { WRITE_LEAST = 1 << 20, WRITE_MOST = 64 << 20 };

static enum err open_op(void *ctx, const char *op, void **out)
{
    struct storeout *o;
    enum err e = storeout_open(ctx, op, &o);
    if (e == ERR_OK)
        *out = o;
    return e;
}

static enum err get(void *ctx, void *op, unsigned group, const void *key, size_t n,
                    struct bytes *value)
{
    (void)ctx;
    return storeout_get(op, group, key, n, value);
}

static enum err put(void *ctx, void *op, unsigned group, const void *key, size_t n,
                    const void *value, size_t value_n)
{
    const struct snapfile_entry e = {key, n, value, value_n};
    (void)ctx;
    return storeout_put(op, group, &e);
}

static enum err note(void *ctx, void *op, unsigned group, const void *key, size_t n, evtime due)
{
    (void)ctx;
    return storeout_note(op, group, key, n, due);
}

static enum err due(void *ctx, void *op, evtime to, unsigned n, keystore_take *take, void *take_ctx,
                    evtime *next)
{
    (void)ctx;
    return storeout_due(op, to, n, take, take_ctx, next);
}

static enum err keys(void *ctx, void *op, unsigned group, keystore_take *take, void *take_ctx)
{
    (void)ctx;
    return storeout_keys(op, group, take, take_ctx);
}

struct keystore statestore_of(struct store *s)
{
    return (struct keystore){s, open_op, get, put, note, due, keys};
}

/* Sixteenths: keys ten, blocks that were read four, two times one for what is to be written. */
size_t statestore_keys_bytes(uint64_t bytes)
{
    return (size_t)(bytes / 16 * 10);
}

struct store_options statestore_options(enum store_backend backend, uint64_t bytes)
{
    uint64_t write = bytes / 16;
    write = write < WRITE_LEAST ? WRITE_LEAST : write > WRITE_MOST ? WRITE_MOST : write;
    return (struct store_options){.backend = backend,
                                  .cache_bytes = (size_t)(bytes / 16 * 4),
                                  .write_bytes = (size_t)write,
                                  .is_over = tasksnap_is_over};
}
