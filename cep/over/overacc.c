/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts and whole sums are retracted exactly. Sums of DOUBLE would drift, so they and STDDEV are never retracted: the
 * frame is cut at `mid`; each row before it has the sum of all rows from itself up to mid, rows from mid on are summed
 * into one accumulator, and when the frame's start reaches mid the sums are made anew for all rows in it. So each row is
 * added twice (a queue of two stacks).
 *
 * MIN and MAX keep the numbers of the rows that may yet be the least: each less than those after it. */
#include "cep/over/overacc.h"
#include "base/bug.h"
#include "base/mem.h"
#include "cep/agg/aggbytes.h"
#include "cep/over/overset.h"
#include "cep/over/overtext.h"
#include <math.h>

enum { QUEUE_FIRST = 4, ACC_MAX = 8 };

struct queue {
    uint32_t *numbers; /* the low half */
    uint32_t head, n;
    uint64_t cap; /* a power of two, or 0 */
};

enum { BEST_NONE, BEST_VALUE, BEST_NULL };
struct best {
    uint64_t state;
    int64_t v;
};

struct suffix {
    uint64_t mid;
    uint64_t back[];
};

struct set {
    struct overset values;
    uint64_t sum[]; /* of whole numbers */
};

static const struct overprog_input *input_of(const struct overacc *a)
{
    return &a->p->inputs[a->c->input];
}

static bool value_of(const struct overacc *a, uint64_t number, int64_t *v)
{
    const uint64_t *e = overacc_entry(a->ring, number);
    if (a->c->input < 0)
        return true;
    const struct overprog_input *in = input_of(a);
    *v = in->e != NULL ? (int64_t)e[in->at] : 0;
    return !overacc_is_null(e, (unsigned)a->c->input);
}

/* FIRST and LAST: does the row pass FILTER? */
static bool passes(const struct overacc *a, uint64_t number)
{
    return a->c->gate < 0 || !overacc_is_null(overacc_entry(a->ring, number), (unsigned)a->c->gate);
}

static int compare(const struct overacc *a, int64_t x, int64_t y)
{
    const struct overprog_input *in = input_of(a);
    if (!in->text && in->type.kind != TYPE_DOUBLE)
        return (x > y) - (x < y);
    struct value l = {.type = in->type, .c = overtext_cell(in->text, x)};
    struct value r = {.type = in->type, .c = overtext_cell(in->text, y)};
    return value_compare(&l, &r);
}

/* Does a later x make y needless? */
static bool beats(const struct overacc *a, int64_t x, int64_t y)
{
    switch (a->c->agg.kind) {
    case AGG_MIN:
        return compare(a, x, y) <= 0;
    case AGG_MAX:
        return compare(a, x, y) >= 0;
    default:
        return a->c->agg.kind == AGG_LAST;
    }
}

/* --- queues --- */

static uint64_t queue_at(const struct overacc *a, const struct queue *q, uint32_t i)
{
    uint32_t low = q->numbers[(q->head + i) & (q->cap - 1)];
    return a->ring->head + (uint32_t)(low - (uint32_t)a->ring->head);
}

static void queue_grow(const struct overacc *a, struct queue *q)
{
    uint64_t cap = q->cap > 0 ? 2 * q->cap : QUEUE_FIRST;
    uint32_t *more = slabs_alloc(a->memory, cap * sizeof *more);
    for (uint32_t i = 0; i < q->n; i++)
        more[i] = q->numbers[(q->head + i) & (q->cap - 1)];
    if (q->cap > 0)
        slabs_free(a->memory, q->numbers, q->cap * sizeof *more);
    q->numbers = more;
    q->head = 0;
    q->cap = cap;
}

static void queue_add(const struct overacc *a, struct queue *q, uint64_t number)
{
    bool edge = a->c->agg.kind == AGG_FIRST || a->c->agg.kind == AGG_LAST;
    int64_t v = 0, w = 0;
    bool some = value_of(a, number, &v);
    if (edge ? !passes(a, number) : !some)
        return;
    while (q->n > 0) {
        (void)value_of(a, queue_at(a, q, q->n - 1), &w);
        if (!beats(a, v, w))
            break;
        q->n--;
    }
    if (q->n == q->cap)
        queue_grow(a, q);
    q->numbers[(q->head + q->n++) & (q->cap - 1)] = (uint32_t)number;
}

static void best_add(const struct overacc *a, struct best *b, uint64_t number)
{
    enum agg_kind k = a->c->agg.kind;
    bool text = input_of(a)->text;
    int64_t v = 0;
    bool some = value_of(a, number, &v);
    if (k == AGG_FIRST || k == AGG_LAST) {
        if (!passes(a, number) || (k == AGG_FIRST && b->state != BEST_NONE))
            return;
    } else if (!some || (b->state == BEST_VALUE && !beats(a, v, b->v))) {
        return;
    }
    if (text && b->state == BEST_VALUE)
        overtext_unref(a->memory, b->v);
    b->state = some ? BEST_VALUE : BEST_NULL;
    b->v = some && text ? overtext_ref(v) : v;
}

/* --- sets --- */

/* As value_compare has it: -0.0 is 0, and there is one NaN. */
static int64_t plain(const struct overprog_input *in, int64_t v)
{
    if (in->type.kind != TYPE_DOUBLE)
        return v;
    union cell c = {.i = v};
    c.d = isnan(c.d) ? (double)NAN : c.d + 0.0;
    return c.i;
}

static void set_change(const struct overacc *a, struct set *s, uint64_t number, bool add)
{
    const struct overprog_input *in = input_of(a);
    int64_t v = 0;
    if (!value_of(a, number, &v))
        return;
    v = plain(in, v);
    bool changed = add ? overset_add(&s->values, a->memory, in->text, v)
                       : overset_remove(&s->values, a->memory, in->text, v);
    if (!changed || !agg_can_retract(&a->c->agg))
        return;
    if (add)
        agg_add(&a->c->agg, s->sum, (union cell){.i = v}, false);
    else
        agg_retract(&a->c->agg, s->sum, (union cell){.i = v}, false);
}

static bool set_result(const struct overacc *a, const struct set *s, union cell *out)
{
    uint64_t sum[ACC_MAX] = {0};
    if (agg_can_retract(&a->c->agg))
        return agg_result(&a->c->agg, s->sum, a->scratch, out);
    union cell *all = mem_array(s->values.n, sizeof *all);
    size_t n = 0;
    for (uint32_t i = 0; i < s->values.cap; i++)
        if (s->values.slots[i].count > 0)
            all[n++].i = s->values.slots[i].v;
    agg_add_all(&a->c->agg, sum, all, n);
    mem_free(all);
    return agg_result(&a->c->agg, sum, a->scratch, out);
}

/* --- what all have --- */

static void sum_add(const struct overacc *a, void *acc, uint64_t number)
{
    int64_t v = 0;
    bool some = value_of(a, number, &v);
    if (a->c->agg.kind == AGG_COUNT_STAR && !some)
        return; /* its input is FILTER */
    bool text = some && a->c->input >= 0 && input_of(a)->text;
    agg_add(&a->c->agg, acc, overtext_cell(text, v), !some);
}

void overacc_add(const struct overacc *a, uint64_t number)
{
    void *acc = a->acc;
    switch (a->c->way) {
    case OVERPROG_SUM:
        sum_add(a, acc, number);
        break;
    case OVERPROG_SUFFIX:
        sum_add(a, ((struct suffix *)acc)->back, number);
        break;
    case OVERPROG_QUEUE:
        queue_add(a, acc, number);
        break;
    case OVERPROG_BEST:
        best_add(a, acc, number);
        break;
    case OVERPROG_SET:
        set_change(a, acc, number, true);
        break;
    default:
        break;
    }
}

void overacc_retract(const struct overacc *a, uint64_t number)
{
    void *acc = a->acc;
    int64_t v = 0;
    struct queue *q = acc;
    switch (a->c->way) {
    case OVERPROG_SUM:
        if (value_of(a, number, &v) || a->c->agg.kind != AGG_COUNT_STAR)
            agg_retract(&a->c->agg, acc, (union cell){.i = v}, !value_of(a, number, &v));
        break;
    case OVERPROG_QUEUE:
        if (q->n > 0 && queue_at(a, q, 0) == number) {
            q->head = (q->head + 1) & (uint32_t)(q->cap - 1);
            q->n--;
        }
        break;
    case OVERPROG_SET:
        set_change(a, acc, number, false);
        break;
    default:
        break;
    }
}

/* Each row of [start, end) has the sum of all from itself on. */
static void sum_suffixes(const struct overacc *a, uint64_t start, uint64_t end)
{
    struct suffix *s = (struct suffix *)(void *)a->acc;
    unsigned size = a->c->agg.size;
    const uint64_t *later = NULL;
    for (uint64_t i = end; i-- > start;) {
        uint64_t *sum = overacc_entry(a->ring, i) + a->c->suffix;
        if (later != NULL)
            memcpy(sum, later, size);
        else
            memset(sum, 0, size);
        sum_add(a, sum, i);
        later = sum;
    }
    s->mid = end;
    memset(s->back, 0, size);
}

void overacc_settle(const struct overacc *a, uint64_t start, uint64_t end)
{
    const struct suffix *s = (const struct suffix *)(const void *)a->acc;
    if (a->c->way == OVERPROG_SUFFIX && start > s->mid)
        sum_suffixes(a, start, end);
}

static bool suffix_result(const struct overacc *a, const struct suffix *s, uint64_t start,
                          union cell *out)
{
    uint64_t sum[ACC_MAX] = {0};
    if (start < s->mid)
        memcpy(sum, overacc_entry(a->ring, start) + a->c->suffix, a->c->agg.size);
    agg_merge(&a->c->agg, sum, s->back);
    return agg_result(&a->c->agg, sum, a->scratch, out);
}

static bool scan_result(const struct overacc *a, uint64_t start, uint64_t end, union cell *out)
{
    uint64_t sum[ACC_MAX] = {0};
    for (uint64_t i = start; i < end; i++)
        sum_add(a, sum, i);
    bool some = agg_result(&a->c->agg, sum, a->scratch, out);
    agg_clear(&a->c->agg, sum);
    return some;
}

static bool row_result(const struct overacc *a, uint64_t number, union cell *out)
{
    int64_t v = 0;
    if (!value_of(a, number, &v))
        return false;
    *out = overtext_cell(input_of(a)->text, v);
    return true;
}

struct value overacc_result(const struct overacc *a, uint64_t start, uint64_t end)
{
    struct value out = {.type = a->c->c->type};
    const void *acc = a->acc;
    const struct queue *q = acc;
    const struct best *b = acc;
    bool some = false;
    switch (a->c->way) {
    case OVERPROG_ROWS:
        out.c.i = (int64_t)(end - start);
        some = true;
        break;
    case OVERPROG_EDGE:
        some = row_result(a, a->c->agg.kind == AGG_FIRST ? start : end - 1, &out.c);
        break;
    case OVERPROG_SUM:
        some = agg_result(&a->c->agg, acc, a->scratch, &out.c);
        break;
    case OVERPROG_SUFFIX:
        some = suffix_result(a, acc, start, &out.c);
        break;
    case OVERPROG_QUEUE:
        some = q->n > 0 && row_result(a, queue_at(a, q, 0), &out.c);
        break;
    case OVERPROG_BEST:
        some = b->state == BEST_VALUE;
        if (some)
            out.c = overtext_cell(input_of(a)->text, b->v);
        break;
    case OVERPROG_SET:
        some = set_result(a, acc, &out.c);
        break;
    case OVERPROG_SCAN:
        some = scan_result(a, start, end, &out.c);
        break;
    default:
        bug_abort(__FILE__, __LINE__, "a call without an accumulator");
    }
    out.null = !some;
    return out;
}

void overacc_fini(const struct overacc *a)
{
    void *acc = a->acc;
    struct queue *q = acc;
    struct best *b = acc;
    if (a->c->way == OVERPROG_QUEUE && q->cap > 0)
        slabs_free(a->memory, q->numbers, q->cap * sizeof *q->numbers);
    if (a->c->way == OVERPROG_BEST && b->state == BEST_VALUE && input_of(a)->text)
        overtext_unref(a->memory, b->v);
    if (a->c->way == OVERPROG_SUM && a->c->agg.holds)
        agg_clear(&a->c->agg, acc);
    if (a->c->way == OVERPROG_SET) {
        struct set *s = acc;
        overset_fini(&s->values, a->memory, input_of(a)->text);
        if (agg_can_retract(&a->c->agg) && a->c->agg.holds)
            agg_clear(&a->c->agg, s->sum);
    }
}

/* --- snapshots --- */

static bool is_of_all(const struct overacc *a)
{
    return a->p->frames[a->c->frame].f.preceding < 0;
}

static void put_word(const struct overacc *a, int64_t v, struct bytes *out)
{
    if (input_of(a)->text)
        bytes_str(out, overtext_at(v)->p, overtext_at(v)->n);
    else
        bytes_u64(out, (uint64_t)v);
}

static bool get_word(const struct overacc *a, struct bytes_reader *in, int64_t *v)
{
    size_t n = 0;
    if (!input_of(a)->text) {
        *v = (int64_t)bytes_get_u64(in);
        return !in->bad;
    }
    const char *p = bytes_get_str(in, &n);
    if (in->bad || n > UINT32_MAX)
        return false;
    *v = overtext_new(a->memory, (struct str){p, (uint32_t)n, 0});
    return true;
}

static void put_set(const struct overacc *a, const struct set *s, struct bytes *out)
{
    bytes_varint(out, s->values.n);
    for (uint32_t i = 0; i < s->values.cap; i++)
        if (s->values.slots[i].count > 0) {
            put_word(a, s->values.slots[i].v, out);
            bytes_varint(out, s->values.slots[i].count);
        }
}

void overacc_save(const struct overacc *a, uint64_t start, struct bytes *out)
{
    void *acc = a->acc;
    const struct best *b = acc;
    if (a->c->way == OVERPROG_SUFFIX)
        bytes_varint(out, ((const struct suffix *)acc)->mid - start);
    if (a->c->way < OVERPROG_SUM || !is_of_all(a))
        return;
    switch (a->c->way) {
    case OVERPROG_SUM:
        aggbytes_save(&a->c->agg, acc, out);
        break;
    case OVERPROG_BEST:
        bytes_u8(out, (uint8_t)b->state);
        if (b->state == BEST_VALUE)
            put_word(a, b->v, out);
        break;
    case OVERPROG_SET:
        put_set(a, acc, out);
        break;
    default:
        bug_abort(__FILE__, __LINE__, "a frame of all rows has no such sum");
    }
}

static bool load_best(const struct overacc *a, struct best *b, struct bytes_reader *in)
{
    uint8_t state = bytes_get_u8(in);
    if (in->bad || state > BEST_NULL || (state == BEST_VALUE && !get_word(a, in, &b->v)))
        return false;
    b->state = state;
    return true;
}

static bool load_set(const struct overacc *a, struct set *s, struct bytes_reader *in)
{
    bool text = input_of(a)->text;
    uint64_t n = bytes_get_varint(in);
    for (uint64_t i = 0; i < n; i++) {
        int64_t v = 0;
        if (!get_word(a, in, &v))
            return false;
        uint64_t count = bytes_get_varint(in);
        uint32_t had = s->values.n;
        if (count > 0)
            overset_put(&s->values, a->memory, text, v, count);
        if (text)
            overtext_unref(a->memory, v);
        if (in->bad || s->values.n == had || s->values.n > UINT32_MAX / 4)
            return false; /* it is there already, or not at all */
        if (agg_can_retract(&a->c->agg))
            agg_add(&a->c->agg, s->sum, (union cell){.i = v}, false);
    }
    return !in->bad;
}

void overacc_remake(const struct overacc *a, uint64_t start, uint64_t mid, uint64_t end)
{
    if (a->c->way == OVERPROG_SUFFIX)
        sum_suffixes(a, start, mid);
    for (uint64_t i = a->c->way == OVERPROG_SUFFIX ? mid : start; i < end; i++)
        overacc_add(a, i);
}

static bool remake(const struct overacc *a, uint64_t start, uint64_t end, struct bytes_reader *in)
{
    uint64_t n = a->c->way == OVERPROG_SUFFIX ? bytes_get_varint(in) : 0;
    if (in->bad || n > end - start)
        return false;
    overacc_remake(a, start, start + n, end);
    return true;
}

enum err overacc_load(const struct overacc *a, uint64_t start, uint64_t end,
                      struct bytes_reader *in)
{
    void *acc = a->acc;
    bool good = true;
    if (a->c->way < OVERPROG_SUM)
        return ERR_OK;
    if (!is_of_all(a))
        good = remake(a, start, end, in);
    else if (a->c->way == OVERPROG_SUM)
        good = aggbytes_load(&a->c->agg, acc, in) == ERR_OK;
    else if (a->c->way == OVERPROG_BEST)
        good = load_best(a, acc, in);
    else if (a->c->way == OVERPROG_SET)
        good = load_set(a, acc, in);
    return good ? ERR_OK : ERR_CORRUPT;
}
