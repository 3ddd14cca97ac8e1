/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /checkpoints, POST /checkpoints. */
#include "base/mem.h"
#include "server/api/api.h"
#include "server/http/jsonw.h"

static const char *state_name(enum runtime_checkpoint_state s)
{
    static const char *const names[] = {"in_progress", "completed", "failed"};
    return (unsigned)s < sizeof names / sizeof *names ? names[s] : "unknown";
}

static void put_ms(struct bytes *out, const char *key, uint64_t us)
{
    jsonw_key(out, key);
    jsonw_num(out, (double)us / 1000);
}

static void write_part(struct bytes *out, const struct runtime_checkpoint_part *p, unsigned i)
{
    jsonw_open(out, '{');
    jsonw_ku64(out, "worker", i);
    jsonw_ku64(out, "entries", p->entries);
    jsonw_ku64(out, "bytes", p->bytes);
    jsonw_ku64(out, "new_bytes", p->new_bytes);
    jsonw_ku64(out, "flow_bytes", p->flow_bytes);
    put_ms(out, "alignment_ms", p->alignment_us);
    put_ms(out, "sync_ms", p->sync_us);
    put_ms(out, "async_ms", p->async_us);
    jsonw_kbool(out, "unaligned", p->unaligned);
    jsonw_close(out, '}');
}

/* Sums of what is written, the longest of what is waited for. */
static struct runtime_checkpoint_part all_parts(const struct runtime_checkpoint *x)
{
    struct runtime_checkpoint_part all = {0};
    for (unsigned i = 0; i < x->workers; i++) {
        const struct runtime_checkpoint_part *p = &x->part[i];
        all.entries += p->entries;
        all.bytes += p->bytes;
        all.new_bytes += p->new_bytes;
        all.flow_bytes += p->flow_bytes;
        all.alignment_us = p->alignment_us > all.alignment_us ? p->alignment_us : all.alignment_us;
        all.sync_us = p->sync_us > all.sync_us ? p->sync_us : all.sync_us;
        all.async_us = p->async_us > all.async_us ? p->async_us : all.async_us;
    }
    return all;
}

static void write_checkpoint(struct bytes *out, const struct runtime_checkpoint *x)
{
    struct runtime_checkpoint_part all = all_parts(x);
    jsonw_open(out, '{');
    jsonw_ku64(out, "id", x->id);
    jsonw_kstr(out, "state", state_name(x->state));
    jsonw_kstr(out, "trigger", x->trigger);
    jsonw_ktime(out, "started", x->started);
    jsonw_ki64(out, "duration_ms", x->duration_ms);
    put_ms(out, "alignment_ms", all.alignment_us);
    put_ms(out, "sync_ms", all.sync_us);
    put_ms(out, "async_ms", all.async_us);
    jsonw_ku64(out, "entries", all.entries);
    jsonw_ku64(out, "bytes", all.bytes);
    jsonw_ku64(out, "new_bytes", all.new_bytes);
    jsonw_ku64(out, "flow_bytes", all.flow_bytes);
    jsonw_kbool(out, "kept", x->kept);
    jsonw_kbool(out, "restored", x->restored);
    jsonw_kstr(out, "reason", x->why[0] != '\0' ? x->why : NULL);
    jsonw_key(out, "workers");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < x->workers; i++)
        write_part(out, &x->part[i], i);
    jsonw_close(out, ']');
    jsonw_close(out, '}');
}

static struct runtime_checkpoint *history(struct api *a, unsigned *n)
{
    unsigned cap = runtime_checkpoints(a->runtime, NULL, 0);
    struct runtime_checkpoint *x = mem_array(cap + 1, sizeof *x);
    *n = runtime_checkpoints(a->runtime, x, cap);
    *n = *n < cap ? *n : cap;
    return x;
}

void api_checkpoints_list(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct bytes *out = httpcall_out(c);
    struct runtime_checkpoint_counts counts;
    unsigned n = 0;
    struct runtime_checkpoint *x = history(a, &n);
    runtime_checkpoint_counts(a->runtime, &counts);
    api_page_open(out);
    for (unsigned i = 0; i < n; i++)
        write_checkpoint(out, &x[i]);
    jsonw_close(out, ']');
    jsonw_ku64(out, "completed", counts.completed);
    jsonw_ku64(out, "failed", counts.failed);
    jsonw_key(out, "restored");
    if (counts.restored != 0)
        jsonw_u64(out, counts.restored);
    else
        jsonw_null(out);
    jsonw_close(out, '}');
    mem_free(x);
    httpcall_json_reply(c, 200);
}

/* The newest: it began after the request came. */
static void answer(struct api *a, struct httpcall *c, const char *name)
{
    unsigned n = 0, i = 0;
    (void)name;
    struct runtime_checkpoint *x = history(a, &n);
    while (i < n && x[i].state != CHECKPOINT_COMPLETED)
        i++;
    if (i < n) {
        write_checkpoint(httpcall_out(c), &x[i]);
        httpcall_json_reply(c, 201);
    } else {
        api_failed(c, ERR_NOT_FOUND);
    }
    mem_free(x);
}

void api_checkpoints_create(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct api_change *ch = api_change_new(a, c, "", PROBLEM_CONFLICT, answer);
    runtime_checkpoint(a->runtime, api_change_done, ch);
}
