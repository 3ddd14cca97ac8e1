/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "state/store.h"
#include "tests/lib/check.h"
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEYS = 3000, GROUPS = 8, CHECKPOINTS_MAX = 100 };

struct place {
    char dir[64], work[96];
    struct diag d;
    struct store *s;
    int values[KEYS]; /* what the state is now; 0: not there */
    int at[CHECKPOINTS_MAX][KEYS]; /* what it was at each checkpoint */
    unsigned files[CHECKPOINTS_MAX], n;
};

static int set_up(void **state)
{
    struct place *p = mem_new(sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/weir-store-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->work, sizeof p->work, "%s/worker-0", p->dir);
    diag_init(&p->d, NULL, 0);
    assert_ok(store_open(p->work, &p->d, &p->s));
    *state = p;
    return 0;
}

static int delete_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static int tear_down(void **state)
{
    struct place *p = *state;
    store_close(p->s);
    diag_fini(&p->d);
    assert_int_equal(nftw(p->dir, delete_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    mem_free(p);
    return 0;
}

static void folder_of(const struct place *p, unsigned n, char out[96])
{
    snprintf(out, 96, "%s/chk-%u", p->dir, n);
}

static void put(struct place *p, unsigned key, int value)
{
    char k[16], v[400];
    struct snapfile_entry e = {.key = k, .value = value == 0 ? NULL : v};
    e.key_n = (size_t)snprintf(k, sizeof k, "%u", key);
    if (value != 0) { /* bytes that do not pack to nothing */
        e.value_n = (size_t)snprintf(v, sizeof v, "%d ", value);
        for (unsigned x = key * 7919u + (unsigned)value; e.value_n < 100 + key % 250;
             x = x * 1103515245 + 12345)
            v[e.value_n++] = (char)('!' + (x >> 16) % 90);
    }
    assert_ok(store_put(p->s, key % 3 == 0 ? "by card" : "by account", key % GROUPS, &e));
    p->values[key] = value;
}

static struct store_report checkpoint(struct place *p)
{
    char folder[96];
    struct store_report r = {0};
    folder_of(p, p->n, folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_ok(store_checkpoint(p->s, folder, "worker-0", &r, &p->d));
    memcpy(p->at[p->n], p->values, sizeof p->values);
    p->files[p->n++] = r.files;
    return r;
}

struct seen {
    int values[KEYS];
    unsigned from, to, n;
};

static enum err take(void *ctx, const char *op, unsigned group, const struct snapfile_entry *e)
{
    struct seen *s = ctx;
    char k[16] = "", v[16] = "";
    memcpy(k, e->key, e->key_n);
    memcpy(v, e->value, e->value_n < 15 ? e->value_n : 15);
    unsigned key = (unsigned)atoi(k);
    assert_string_equal(op, key % 3 == 0 ? "by card" : "by account");
    assert_true(group == key % GROUPS && group >= s->from && group < s->to);
    assert_int_equal(s->values[key], 0); /* each once */
    s->values[key] = atoi(v);
    s->n++;
    return ERR_OK;
}

static void assert_checkpoint(struct place *p, unsigned n)
{
    char folder[96];
    folder_of(p, n, folder);
    assert_ok(store_verify(folder, "worker-0", p->files[n], &p->d));
    struct seen *s = mem_new(sizeof *s);
    for (unsigned part = 0; part < 2; part++) { /* as two workers would read it */
        s->from = part * 3;
        s->to = part == 0 ? 3 : GROUPS;
        assert_ok(store_read(folder, "worker-0", p->files[n], s->from, s->to, take, s, &p->d));
    }
    assert_memory_equal(s->values, p->at[n], sizeof s->values);
    mem_free(s);
}

static void each_checkpoint_keeps_the_state_of_its_time_while_later_ones_go_on(void **state)
{
    struct place *p = *state;
    srand(11);
    for (unsigned i = 0; i < CHECKPOINTS_MAX; i++) {
        unsigned from = (unsigned)rand() % KEYS,
                 some = (unsigned)rand() % (i % 10 == 0 ? KEYS : 60);
        for (unsigned k = 0; k < some; k++)
            put(p, (from + k) % KEYS, rand() % 4 == 0 ? 0 : 1 + rand() % 1000000);
        checkpoint(p);
    }
    for (unsigned i = 0; i < CHECKPOINTS_MAX; i++)
        assert_checkpoint(p, i);
}

static void a_small_change_writes_little_and_old_checkpoints_share_files(void **state)
{
    struct place *p = *state;
    struct stat st;
    char file[128];
    for (unsigned k = 0; k < KEYS; k++)
        put(p, k, 1 + (int)k);
    struct store_report first = checkpoint(p);
    assert_int_equal(first.changes, KEYS);
    for (unsigned k = 0; k < KEYS / 100; k++)
        put(p, k * 100, 7);
    struct store_report second = checkpoint(p);
    assert_int_equal(second.changes, KEYS / 100);
    assert_true(second.written_bytes * 20 < first.written_bytes);
    assert_true(second.bytes >= first.bytes);
    snprintf(file, sizeof file, "%s/chk-0/worker-0.0000", p->dir);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_nlink, 3); /* both checkpoints and the store */
    struct store_report third = checkpoint(p); /* nothing changed */
    assert_int_equal(third.written_bytes, 0);
    assert_int_equal(unlink(file), 0); /* the first is deleted; the others do not need it */
    assert_checkpoint(p, 1);
    assert_checkpoint(p, 2);
}

static void a_chain_that_outweighs_its_base_is_merged(void **state)
{
    struct place *p = *state;
    unsigned merged = 0;
    for (unsigned i = 0; i < 40; i++) {
        for (unsigned k = 0; k < 300; k++)
            put(p, k, i % 7 == 6 && k % 2 ? 0 : 1 + (int)(i * 1000 + k));
        merged += checkpoint(p).files == 1;
    }
    assert_true(merged >= 10);
    for (unsigned i = 0; i < 40; i++)
        assert_checkpoint(p, i);
}

static void without_state_there_is_a_checkpoint_of_nothing(void **state)
{
    struct place *p = *state;
    assert_int_equal(checkpoint(p).files, 1);
    assert_checkpoint(p, 0);
    put(p, 5, 1);
    store_reset(p->s);
    memset(p->values, 0, sizeof p->values);
    checkpoint(p);
    assert_checkpoint(p, 1);
}

static void a_missing_or_damaged_file_is_said(void **state)
{
    struct place *p = *state;
    struct seen s = {.to = GROUPS};
    char folder[96], file[128];
    put(p, 1, 1);
    checkpoint(p);
    folder_of(p, 0, folder);
    assert_err(store_read(folder, "worker-1", 1, 0, GROUPS, take, &s, &p->d), ERR_NOT_FOUND);
    assert_err(store_read(folder, "worker-0", 2, 0, GROUPS, take, &s, &p->d), ERR_NOT_FOUND);
    assert_err(store_verify(folder, "worker-0", 0, &p->d), ERR_CORRUPT);
    snprintf(file, sizeof file, "%s/worker-0.0000", folder);
    assert_int_equal(truncate(file, 40), 0);
    assert_err(store_verify(folder, "worker-0", 1, &p->d), ERR_CORRUPT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    CHECK_RUN(T(each_checkpoint_keeps_the_state_of_its_time_while_later_ones_go_on),
              T(a_small_change_writes_little_and_old_checkpoints_share_files),
              T(a_chain_that_outweighs_its_base_is_merged),
              T(without_state_there_is_a_checkpoint_of_nothing),
              T(a_missing_or_damaged_file_is_said));
}
