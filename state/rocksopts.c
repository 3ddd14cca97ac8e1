/* SPDX-License-Identifier: Apache-2.0 */
#include "state/rocksopts.h"
#include "base/mem.h"
#include <string.h>

enum {
    CACHE_BYTES = 32 << 20,
    WRITE_BYTES = 16 << 20,
    FILE_BYTES = 16 << 20,
    LEVEL_BYTES = 64 << 20,
    BLOCK_BYTES = 8 << 10,
    BLOOM_BITS = 10,
    XXH3_SUM = 4, /* rocksdb::kXXH3 */
    FORMAT_VERSION = 5,
    OPEN_FILES = 256,
    JOBS = 2,
    LOG_WARNINGS = 2,
};

static rocksdb_block_based_table_options_t *table_options(rocksdb_cache_t *cache)
{
    rocksdb_block_based_table_options_t *t = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(t, cache);
    rocksdb_block_based_options_set_block_size(t, BLOCK_BYTES);
    rocksdb_block_based_options_set_filter_policy(t, rocksdb_filterpolicy_create_bloom_full(
                                                         BLOOM_BITS)); /* is t's from now on */
    rocksdb_block_based_options_set_whole_key_filtering(t, 1);
    /* Indexes and filters are in the cache, so that the cache's size is what is used. */
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(t, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(t, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(t, 1);
    rocksdb_block_based_options_set_checksum(t, XXH3_SUM);
    rocksdb_block_based_options_set_format_version(t, FORMAT_VERSION);
    return t;
}

static unsigned char is_over(void *over, int level, const char *key, size_t key_n,
                             const char *value, size_t n, char **new_value, size_t *new_n,
                             unsigned char *changed)
{
    const struct rocksopts_over *o = over;
    (void)level, (void)key, (void)key_n, (void)new_value, (void)new_n;
    *changed = 0;
    return o->is_over(value, n, __atomic_load_n(&o->now, __ATOMIC_RELAXED));
}

static const char *name_of_filter(void *over)
{
    (void)over;
    return "weir.over";
}

static void keep(void *over)
{
    (void)over; /* it is in the options */
}

/* c.h has no way to give a family of its own a filter but by options of its own. */
static void make_state_options(struct rocksopts *o, const struct store_options *from)
{
    o->state = rocksdb_options_create_copy(o->db);
    o->over = (struct rocksopts_over){from->is_over, INT64_MIN};
    o->filter = NULL;
    if (from->is_over == NULL)
        return;
    o->filter = rocksdb_compactionfilter_create(&o->over, keep, is_over, name_of_filter);
    rocksdb_options_set_compaction_filter(o->state, o->filter);
}

void rocksopts_init(struct rocksopts *o, const struct store_options *from)
{
    size_t writes = from->write_bytes > 0 ? from->write_bytes : WRITE_BYTES;
    o->cache = rocksdb_cache_create_lru(from->cache_bytes > 0 ? from->cache_bytes : CACHE_BYTES);
    o->read = rocksdb_readoptions_create();
    o->write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_disable_WAL(o->write, 1);
    rocksdb_options_t *db = o->db = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(db, 1);
    rocksdb_options_set_compression(db, rocksdb_lz4_compression);
    rocksdb_options_set_write_buffer_size(db, writes);
    rocksdb_options_set_db_write_buffer_size(db, 2 * writes); /* one is filled while another goes */
    rocksdb_options_set_target_file_size_base(db, FILE_BYTES);
    rocksdb_options_set_max_bytes_for_level_base(db, LEVEL_BYTES);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(db, 1);
    rocksdb_options_set_max_background_jobs(db, JOBS);
    rocksdb_options_set_max_open_files(db, OPEN_FILES);
    rocksdb_options_set_skip_stats_update_on_db_open(db, 1);
    rocksdb_options_set_keep_log_file_num(db, 1);
    rocksdb_options_set_info_log_level(db, LOG_WARNINGS);
    rocksdb_block_based_table_options_t *table = table_options(o->cache);
    rocksdb_options_set_block_based_table_factory(db, table);
    rocksdb_block_based_options_destroy(table);
    make_state_options(o, from);
}

void rocksopts_fini(struct rocksopts *o)
{
    rocksdb_options_destroy(o->state);
    rocksdb_options_destroy(o->db);
    if (o->filter != NULL)
        rocksdb_compactionfilter_destroy(o->filter);
    rocksdb_readoptions_destroy(o->read);
    rocksdb_writeoptions_destroy(o->write);
    rocksdb_cache_destroy(o->cache);
}

enum err rocksopts_err(char *text, const char *dir, const char *what, struct diag *d)
{
    if (text == NULL)
        return ERR_OK;
    enum err e = ERR_IO;
    if (strstr(text, "No such file") != NULL)
        e = ERR_NOT_FOUND;
    else if (strstr(text, "Corruption") != NULL || strstr(text, "Invalid argument") != NULL ||
             strstr(text, "Not implemented") != NULL)
        e = ERR_CORRUPT;
    diag_say(d, "state", e == ERR_CORRUPT ? "take an older checkpoint, or start without one" : NULL,
             "%s: %s: %s", dir, what, text);
    rocksdb_free(text);
    return e;
}

static enum err list_families(const struct rocksopts *o, const char *dir, char ***names, size_t *n,
                              struct diag *d)
{
    char *text = NULL;
    *names = rocksdb_list_column_families(o->db, dir, n, &text);
    enum err e = rocksopts_err(text, dir, "cannot be opened", d);
    if (e == ERR_OK && *n > ROCKSOPTS_FAMILIES_MAX) {
        diag_say(d, "state", NULL, "%s: %zu column families, %d are known", dir, *n,
                 ROCKSOPTS_FAMILIES_MAX);
        e = ERR_CORRUPT;
    }
    return e;
}

static enum err check_format(const struct rocksopts *o, rocksdb_t *db, const char *dir,
                             struct diag *d)
{
    char *text = NULL;
    size_t n = 0;
    char *value =
        rocksdb_get(db, o->read, ROCKSOPTS_FORMAT_KEY, strlen(ROCKSOPTS_FORMAT_KEY), &n, &text);
    enum err e = rocksopts_err(text, dir, "cannot be read", d);
    if (e == ERR_OK && (value == NULL || n != strlen(ROCKSOPTS_FORMAT) ||
                        memcmp(value, ROCKSOPTS_FORMAT, n) != 0)) {
        diag_say(d, "state", "use a release of weir that knows it",
                 "%s: state in a format that is not known, %s is", dir, ROCKSOPTS_FORMAT);
        e = ERR_VERSION;
    }
    rocksdb_free(value);
    return e;
}

enum err rocksopts_open(const struct rocksopts *o, const char *dir, bool read_only,
                        struct rocksopts_families *f, struct diag *d, rocksdb_t **out)
{
    char **names = NULL, *text = NULL;
    size_t n = 0;
    enum err e = list_families(o, dir, &names, &n, d);
    if (e != ERR_OK) {
        if (names != NULL)
            rocksdb_list_column_families_destroy(names, n);
        return e;
    }
    const rocksdb_options_t **options = mem_array(n, sizeof *options);
    struct rocksopts_families all = {.n = n, .names = names};
    all.handles = mem_array(n, sizeof *all.handles);
    for (size_t i = 0; i < n; i++)
        options[i] =
            strncmp(names[i], ROCKSOPTS_STATE, strlen(ROCKSOPTS_STATE)) == 0 ? o->state : o->db;
    rocksdb_t *db =
        read_only ? rocksdb_open_for_read_only_column_families(o->db, dir, (int)n,
                                                               (const char *const *)names, options,
                                                               all.handles, 0, &text)
                  : rocksdb_open_column_families(o->db, dir, (int)n, (const char *const *)names,
                                                 options, all.handles, &text);
    e = rocksopts_err(text, dir, "cannot be opened", d);
    mem_free(options);
    if (e == ERR_OK)
        e = check_format(o, db, dir, d);
    if (e != ERR_OK) {
        rocksopts_close(&all, db);
        return e;
    }
    *f = all;
    *out = db;
    return ERR_OK;
}

void rocksopts_close(struct rocksopts_families *f, rocksdb_t *db)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->handles[i] != NULL)
            rocksdb_column_family_handle_destroy(f->handles[i]);
    if (f->names != NULL)
        rocksdb_list_column_families_destroy(f->names, f->n);
    mem_free(f->handles);
    if (db != NULL)
        rocksdb_close(db);
    *f = (struct rocksopts_families){0};
}
