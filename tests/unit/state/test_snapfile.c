/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "base/mem.h"
#include "state/snapwriter.h"
#include "tests/lib/check.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char dir[64], path[96];
};

static int set_up(void **state)
{
    struct place *p = mem_new(sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/weir-snapfile-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->path, sizeof p->path, "%s/state", p->dir);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    unlink(p->path);
    assert_int_equal(rmdir(p->dir), 0); /* nothing else was left there */
    mem_free(p);
    return 0;
}

enum { ENTRIES = 20000, GROUPS = 16 };

static const char *const ops[] = {"payments by card", "logins by account"};

/* Entry i: of operator i % 2, group i % GROUPS, gone if i % 10 is 9. */
static struct snapfile_entry entry(unsigned i, char key[16], char value[64])
{
    struct snapfile_entry e = {.key = key, .value = i % 10 == 9 ? NULL : value};
    e.key_n = (size_t)snprintf(key, 16, "key-%u", i);
    if (e.value != NULL)
        e.value_n =
            i % 7 == 0 ? 0 : (size_t)snprintf(value, 64, "value %u of many that look alike", i);
    return e;
}

static void write_file(const struct place *p, unsigned n)
{
    struct snapwriter *w = NULL;
    uint64_t bytes = 0;
    struct stat st;
    assert_ok(snapwriter_create(p->path, &w));
    for (unsigned i = 0; i < n; i++) {
        char key[16], value[64];
        struct snapfile_entry e = entry(i, key, value);
        assert_ok(snapwriter_put(w, ops[i % 2], i % GROUPS, &e));
    }
    assert_ok(snapwriter_finish(w, &bytes));
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_size, bytes);
}

struct seen {
    unsigned n;
    bool there[ENTRIES];
};

static enum err take(void *ctx, const char *op, unsigned group, const struct snapfile_entry *e)
{
    struct seen *s = ctx;
    char text[16] = "", key[16], value[64];
    assert_true(e->key_n < sizeof text);
    memcpy(text, e->key, e->key_n);
    unsigned i = (unsigned)strtoul(text + 4, NULL, 10);
    struct snapfile_entry want = entry(i, key, value);
    assert_true(i < ENTRIES && !s->there[i]);
    assert_string_equal(op, ops[i % 2]);
    assert_int_equal(group, i % GROUPS);
    assert_int_equal(e->value == NULL, want.value == NULL);
    assert_int_equal(e->value_n, want.value_n);
    if (want.value_n > 0)
        assert_memory_equal(e->value, want.value, want.value_n);
    s->there[i] = true;
    s->n++;
    return ERR_OK;
}

static void each_part_of_the_groups_reads_its_own_entries(void **state)
{
    const struct place *p = *state;
    struct snapfile *f = NULL;
    struct seen *s = mem_new(sizeof *s);
    struct diag d;
    diag_init(&d, NULL, 0);
    write_file(p, ENTRIES);
    assert_ok(snapfile_open(p->path, &d, &f));
    assert_int_equal(snapfile_operators(f), 2);
    assert_int_equal(snapfile_entries(f, 0) + snapfile_entries(f, 1), ENTRIES);
    assert_true(snapfile_bytes(f) < ENTRIES * 30); /* it was packed */
    for (unsigned op = 0; op < 2; op++)
        assert_ok(snapfile_read(f, op, 0, 5, take, s, &d));
    for (unsigned i = 0; i < ENTRIES; i++)
        assert_int_equal(s->there[i], i % GROUPS < 5);
    for (unsigned op = 0; op < 2; op++)
        assert_ok(snapfile_read(f, op, 5, GROUPS, take, s, &d));
    assert_int_equal(s->n, ENTRIES);
    assert_ok(snapfile_verify(f, &d));
    snapfile_close(f);
    mem_free(s);
    diag_fini(&d);
}

static void a_file_without_entries_is_one(void **state)
{
    const struct place *p = *state;
    struct snapfile *f = NULL;
    struct diag d;
    diag_init(&d, NULL, 0);
    write_file(p, 0);
    assert_ok(snapfile_open(p->path, &d, &f));
    assert_int_equal(snapfile_operators(f), 0);
    snapfile_close(f);
    diag_fini(&d);
}

static void what_is_abandoned_leaves_nothing(void **state)
{
    const struct place *p = *state;
    struct snapwriter *w = NULL;
    const struct snapfile_entry e = {"k", 1, "v", 1};
    assert_ok(snapwriter_create(p->path, &w));
    assert_ok(snapwriter_put(w, "op", 0, &e));
    snapwriter_abandon(w);
    assert_int_equal(access(p->path, F_OK), -1);
}

static enum err count(void *ctx, const char *op, unsigned group, const struct snapfile_entry *e)
{
    (void)op, (void)group, (void)e;
    ++*(unsigned *)ctx;
    return ERR_OK;
}

/* ERR_OK: opened and wholly read. */
static enum err read_all(const struct place *p, struct diag *d)
{
    struct snapfile *f = NULL;
    unsigned n = 0;
    enum err e = snapfile_open(p->path, d, &f);
    if (e == ERR_OK)
        e = snapfile_verify(f, d);
    for (unsigned i = 0; e == ERR_OK && i < snapfile_operators(f); i++)
        e = snapfile_read(f, i, 0, GROUPS, count, &n, d);
    snapfile_close(f);
    return e;
}

static void every_flipped_bit_and_every_cut_is_found_and_said(void **state)
{
    const struct place *p = *state;
    struct stat st;
    write_file(p, 200);
    int fd = open(p->path, O_RDWR);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    uint8_t *all = mem_alloc((size_t)st.st_size);
    assert_int_equal(pread(fd, all, (size_t)st.st_size, 0), st.st_size);
    for (off_t at = 0; at < st.st_size; at++) {
        uint8_t flipped = all[at] ^ (uint8_t)(1u << at % 8);
        struct diag d;
        diag_init(&d, NULL, 0);
        assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
        enum err e = read_all(p, &d);
        assert_true(e == ERR_CORRUPT || e == ERR_VERSION);
        assert_true(d.n > 0);
        assert_int_equal(pwrite(fd, &all[at], 1, at), 1);
        diag_fini(&d);
    }
    for (off_t at = st.st_size - 1; at > 0; at -= 13) {
        struct diag d;
        diag_init(&d, NULL, 0);
        assert_int_equal(ftruncate(fd, at), 0);
        assert_err(read_all(p, &d), ERR_CORRUPT);
        diag_fini(&d);
    }
    close(fd);
    mem_free(all);
}

static void what_is_too_long_is_refused(void **state)
{
    const struct place *p = *state;
    struct snapwriter *w = NULL;
    static char name[SNAPFILE_NAME_MAX + 2];
    const struct snapfile_entry e = {"k", 1, "v", 1},
                                long_key = {"k", SNAPFILE_KEY_MAX + 1, "v", 1};
    memset(name, 'a', sizeof name - 1);
    assert_ok(snapwriter_create(p->path, &w));
    assert_err(snapwriter_put(w, name, 0, &e), ERR_LIMIT);
    assert_err(snapwriter_put(w, "op", SNAPFILE_GROUPS_MAX, &e), ERR_LIMIT);
    assert_err(snapwriter_put(w, "op", 0, &long_key), ERR_LIMIT);
    snapwriter_abandon(w);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    CHECK_RUN(T(each_part_of_the_groups_reads_its_own_entries), T(a_file_without_entries_is_one),
              T(what_is_abandoned_leaves_nothing),
              T(every_flipped_bit_and_every_cut_is_found_and_said), T(what_is_too_long_is_refused));
}
