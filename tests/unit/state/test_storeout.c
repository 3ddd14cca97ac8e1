/* SPDX-License-Identifier: Apache-2.0 */
#include "base/durable.h"
#include "base/mem.h"
#include "state/storeout.h"
#include "tests/lib/check.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KEYS = 5000 };

struct place {
    char dir[64], work[96], chk[96];
    struct diag d;
    struct store *s;
    struct storeout *o;
    struct bytes value;
};

/* A value begins with the time after which it is over. */
static bool is_over(const void *value, size_t n, int64_t now)
{
    struct bytes_reader r = bytes_read(value, n);
    return (int64_t)bytes_get_u64(&r) < now;
}

static int set_up(void **state)
{
    const struct store_options o = {.backend = STORE_ROCKSDB, .is_over = is_over};
    struct place *p = mem_new(sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/weir-storeout-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->work, sizeof p->work, "%s/worker-0", p->dir);
    snprintf(p->chk, sizeof p->chk, "%s/chk", p->dir);
    diag_init(&p->d, NULL, 0);
    assert_ok(store_open_as(p->work, &o, &p->d, &p->s));
    assert_ok(storeout_open(p->s, "by card", &p->o));
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    store_close(p->s);
    diag_fini(&p->d);
    bytes_fini(&p->value);
    assert_ok(durable_delete(p->dir));
    mem_free(p);
    return 0;
}

static void put(struct place *p, const char *key, int64_t until, const char *text)
{
    struct bytes b = {0};
    bytes_u64(&b, (uint64_t)until);
    if (text != NULL)
        bytes_put(&b, text, strlen(text));
    const struct snapfile_entry e = {key, strlen(key), text == NULL ? NULL : b.p, b.n};
    assert_ok(storeout_put(p->o, 3, &e));
    bytes_fini(&b);
}

static void assert_value(struct place *p, const char *key, const char *text)
{
    enum err e = storeout_get(p->o, 3, key, strlen(key), &p->value);
    if (text == NULL) {
        assert_err(e, ERR_NOT_FOUND);
        return;
    }
    assert_ok(e);
    assert_int_equal(p->value.n, 8 + strlen(text));
    assert_memory_equal(p->value.p + 8, text, strlen(text));
}

static void an_entry_that_is_put_is_there_until_it_is_gone(void **state)
{
    struct place *p = *state;
    assert_value(p, "a", NULL);
    put(p, "a", INT64_MAX, "one");
    put(p, "b", INT64_MAX, "");
    assert_value(p, "a", "one");
    assert_value(p, "b", "");
    put(p, "a", INT64_MAX, "two");
    assert_value(p, "a", "two");
    put(p, "a", 0, NULL);
    assert_value(p, "a", NULL);
    assert_err(storeout_get(p->o, 4, "b", 1, &p->value), ERR_NOT_FOUND); /* of another group */
}

static enum err count(void *ctx, const char *op, unsigned group, const struct snapfile_entry *e)
{
    unsigned *n = ctx;
    assert_string_equal(op, "by card");
    assert_true(group == 3 || group == 5);
    assert_true(e->value_n >= 8);
    ++*n;
    return ERR_OK;
}

static void what_was_put_either_way_is_in_a_checkpoint_once(void **state)
{
    struct place *p = *state;
    struct store_report r;
    char value[] = "12345678 by the snapshot";
    const struct snapfile_entry changed = {"a", 1, value, sizeof value}, other = {"z", 1, value, 9};
    unsigned n = 0;
    put(p, "a", INT64_MAX, "put out, and changed since");
    put(p, "b", INT64_MAX, "put out");
    put(p, "c", INT64_MAX, "put out, and gone");
    put(p, "c", 0, NULL);
    assert_ok(store_put(p->s, "by card", 3, &changed));
    assert_ok(store_put(p->s, "by card", 5, &other));
    assert_int_equal(mkdir(p->chk, 0700), 0);
    assert_ok(store_checkpoint(p->s, p->chk, "worker-0", &r, &p->d));
    put(p, "d", INT64_MAX, "after it");
    assert_ok(store_read(p->chk, "worker-0", r.files, 0, 100, count, &n, &p->d));
    assert_int_equal(n, 3);
    assert_ok(storeout_get(p->o, 3, "a", 1, &p->value));
    assert_int_equal(p->value.n, sizeof value);
}

struct noted {
    char keys[8][8];
    unsigned n;
};

static void take(void *ctx, unsigned group, const void *key, size_t key_n)
{
    struct noted *t = ctx;
    assert_int_equal(group, 3);
    assert_true(t->n < 8 && key_n < 8);
    memcpy(t->keys[t->n], key, key_n);
    t->keys[t->n++][key_n] = 0;
}

static void note(struct place *p, const char *key, int64_t due)
{
    assert_ok(storeout_note(p->o, 3, key, strlen(key), due));
}

static void notes_are_given_out_in_order_of_time_and_once(void **state)
{
    struct place *p = *state;
    struct noted t = {.n = 0};
    int64_t next = 0;
    assert_ok(storeout_due(p->o, 100, 10, take, &t, &next));
    assert_true(t.n == 0 && next == INT64_MAX);
    note(p, "late", 300);
    note(p, "b", 20);
    note(p, "a", -5);
    note(p, "b", 20);
    note(p, "c", 100);
    assert_ok(storeout_due(p->o, -6, 10, take, &t, &next));
    assert_true(t.n == 0 && next == -5);
    assert_ok(storeout_due(p->o, 100, 2, take, &t, &next));
    assert_true(t.n == 2 && next == 100);
    assert_string_equal(t.keys[0], "a");
    assert_string_equal(t.keys[1], "b");
    note(p, "d", 120);
    assert_ok(storeout_due(p->o, 250, 10, take, &t, &next));
    assert_true(t.n == 4 && next == 300);
    assert_string_equal(t.keys[2], "c");
    assert_string_equal(t.keys[3], "d");
    assert_ok(storeout_due(p->o, INT64_MAX, 10, take, &t, &next));
    assert_true(t.n == 5 && next == INT64_MAX);
}

static void count_key(void *ctx, unsigned group, const void *key, size_t key_n)
{
    unsigned *n = ctx;
    (void)group, (void)key, (void)key_n;
    ++*n;
}

/* Every key is changed in each round, so that files are merged; half of them are over by then. */
static void what_is_over_is_dropped_when_files_are_merged(void **state)
{
    struct place *p = *state;
    struct store_report r;
    char key[16], chk[128];
    unsigned n = 0;
    storeout_now(p->s, 1000);
    for (unsigned round = 0; round < 8; round++) {
        for (unsigned k = 0; k < KEYS; k++) {
            snprintf(key, sizeof key, "%u", k);
            put(p, key, k % 2 == 0 ? 500 : 5000, "a value that takes some room");
        }
        snprintf(chk, sizeof chk, "%s-%u", p->chk, round);
        assert_int_equal(mkdir(chk, 0700), 0);
        assert_ok(store_checkpoint(p->s, chk, "worker-0", &r, &p->d));
        n = 0;
        assert_ok(storeout_keys(p->o, 3, count_key, &n));
    }
    for (unsigned tries = 0; n > KEYS / 2 + KEYS / 4 && tries < 1000; tries++) {
        n = 0; /* merging goes on in the background */
        assert_ok(storeout_keys(p->o, 3, count_key, &n));
    }
    assert_true(n <= KEYS / 2 + KEYS / 4 && n >= KEYS / 2);
    assert_value(p, "1", "a value that takes some room");
}

static enum err take_nothing(void *ctx, const char *op, unsigned group,
                             const struct snapfile_entry *e)
{
    unsigned *n = ctx;
    (void)op;
    (void)group;
    (void)e;
    ++*n;
    return ERR_OK;
}

static bool is_by_card(const void *ctx, const char *op)
{
    (void)ctx;
    return strcmp(op, "by card") == 0;
}

static unsigned restore(struct place *p, const struct store_report *r)
{
    const struct store_part part = {p->chk, "worker-0", r->files};
    unsigned n = 0;
    assert_ok(store_restore(p->s, &part, 1, 0, SNAPFILE_GROUPS_MAX, take_nothing, &n, &p->d));
    return n;
}

static void what_a_rule_that_is_no_more_has_left_goes_with_the_next_start(void **state)
{
    struct place *p = *state;
    struct store_report r;
    const struct snapfile_entry e = {"a", 1, "gone", 4};
    put(p, "a", INT64_MAX, "here");
    assert_ok(storeout_open(p->s, "by account", &p->o));
    put(p, "b", INT64_MAX, "gone");
    assert_ok(storeout_note(p->o, 3, "b", 1, 7));
    assert_ok(store_put(p->s, "join|1|of before", 3, &e));
    assert_int_equal(mkdir(p->chk, 0700), 0);
    assert_ok(store_checkpoint(p->s, p->chk, "worker-0", &r, &p->d));
    assert_int_equal(restore(p, &r), 3);
    assert_ok(storeout_keep(p->s, is_by_card, NULL, &p->d));
    assert_ok(storeout_open(p->s, "by card", &p->o));
    assert_value(p, "a", "here");
    assert_ok(storeout_open(p->s, "by account", &p->o)); /* a new one of that name has nothing */
    assert_value(p, "b", NULL);
    assert_ok(durable_delete(p->chk));
    assert_int_equal(mkdir(p->chk, 0700), 0);
    assert_ok(store_checkpoint(p->s, p->chk, "worker-0", &r, &p->d));
    assert_int_equal(restore(p, &r), 1);
}

static void the_heap_backend_has_none_of_this(void **state)
{
    struct place *p = *state;
    struct store *heap;
    char dir[96];
    snprintf(dir, sizeof dir, "%s/heap", p->dir);
    assert_ok(store_open(dir, &p->d, &heap));
    assert_err(storeout_open(heap, "by card", &p->o), ERR_UNSUPPORTED);
    store_close(heap);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    CHECK_RUN(T(an_entry_that_is_put_is_there_until_it_is_gone),
              T(what_was_put_either_way_is_in_a_checkpoint_once),
              T(notes_are_given_out_in_order_of_time_and_once),
              T(what_is_over_is_dropped_when_files_are_merged),
              T(what_a_rule_that_is_no_more_has_left_goes_with_the_next_start),
              T(the_heap_backend_has_none_of_this));
}
