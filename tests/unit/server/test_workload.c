/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker's time from its loop to the pages: workload, loadwire, crewload. */
#include "server/run/crewload.h"
#include "server/run/workload.h"
#include "tests/lib/check.h"

static montime ms(int64_t n)
{
    return n * 1000000;
}

static void sleep_for(struct workload *w, int64_t from, int64_t to, struct workload_rest rest)
{
    workload_sleep(w, ms(from), &rest);
    workload_wake(w, ms(to));
}

static void time_is_busy_unless_it_is_slept(void **state)
{
    (void)state;
    struct workload w;
    struct loadwire m;
    workload_init(&w, ms(1000));
    sleep_for(&w, 1100, 1300, (struct workload_rest){0});
    sleep_for(&w, 1400, 1900,
              (struct workload_rest){.why = LOADWIRE_CHANNEL, .peers = 6, .coordinator = true});
    sleep_for(&w, 1900, 1950, (struct workload_rest){.why = LOADWIRE_CHANNEL, .peers = 4});
    workload_look(&w, ms(2000), &m);
    assert_int_equal(m.idle_ns, ms(200));
    assert_int_equal(m.backpressured_ns, ms(550));
    assert_int_equal(m.busy_ns, ms(250));
    assert_int_equal(w.peer_ns[0], 0);
    assert_int_equal(w.peer_ns[1], ms(500));
    assert_int_equal(w.peer_ns[2], ms(550));
    assert_int_equal(w.coordinator_ns, ms(500));
}

static struct loadwire sample(int64_t busy, int64_t idle, int64_t backpressured)
{
    return (struct loadwire){.busy_ns = (uint64_t)ms(busy),
                             .idle_ns = (uint64_t)ms(idle),
                             .backpressured_ns = (uint64_t)ms(backpressured)};
}

static void shares_are_of_the_last_second(void **state)
{
    (void)state;
    struct crewload c;
    struct runtime_worker w = {0};
    struct loadwire m;
    crewload_reset(&c);
    for (unsigned i = 1; i <= 20; i++) { /* five seconds of work, four times a second */
        m = sample(250 * i, 0, 0);
        crewload_take(&c, &m);
    }
    crewload_show(&c, &w);
    assert_int_equal(w.busy_permille, 1000);
    m = sample(5000, 100, 150);
    crewload_take(&c, &m);
    m = sample(5050, 300, 150);
    m.why = LOADWIRE_ORDERING;
    crewload_take(&c, &m);
    crewload_show(&c, &w);
    assert_int_equal(w.busy_permille, 550); /* 500 + 0 + 50 of 1,000 */
    assert_int_equal(w.idle_permille, 300);
    assert_int_equal(w.backpressured_permille, 150);
    assert_int_equal(w.busy_ms, 5050);
    assert_int_equal(w.idle_ms, 300);
    assert_string_equal(w.waits_for, "ordering");
}

static void a_message_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct bytes b = {0};
    struct loadwire m = sample(1, 2, 3), out;
    struct crewload c;
    struct runtime_channel shown[1];
    m.why = LOADWIRE_STATE;
    m.state_full = true;
    m.ordering_bytes = 77;
    m.nchannels = 2;
    m.channels[0] =
        (struct loadwire_channel){LOADWIRE_COORDINATOR, 5000000, {100, -7, 8, 0, 9, 10}};
    m.channels[1] = (struct loadwire_channel){3, 6, {.window = 200, .credit = 200}};
    loadwire_put(&m, &b);
    assert_ok(loadwire_get(b.p, b.n, &out));
    assert_true(out.state_full && out.why == LOADWIRE_STATE && out.ordering_bytes == 77);
    crewload_reset(&c);
    crewload_take(&c, &out);
    assert_int_equal(crewload_channels(&c, 1, shown, 1), 2);
    assert_int_equal(shown[0].from, 1);
    assert_int_equal(shown[0].to, -1);
    assert_int_equal(shown[0].credit, -7);
    assert_int_equal(shown[0].blocked_ms, 5);
    for (size_t n = 0; n < b.n; n++)
        assert_err(loadwire_get(b.p, n, &out), ERR_CORRUPT);
    b.p[b.n - 49] = TASK_WORKERS_MAX; /* no such worker */
    assert_err(loadwire_get(b.p, b.n, &out), ERR_CORRUPT);
    bytes_fini(&b);
}

int main(void)
{
    CHECK_RUN(TEST(time_is_busy_unless_it_is_slept), TEST(shares_are_of_the_last_second),
              TEST(a_message_arrives_as_it_was_sent));
}
