/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/order.h"
#include "tests/lib/planbuild.h"
#include "tests/lib/taskrig.h"

static struct batch *batch_of(const struct schema *s, uint32_t partition, unsigned n,
                              const evtime *ts)
{
    struct colset all = {{(1u << PAY_COLUMNS) - 1}};
    struct batch *b = batch_new(s, &all);
    b->partition = partition;
    for (unsigned i = 0; i < n; i++)
        rig_add(
            b, &(struct pay){.offset = i + 1, .ts = ts[i], .amount = 100 - ts[i] % 7, .card = "c"});
    return b;
}

static void push(struct order *o, struct batch *b, unsigned i)
{
    order_push(o, &(struct order_entry){.ts = b->ts[i], .b = batch_ref(b), .tag = i});
}

static void push_all(struct order *o, struct batch *b)
{
    for (unsigned i = 0; i < b->n; i++)
        push(o, b, i);
    batch_unref(b);
}

/* All that may leave, as "ts/partition/offset ts/…". */
static const char *taken(struct order *o, evtime w)
{
    static char text[512];
    struct order_entry *e;
    int at = 0;
    text[0] = '\0';
    for (size_t n; (n = order_take(o, w, &e)) > 0;)
        for (size_t i = 0; i < n; i++) {
            at += snprintf(text + at, sizeof text - (size_t)at, "%s%lld/%u/%llu", at > 0 ? " " : "",
                           (long long)e[i].ts, e[i].b->partition,
                           (unsigned long long)e[i].b->offset[order_row(&e[i])]);
            batch_unref(e[i].b);
        }
    return text;
}

static void rows_leave_in_order_of_time_partition_and_offset(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(2, 0);
    struct order o;
    order_init(&o, NULL);
    push_all(&o, batch_of(s, 1, 4, (evtime[]){70000, 5, 9, 5}));
    push_all(&o, batch_of(s, 0, 3, (evtime[]){9, 5, 300}));
    assert_int_equal(order_waiting(&o), 7);
    assert_string_equal(taken(&o, 5), "");
    assert_string_equal(taken(&o, 9), "5/0/2 5/1/2 5/1/4");
    assert_string_equal(taken(&o, 301), "9/0/1 9/1/3 300/0/3");
    assert_string_equal(taken(&o, EVTIME_MAX), "70000/1/1");
    assert_int_equal(order_waiting(&o), 0);
    order_fini(&o);
}

static void columns_may_order_equal_times(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    static const uint16_t columns[] = {PAY_AMOUNT};
    struct match_plan by = {.norder = 1, .order_columns = columns};
    struct batch *b = batch_of(s, 0, 3, (evtime[]){5, 5, 5});
    struct order o;
    b->columns[PAY_AMOUNT].i[0] = 30;
    b->columns[PAY_AMOUNT].i[1] = 10;
    b->columns[PAY_AMOUNT].nulls[0] |= 4; /* NULL is least */
    b->columns[PAY_AMOUNT].has_nulls = true;
    order_init(&o, &by);
    for (unsigned i = 0; i < 3; i++)
        push(&o, b, i);
    assert_string_equal(taken(&o, 6), "5/0/3 5/0/2 5/0/1");
    by.order_desc = 1;
    for (unsigned i = 0; i < 3; i++)
        push(&o, b, i);
    assert_string_equal(taken(&o, 6), "5/0/1 5/0/2 5/0/3");
    batch_unref(b);
    order_fini(&o);
}

static void what_comes_after_its_time_leaves_at_once(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct order o;
    order_init(&o, NULL);
    push_all(&o, batch_of(s, 0, 2, (evtime[]){100, 200}));
    assert_string_equal(taken(&o, 150), "100/0/1");
    push_all(&o, batch_of(s, 0, 2, (evtime[]){90, 160}));
    assert_string_equal(taken(&o, 150), "90/0/1");
    assert_string_equal(taken(&o, 1000), "160/0/2 200/0/2");
    order_fini(&o);
}

static int compare_times(const void *a, const void *b)
{
    const evtime *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void any_times_are_sorted(void **state)
{
    (void)state;
    enum { N = 20000 };
    const struct schema *s = pay_stream(1, 0);
    struct rig dice = {.random = 5};
    evtime *all = mem_array(N, sizeof *all), w = -1000000, *out = mem_array(N, sizeof *out);
    size_t pushed = 0, left = 0;
    struct order o;
    order_init(&o, NULL);
    while (pushed < N) {
        evtime ts[100];
        for (unsigned i = 0; i < 100; i++)
            ts[i] = all[pushed++] = w + (evtime)rig_random(&dice, 1u << rig_random(&dice, 24));
        push_all(&o, batch_of(s, 0, 100, ts));
        w += (evtime)rig_random(&dice, 5000);
        struct order_entry *e;
        for (size_t n; (n = order_take(&o, pushed < N ? w : EVTIME_MAX, &e)) > 0;)
            for (size_t i = 0; i < n; i++) {
                out[left++] = e[i].ts;
                batch_unref(e[i].b);
            }
    }
    assert_int_equal(left, N);
    qsort(all, N, sizeof *all, compare_times);
    assert_memory_equal(all, out, N * sizeof *all);
    order_fini(&o);
    mem_free(all);
    mem_free(out);
}

static void waiting_rows_can_be_gone_through(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct order o;
    order_init(&o, NULL);
    push_all(&o, batch_of(s, 0, 2, (evtime[]){100, 200}));
    assert_string_equal(taken(&o, 150), "100/0/1");
    push_all(&o, batch_of(s, 0, 3, (evtime[]){90, 160, 1 << 30}));
    struct order_cursor at = {0};
    evtime sum = 0;
    unsigned n = 0;
    for (struct order_entry *e; (e = order_next(&o, &at)) != NULL; n++)
        sum += e->ts;
    assert_int_equal(n, 4);
    assert_int_equal(sum, 200 + 90 + 160 + (1 << 30));
    order_fini(&o); /* drops them */
}

static void the_least_time_that_waits_is_known(void **state)
{
    (void)state;
    const struct schema *s = pay_stream(1, 0);
    struct order o;
    order_init(&o, NULL);
    assert_true(order_least(&o) == EVTIME_MAX);
    push_all(&o, batch_of(s, 0, 3, (evtime[]){1 << 30, 70000, 70010}));
    assert_int_equal(order_least(&o), 70000);
    assert_string_equal(taken(&o, 70001), "70000/0/2");
    assert_int_equal(order_least(&o), 70010);
    push_all(&o, batch_of(s, 0, 1, (evtime[]){90})); /* behind its time */
    assert_int_equal(order_least(&o), 90);
    taken(&o, 70011);
    assert_int_equal(order_least(&o), 1 << 30);
    order_fini(&o);
}

int main(void)
{
    CHECK_RUN(EXPRTREE_TEST(rows_leave_in_order_of_time_partition_and_offset),
              EXPRTREE_TEST(columns_may_order_equal_times),
              EXPRTREE_TEST(what_comes_after_its_time_leaves_at_once),
              EXPRTREE_TEST(any_times_are_sorted),
              EXPRTREE_TEST(the_least_time_that_waits_is_known),
              EXPRTREE_TEST(waiting_rows_can_be_gone_through));
}
