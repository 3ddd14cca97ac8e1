/* SPDX-License-Identifier: Apache-2.0 */
#include "server/wire/control.h"
#include "io/codec_json.h"
#include "server/wire/wirefield.h"
#include "state/intakelog.h"
#include <string.h>

_Static_assert((int)BATCH_ROWS == (int)INTAKELOG_BLOCK_ROWS, "a block of the log is a batch");

/* --- a set of rules ---------------------------------------------------------------------------------------------- */

static void put_cut(const struct job_cut *c, struct bytes *out)
{
    bytes_u8(out, c->deployed);
    bytes_u8(out, (uint8_t)c->handover);
    bytes_u8(out, (uint8_t)c->mode);
    bytes_u64(out, (uint64_t)c->w);
    bytes_varint(out, c->from);
    bytes_varint(out, c->nmarks);
    for (unsigned i = 0; i < c->nmarks; i++) {
        bytes_u32(out, c->marks[i].stream);
        bytes_u32(out, c->marks[i].partition);
        bytes_u64(out, c->marks[i].offset);
        bytes_u64(out, (uint64_t)c->marks[i].w);
    }
}

static struct job_cut get_cut(struct bytes_reader *r, struct arena *a)
{
    struct job_cut c = {0};
    c.deployed = bytes_get_u8(r) != 0;
    uint8_t handover = bytes_get_u8(r), mode = bytes_get_u8(r);
    if (mode > RULE_PAUSED || handover > JOB_HANDOVER_COPY)
        r->bad = true;
    c.handover = (enum job_handover)handover;
    c.mode = (enum rule_mode)mode;
    c.w = (evtime)bytes_get_u64(r);
    c.from = bytes_get_varint(r);
    c.nmarks = wirefield_get_count(r, 24);
    struct job_mark *marks = arena_zero(a, c.nmarks * sizeof *marks);
    for (unsigned i = 0; i < c.nmarks; i++) {
        marks[i].stream = bytes_get_u32(r);
        marks[i].partition = bytes_get_u32(r);
        marks[i].offset = bytes_get_u64(r);
        marks[i].w = (evtime)bytes_get_u64(r);
    }
    c.marks = marks;
    return c;
}

static void put_rule(const struct control_rule *m, struct bytes *out)
{
    bytes_u64(out, m->uid);
    bytes_u32(out, m->version);
    wirefield_put_text(out, m->name);
    wirefield_put_text(out, m->sql);
    bytes_varint(out, m->lists_seq);
    bytes_varint(out, m->ncuts);
    for (unsigned i = 0; i < m->ncuts; i++)
        put_cut(&m->cuts[i], out);
    bytes_u32(out, m->oldest);
    bytes_varint(out, m->stands_for);
}

static void get_rule(struct bytes_reader *r, struct arena *a, struct control_rule *out)
{
    out->uid = bytes_get_u64(r);
    out->version = bytes_get_u32(r);
    out->name = wirefield_get_text(r, a);
    out->sql = wirefield_get_text(r, a);
    out->lists_seq = bytes_get_varint(r);
    out->ncuts = wirefield_get_count(r, 12);
    struct job_cut *cuts = arena_zero(a, out->ncuts * sizeof *cuts);
    for (unsigned i = 0; i < out->ncuts; i++)
        cuts[i] = get_cut(r, a);
    out->cuts = cuts;
    out->oldest = bytes_get_u32(r);
    out->stands_for = bytes_get_varint(r);
}

void control_put_change(const struct control_change *m, struct bytes *out)
{
    bytes_varint(out, m->nstreams);
    for (unsigned i = 0; i < m->nstreams; i++) {
        bytes_u32(out, m->streams[i].id);
        bytes_u32(out, m->streams[i].partitions);
        wirefield_put_text(out, m->streams[i].sql);
    }
    bytes_varint(out, m->ntables);
    for (unsigned i = 0; i < m->ntables; i++) {
        bytes_u32(out, m->tables[i].uid);
        wirefield_put_text(out, m->tables[i].sql);
    }
    bytes_varint(out, m->nforks);
    for (unsigned i = 0; i < m->nforks; i++) {
        bytes_u32(out, m->forks[i].id);
        bytes_u32(out, m->forks[i].stream);
        bytes_u64(out, m->forks[i].lane);
    }
    bytes_varint(out, m->nrules);
    for (unsigned i = 0; i < m->nrules; i++)
        put_rule(&m->rules[i], out);
    bytes_varint(out, m->nremoved);
    for (unsigned i = 0; i < m->nremoved; i++)
        bytes_u64(out, m->removed[i]);
    bytes_varint(out, m->nopens);
    for (unsigned i = 0; i < m->nopens; i++) {
        bytes_u32(out, m->opens[i].stream);
        bytes_u32(out, m->opens[i].partition);
        bytes_u64(out, m->opens[i].offset);
        bytes_u64(out, (uint64_t)m->opens[i].w);
    }
}

static void get_change(struct bytes_reader *r, struct arena *a, struct control_change *out)
{
    *out = (struct control_change){0};
    out->nstreams = wirefield_get_count(r, 9);
    struct control_stream *streams = arena_zero(a, out->nstreams * sizeof *streams);
    for (unsigned i = 0; i < out->nstreams; i++) {
        streams[i].id = bytes_get_u32(r);
        streams[i].partitions = bytes_get_u32(r);
        streams[i].sql = wirefield_get_text(r, a);
    }
    out->ntables = wirefield_get_count(r, 5);
    struct control_table *tables = arena_zero(a, out->ntables * sizeof *tables);
    for (unsigned i = 0; i < out->ntables; i++) {
        tables[i].uid = bytes_get_u32(r);
        tables[i].sql = wirefield_get_text(r, a);
    }
    out->nforks = wirefield_get_count(r, 16);
    struct control_fork *forks = arena_zero(a, out->nforks * sizeof *forks);
    for (unsigned i = 0; i < out->nforks; i++) {
        forks[i].id = bytes_get_u32(r);
        forks[i].stream = bytes_get_u32(r);
        forks[i].lane = bytes_get_u64(r);
    }
    out->forks = forks;
    out->nrules = wirefield_get_count(r, 16);
    struct control_rule *rules = arena_zero(a, out->nrules * sizeof *rules);
    for (unsigned i = 0; i < out->nrules; i++)
        get_rule(r, a, &rules[i]);
    out->nremoved = wirefield_get_count(r, 8);
    uint64_t *removed = arena_zero(a, out->nremoved * sizeof *removed);
    for (unsigned i = 0; i < out->nremoved; i++)
        removed[i] = bytes_get_u64(r);
    out->nopens = wirefield_get_count(r, 24);
    struct control_open *opens = arena_zero(a, out->nopens * sizeof *opens);
    for (unsigned i = 0; i < out->nopens; i++) {
        opens[i].stream = bytes_get_u32(r);
        opens[i].partition = bytes_get_u32(r);
        opens[i].offset = bytes_get_u64(r);
        opens[i].w = (evtime)bytes_get_u64(r);
    }
    out->streams = streams;
    out->tables = tables;
    out->rules = rules;
    out->removed = removed;
    out->opens = opens;
}

enum err control_get_change(const void *p, size_t n, struct arena *a, struct control_change *out)
{
    struct bytes_reader r = bytes_read(p, n);
    get_change(&r, a, out);
    return wirefield_finished(&r) ? ERR_OK : ERR_CORRUPT;
}

void control_put_init(const struct control_init *m, struct bytes *out)
{
    bytes_u32(out, m->task.worker);
    bytes_u32(out, m->task.workers);
    bytes_u32(out, m->task.key_groups);
    bytes_u64(out, m->task.max_ordering_rows);
    bytes_u64(out, m->task.max_partials_per_key);
    bytes_u64(out, m->task.max_rows_per_key);
    bytes_u64(out, (uint64_t)m->buffer_timeout_ms);
    budget_put(&m->budget, out);
    control_put_change(&m->first, out);
}

enum err control_get_init(const void *p, size_t n, struct arena *a, struct control_init *out)
{
    struct bytes_reader r = bytes_read(p, n);
    out->task = (struct task_options){0};
    out->task.worker = bytes_get_u32(&r);
    out->task.workers = bytes_get_u32(&r);
    out->task.key_groups = bytes_get_u32(&r);
    out->task.max_ordering_rows = bytes_get_u64(&r);
    out->task.max_partials_per_key = bytes_get_u64(&r);
    out->task.max_rows_per_key = bytes_get_u64(&r);
    out->buffer_timeout_ms = (int64_t)bytes_get_u64(&r);
    budget_get(&r, &out->budget);
    out->task.max_ordering_bytes = out->budget.ordering_bytes;
    get_change(&r, a, &out->first);
    if (!wirefield_finished(&r) || out->task.workers == 0 || out->task.workers > TASK_WORKERS_MAX)
        return ERR_CORRUPT;
    unsigned groups = out->task.key_groups;
    if (out->task.worker >= out->task.workers || groups < out->task.workers ||
        (groups & (groups - 1)) != 0 || out->buffer_timeout_ms < 0 ||
        out->budget.peer_window - 1 >= BUDGET_WINDOW_MAX ||
        out->budget.results_window - 1 >= BUDGET_WINDOW_MAX)
        return ERR_CORRUPT;
    return ERR_OK;
}

/* --- rows and holds ---------------------------------------------------------------------------------------------- */

void control_put_rows(const struct control_rows *m, const evtime *arrivals, struct bytes *out)
{
    bytes_u32(out, m->stream);
    bytes_u32(out, m->partition);
    bytes_u8(out, m->end_of_input);
    bytes_u64(out, m->first);
    bytes_u64(out, (uint64_t)m->before);
    bytes_u32(out, m->n);
    bytes_u8(out, arrivals != NULL);
    for (unsigned i = 0; arrivals != NULL && i < m->n; i++)
        bytes_u64(out, (uint64_t)arrivals[i]);
    for (unsigned i = 0; i < m->n; i++)
        bytes_u32(out, m->lengths[i]);
    for (unsigned i = 0; i < m->n; i++)
        bytes_put(out, m->texts[i], m->lengths[i]);
    memset(bytes_reserve(out, CODEC_PADDING), 0, CODEC_PADDING);
    out->n += CODEC_PADDING;
}

enum err control_get_rows(const void *p, size_t n, struct control_rows *out)
{
    struct bytes_reader r = bytes_read(p, n);
    out->stream = bytes_get_u32(&r);
    out->partition = bytes_get_u32(&r);
    out->end_of_input = bytes_get_u8(&r) != 0;
    out->first = bytes_get_u64(&r);
    out->before = (evtime)bytes_get_u64(&r);
    out->n = bytes_get_u32(&r);
    out->arrivals = NULL;
    out->bytes = 0;
    unsigned has_arrivals = bytes_get_u8(&r);
    if (r.bad || out->n > BATCH_ROWS || has_arrivals > 1)
        return ERR_CORRUPT;
    if (has_arrivals)
        out->arrivals = bytes_get(&r, 8 * (size_t)out->n);
    for (unsigned i = 0; i < out->n; i++)
        out->lengths[i] = bytes_get_u32(&r);
    for (unsigned i = 0; i < out->n; i++) {
        out->texts[i] = (const char *)bytes_get(&r, out->lengths[i]);
        out->bytes += out->lengths[i];
    }
    const void *padding = bytes_get(&r, CODEC_PADDING);
    return padding != NULL && wirefield_finished(&r) ? ERR_OK : ERR_CORRUPT;
}

evtime control_rows_arrival(const struct control_rows *m, unsigned i)
{
    struct bytes_reader r = bytes_read((const uint8_t *)m->arrivals + 8 * (size_t)i, 8);
    return (evtime)bytes_get_u64(&r);
}

void control_put_hold(const struct control_hold *m, struct bytes *out)
{
    bytes_u32(out, m->stream);
    bytes_u32(out, m->partition);
    bytes_u8(out, m->held);
}

enum err control_get_hold(const void *p, size_t n, struct control_hold *out)
{
    struct bytes_reader r = bytes_read(p, n);
    out->stream = bytes_get_u32(&r);
    out->partition = bytes_get_u32(&r);
    out->held = bytes_get_u8(&r) != 0;
    return wirefield_finished(&r) ? ERR_OK : ERR_CORRUPT;
}

/* --- status ------------------------------------------------------------------------------------------------------ */

/* X(field) - the counters of struct task_stats, in the order of the wire */
/* clang-format off */
#define TASK_COUNTERS(X)                                                                           \
    X(rows_in) X(rows_late) X(rows_ordered) X(rows_released) X(frames_in) X(frames_out) X(results) \
    X(rows_waiting) X(keys) X(partials) X(windows_open) X(partials_dropped) X(timeouts)            \
    X(expired) X(state_bytes) X(rows_kept) X(rows_dropped) X(keys_out) X(keys_left)                \
    X(keys_asked) X(keys_loaded)
/* clang-format on */

void control_put_advance(const struct control_advance *m, struct bytes *out)
{
    bytes_u32(out, m->stream);
    bytes_u32(out, m->partition);
    bytes_u64(out, (uint64_t)m->w);
}

enum err control_get_advance(const void *p, size_t n, struct control_advance *out)
{
    struct bytes_reader r = bytes_read(p, n);
    out->stream = bytes_get_u32(&r);
    out->partition = bytes_get_u32(&r);
    out->w = (evtime)bytes_get_u64(&r);
    return wirefield_finished(&r) ? ERR_OK : ERR_CORRUPT;
}

void control_put_status(const struct control_status *m, struct bytes *out)
{
#define PUT(field) bytes_varint(out, m->task.field);
    TASK_COUNTERS(PUT)
#undef PUT
    bytes_u64(out, (uint64_t)m->task.watermark);
    bytes_u64(out, (uint64_t)m->task.due);
    bytes_varint(out, m->cpu_ns);
    bytes_varint(out, m->rss_bytes);
    bytes_varint(out, m->pause.change_ns);
    bytes_varint(out, m->pause.change_cpu_ns);
    bytes_varint(out, m->pause.turn_ns);
    bytes_varint(out, m->pause.turn_cpu_ns);
    bytes_varint(out, m->npositions);
    for (unsigned i = 0; i < m->npositions; i++) {
        const struct control_position *at = &m->positions[i];
        bytes_u32(out, at->stream);
        bytes_u32(out, at->partition);
        bytes_u64(out, at->offset);
        bytes_u64(out, (uint64_t)at->w);
        bytes_varint(out, at->rows);
        bytes_varint(out, at->late);
        bytes_varint(out, at->end);
    }
    bytes_varint(out, m->nrules);
    for (unsigned i = 0; i < m->nrules; i++) {
        bytes_u64(out, m->rules[i].uid);
        bytes_varint(out, m->rules[i].results);
        bytes_varint(out, m->rules[i].partials);
        bytes_varint(out, m->rules[i].windows_open);
        bytes_varint(out, m->rules[i].dropped);
        bytes_varint(out, m->rules[i].version);
        bytes_u8(out, m->rules[i].took);
        bytes_varint(out, m->rules[i].kept.keys);
        bytes_varint(out, m->rules[i].kept.partials);
        bytes_varint(out, m->rules[i].kept.partials_lost);
        bytes_varint(out, m->rules[i].kept.windows);
        bytes_varint(out, m->rules[i].keys);
    }
}

enum err control_get_status(const void *p, size_t n, struct arena *a, struct control_status *out)
{
    struct bytes_reader r = bytes_read(p, n);
    *out = (struct control_status){0};
#define GET(field) out->task.field = bytes_get_varint(&r);
    TASK_COUNTERS(GET)
#undef GET
    out->task.watermark = (evtime)bytes_get_u64(&r);
    out->task.due = (evtime)bytes_get_u64(&r);
    out->cpu_ns = bytes_get_varint(&r);
    out->rss_bytes = bytes_get_varint(&r);
    out->pause.change_ns = bytes_get_varint(&r);
    out->pause.change_cpu_ns = bytes_get_varint(&r);
    out->pause.turn_ns = bytes_get_varint(&r);
    out->pause.turn_cpu_ns = bytes_get_varint(&r);
    out->npositions = wirefield_get_count(&r, 27);
    struct control_position *positions = arena_zero(a, out->npositions * sizeof *positions);
    for (unsigned i = 0; i < out->npositions; i++) {
        positions[i].stream = bytes_get_u32(&r);
        positions[i].partition = bytes_get_u32(&r);
        positions[i].offset = bytes_get_u64(&r);
        positions[i].w = (evtime)bytes_get_u64(&r);
        positions[i].rows = bytes_get_varint(&r);
        positions[i].late = bytes_get_varint(&r);
        positions[i].end = bytes_get_varint(&r);
    }
    out->positions = positions;
    out->nrules = wirefield_get_count(&r, 18);
    struct control_rule_stats *rules = arena_zero(a, out->nrules * sizeof *rules);
    for (unsigned i = 0; i < out->nrules; i++) {
        rules[i].uid = bytes_get_u64(&r);
        rules[i].results = bytes_get_varint(&r);
        rules[i].partials = bytes_get_varint(&r);
        rules[i].windows_open = bytes_get_varint(&r);
        rules[i].dropped = bytes_get_varint(&r);
        rules[i].version = (uint32_t)bytes_get_varint(&r);
        rules[i].took = bytes_get_u8(&r) != 0;
        rules[i].kept.keys = bytes_get_varint(&r);
        rules[i].kept.partials = bytes_get_varint(&r);
        rules[i].kept.partials_lost = bytes_get_varint(&r);
        rules[i].kept.windows = bytes_get_varint(&r);
        rules[i].keys = bytes_get_varint(&r);
    }
    out->rules = rules;
    return wirefield_finished(&r) ? ERR_OK : ERR_CORRUPT;
}

void control_put_bad_row(const struct control_bad_row *m, struct bytes *out)
{
    bytes_u32(out, m->stream);
    bytes_u32(out, m->partition);
    bytes_u64(out, m->offset);
    wirefield_put_text(out, m->code);
    wirefield_put_text(out, m->reason);
    bytes_str(out, m->text, m->text_len);
}

enum err control_get_bad_row(const void *p, size_t n, struct arena *a, struct control_bad_row *out)
{
    struct bytes_reader r = bytes_read(p, n);
    out->stream = bytes_get_u32(&r);
    out->partition = bytes_get_u32(&r);
    out->offset = bytes_get_u64(&r);
    out->code = wirefield_get_text(&r, a);
    out->reason = wirefield_get_text(&r, a);
    out->text_len = 0;
    const char *text = bytes_get_str(&r, &out->text_len);
    out->text = text != NULL ? arena_dup(a, text, out->text_len) : "";
    return wirefield_finished(&r) ? ERR_OK : ERR_CORRUPT;
}
