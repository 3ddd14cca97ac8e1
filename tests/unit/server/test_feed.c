/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "server/intake/feedtime.h"
#include "tests/lib/check.h"
#include <stdlib.h>
#include <sys/socket.h>

enum { PARTITIONS = 3, WORKERS = 2, ROWS = 20000 };

struct fixture {
    char path[64];
    struct intakelog *log;
    struct intake *intake;
    struct registry *registry;
    struct feed *feed;
    const struct schema *schema;
    struct channel *here[WORKERS], *there[WORKERS];
    struct control_rows *rows;
    evtime before[3]; /* of what came last, by partition */
    bool held[3]; /* what its worker was told, by partition */
};

static void ignore_letter(void *ctx, const struct catalog_dead_letter *d)
{
    (void)ctx;
    (void)d;
}

static void ignore(void *ctx)
{
    (void)ctx;
}

static int set_up_with(void **state, const char *sql)
{
    struct fixture *f = mem_new(sizeof *f);
    struct intake_events events = {ignore_letter, ignore, NULL};
    struct diag d;
    strcpy(f->path, "/tmp/weir-feed-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    diag_init(&d, NULL, 0);
    assert_ok(intakelog_open(f->path, &d, &f->log));
    f->registry = registry_new();
    assert_ok(registry_add_stream(f->registry, 1, 0, sql, strlen(sql), &d));
    diag_fini(&d);
    f->schema = registry_stream(f->registry, "S");
    f->intake = intake_new(f->log, &events, UINT64_MAX);
    f->feed = feed_new(f->registry, f->log, f->intake, WORKERS,
                       &(struct budget){.intake_bytes = 16 << 20, .ordering_bytes = 1 << 20});
    f->rows = mem_new(sizeof *f->rows);
    for (unsigned i = 0; i < WORKERS; i++) {
        int fd[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
        f->here[i] = channel_new(fd[0], CONTROL_WINDOW);
        f->there[i] = channel_new(fd[1], CONTROL_WINDOW);
    }
    *state = f;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(
        state, "CREATE STREAM s (id BIGINT, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts) "
               "WITH ('partitions'='3')");
}

static int set_up_aligned(void **state)
{
    return set_up_with(
        state, "CREATE STREAM s (id BIGINT, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts) "
               "WITH ('partitions'='3', 'watermark-alignment'='1 s')");
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < WORKERS; i++) {
        channel_free(f->here[i]);
        channel_free(f->there[i]);
    }
    feed_free(f->feed);
    intake_free(f->intake);
    registry_free(f->registry);
    intakelog_close(f->log);
    char *command = mem_printf("rm -rf '%s'", f->path);
    int rc = system(command);
    mem_free(command);
    mem_free(f->rows);
    mem_free(f);
    return rc;
}

static void fill(struct fixture *f, unsigned partition, unsigned rows, evtime w)
{
    static const char text[] =
        "{\"id\":12345678,\"ts\":1700000000000,\"more\":\"0123456789012345678901234567\"}";
    struct intakelog_row row[1000];
    uint64_t first = 0;
    for (unsigned i = 0; i < 1000; i++)
        row[i] = (struct intakelog_row){text, sizeof text - 1};
    for (unsigned n = 0; n < rows; n += 1000)
        assert_ok(intakelog_append(f->log, 1, partition, &(struct intakelog_time){0, EVTIME_MIN, w},
                                   row, 1000, 0, &first));
}

static void open_at(struct fixture *f, const uint64_t *offsets)
{
    struct job_mark marks[PARTITIONS];
    for (unsigned i = 0; i < PARTITIONS; i++)
        marks[i] = (struct job_mark){i, offsets[i], EVTIME_MIN, 0};
    assert_true(feed_open(f->feed, f->schema, marks));
    assert_false(feed_open(f->feed, f->schema, marks)); /* it is read already */
}

static void push(struct fixture *f, unsigned worker)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    assert_ok(feed_push(f->feed, worker, f->here[worker], &d));
    diag_fini(&d);
}

/* What has come to a worker: rows of each partition, and the offset after the last. */
static void receive(struct fixture *f, unsigned worker, unsigned *rows, uint64_t *next,
                    unsigned *ends)
{
    struct channel_frame frame;
    memset(rows, 0, PARTITIONS * sizeof *rows);
    *ends = 0;
    for (;;) {
        assert_ok(channel_flush(f->here[worker]));
        enum err e = channel_peek(f->there[worker], &frame);
        if (e == ERR_END && channel_read(f->there[worker]) == ERR_AGAIN)
            return;
        if (e == ERR_END)
            continue;
        assert_ok(e);
        if (frame.kind == CONTROL_HOLD) {
            struct control_hold h;
            assert_ok(control_get_hold(frame.p, frame.n, &h));
            assert_true(h.partition < PARTITIONS && f->held[h.partition] != h.held);
            f->held[h.partition] = h.held;
            channel_drop(f->there[worker]);
            continue;
        }
        assert_int_equal(frame.kind, CONTROL_ROWS);
        assert_ok(control_get_rows(frame.p, frame.n, f->rows));
        unsigned p = f->rows->partition;
        assert_int_equal(f->rows->first, next[p]);
        rows[p] += f->rows->n;
        next[p] += f->rows->n;
        f->before[p] = f->rows->before;
        *ends += f->rows->end_of_input;
        channel_drop(f->there[worker]);
    }
}

static void taken(struct fixture *f, unsigned partition, uint64_t offset, evtime w)
{
    struct control_position at = {
        .stream = 1, .partition = partition, .offset = offset, .w = w, .rows = offset};
    feed_position(f->feed, feed_worker_of(f->feed, 1, partition), &at);
}

static void each_worker_gets_its_partitions_from_their_marks_on(void **state)
{
    struct fixture *f = *state;
    unsigned rows[PARTITIONS], ends = 0;
    uint64_t next[PARTITIONS] = {0, 1500, 0};
    for (unsigned p = 0; p < PARTITIONS; p++)
        fill(f, p, 2000, 5);
    assert_ok(intake_finish(f->intake, f->schema, 1));
    open_at(f, next);
    push(f, 0); /* (stream 1 + partition 1) mod 2 */
    receive(f, 0, rows, next, &ends);
    assert_int_equal(rows[1], 500);
    assert_int_equal(ends, 1);
    assert_int_equal(rows[0] + rows[2], 0);
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[0], 2000);
    assert_int_equal(rows[2], 2000);
    assert_int_equal(ends, 0);
    push(f, 1); /* nothing new */
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[0] + rows[2], 0);
    fill(f, 2, 1000, 6);
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[2], 1000);
}

static void a_partition_has_a_window_that_opens_with_what_is_taken(void **state)
{
    struct fixture *f = *state;
    unsigned rows[PARTITIONS], ends = 0;
    uint64_t next[PARTITIONS] = {0};
    for (unsigned n = 0; n < 5; n++)
        fill(f, 0, ROWS, 5);
    fill(f, 2, 2000, 5);
    open_at(f, next);
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[0], FEED_WINDOW_BLOCKS * 1000);
    assert_int_equal(rows[2], 2000); /* one that is far behind does not keep out another */
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[0], 0);
    taken(f, 0, 10 * 1000, 5);
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[0], 10 * 1000);
}

static void when_rows_pile_up_only_the_partition_that_holds_time_goes_on(void **state)
{
    struct fixture *f = *state;
    unsigned rows[PARTITIONS], ends = 0;
    uint64_t next[PARTITIONS] = {0};
    for (unsigned p = 0; p < PARTITIONS; p++)
        fill(f, p, 4000, 5);
    open_at(f, next);
    taken(f, 0, 1, 1000);
    taken(f, 1, 1, 2000);
    taken(f, 2, 1, 3000);
    feed_waiting(f->feed, 0, FEED_WAITING_ROWS);
    push(f, 0);
    push(f, 1);
    receive(f, 0, rows, next, &ends);
    assert_int_equal(rows[1], 0);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[0], 4000);
    assert_int_equal(rows[2], 0);
    assert_true(!f->held[0] && f->held[1] && f->held[2]);
    feed_waiting(f->feed, 0, FEED_WAITING_ROWS / 2); /* still too many */
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[2], 0);
    feed_waiting(f->feed, 0, FEED_WAITING_ROWS / 2 - 1);
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[2], 4000);
    assert_false(f->held[2]);
}

static void bytes_and_state_that_fill_their_budget_hold_partitions_too(void **state)
{
    struct fixture *f = *state;
    struct loadwire m = {.ordering_bytes = 1 << 20};
    unsigned rows[PARTITIONS], ends = 0;
    uint64_t next[PARTITIONS] = {0};
    for (unsigned p = 0; p < PARTITIONS; p++)
        fill(f, p, 4000, 5);
    open_at(f, next);
    taken(f, 0, 1, 1000);
    taken(f, 1, 1, 2000);
    taken(f, 2, 1, 3000);
    feed_load(f->feed, 0, &m);
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[0], 4000);
    assert_true(!f->held[0] && f->held[2]);
    m = (struct loadwire){.state_full = true};
    feed_load(f->feed, 0, &m);
    push(f, 0);
    push(f, 1);
    receive(f, 0, rows, next, &ends);
    receive(f, 1, rows, next, &ends);
    assert_true(f->held[0] && f->held[1] && f->held[2]);
    m.state_full = false;
    feed_load(f->feed, 0, &m);
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[2], 4000);
    assert_true(!f->held[0] && !f->held[2]);
}

static void a_stream_that_no_rule_reads_is_not_sent(void **state)
{
    struct fixture *f = *state;
    unsigned rows[PARTITIONS], ends = 0;
    uint64_t next[PARTITIONS] = {0};
    struct arena *a = arena_new(4096, 0);
    const struct control_open *opens = NULL;
    fill(f, 0, 1000, 5);
    feed_restart(f->feed); /* there are no rules */
    assert_int_equal(feed_opens(f->feed, 1, 0, a, &opens), 0);
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[0], 0);
    open_at(f, next);
    assert_int_equal(feed_opens(f->feed, 1, 0, a, &opens), 2);
    assert_int_equal(feed_opens(f->feed, 0, 1, a, &opens), 1);
    assert_int_equal(opens[0].partition, 1);
    feed_close(f->feed, 1);
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[0], 0);
    arena_free(a);
}

static void what_the_clock_says_at_the_logs_end_is_sent_once(void **state)
{
    struct fixture *f = *state;
    unsigned rows[PARTITIONS], ends = 0;
    uint64_t next[PARTITIONS] = {0};
    fill(f, 0, 1000, 50);
    open_at(f, next);
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_true(f->before[0] == EVTIME_MIN);
    for (evtime w = 70; w < 90; w += 10) {
        assert_ok(intakelog_advance(f->log, 1, 0, w));
        push(f, 1);
        receive(f, 1, rows, next, &ends);
        assert_int_equal(rows[0], 0);
        assert_int_equal(f->before[0], w);
        f->before[0] = 0;
        push(f, 1);
        receive(f, 1, rows, next, &ends);
        assert_int_equal(f->before[0], 0);
    }
    fill(f, 0, 1000, 95); /* in the place of the record, which they carry */
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[0], 1000);
    assert_int_equal(f->before[0], 80);
}

static bool is_paused(struct fixture *f, unsigned partition)
{
    struct runtime_partition p[PARTITIONS];
    assert_int_equal(feed_snapshot(f->feed, p, PARTITIONS), PARTITIONS);
    return p[partition].paused_since != EVTIME_MIN;
}

static void a_partition_too_far_ahead_waits_for_one_that_has_something_to_read(void **state)
{
    struct fixture *f = *state;
    unsigned rows[PARTITIONS], ends = 0;
    uint64_t next[PARTITIONS] = {0};
    for (evtime w = 1000; w <= 5000; w += 1000) {
        fill(f, 0, 1000, w);
        fill(f, 1, 1000, w / 2);
    }
    open_at(f, next); /* partition 2 has nothing: nobody waits for it */
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[0],
                     1000); /* the first block, then it is ahead of one that has not begun */
    assert_true(is_paused(f, 0));
    taken(f, 0, 1000, 1000);
    taken(f, 1, 1000, 500);
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[0], 1000); /* up to 2000: 1,5 s ahead */
    taken(f, 1, 3000, 1500);
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[0], 1000);
    push(f, 0);
    receive(f, 0, rows, next, &ends);
    assert_int_equal(rows[1], 5000); /* it is behind: it never waits */
    taken(f, 1, 5000, 2500); /* it has nothing left */
    push(f, 1);
    receive(f, 1, rows, next, &ends);
    assert_int_equal(rows[0], 2000);
    assert_false(is_paused(f, 0));
}

static void who_holds_time_back_is_known_since_when(void **state)
{
    struct fixture *f = *state;
    uint64_t next[PARTITIONS] = {0};
    struct runtime_partition p[PARTITIONS];
    open_at(f, next);
    feedtime_tick(f->feed, 500);
    feed_snapshot(f->feed, p, PARTITIONS);
    for (unsigned i = 0; i < PARTITIONS; i++)
        assert_true(p[i].holds_since == EVTIME_MIN); /* nobody is further */
    taken(f, 0, 1, 1000);
    taken(f, 2, 1, 2000);
    feedtime_tick(f->feed, 600);
    feedtime_tick(f->feed, 700);
    feed_snapshot(f->feed, p, PARTITIONS);
    assert_int_equal(p[1].holds_since, 600);
    assert_true(p[0].holds_since == EVTIME_MIN);
    taken(f, 1, 1, 1500);
    feedtime_tick(f->feed, 800);
    feed_snapshot(f->feed, p, PARTITIONS);
    assert_true(p[1].holds_since == EVTIME_MIN);
    assert_int_equal(p[0].holds_since, 800);
}

#define FEED_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    CHECK_RUN(FEED_TEST(each_worker_gets_its_partitions_from_their_marks_on),
              FEED_TEST(a_partition_has_a_window_that_opens_with_what_is_taken),
              FEED_TEST(when_rows_pile_up_only_the_partition_that_holds_time_goes_on),
              FEED_TEST(bytes_and_state_that_fill_their_budget_hold_partitions_too),
              FEED_TEST(a_stream_that_no_rule_reads_is_not_sent),
              FEED_TEST(what_the_clock_says_at_the_logs_end_is_sent_once),
              FEED_TEST(who_holds_time_back_is_known_since_when),
              cmocka_unit_test_setup_teardown(
                  a_partition_too_far_ahead_waits_for_one_that_has_something_to_read,
                  set_up_aligned, tear_down));
}
