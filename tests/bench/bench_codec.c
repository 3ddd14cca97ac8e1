/* SPDX-License-Identifier: Apache-2.0 */
/* What decoding costs, in nanoseconds an event: bench_codec PAYMENTS.jsonl. First simdjson by itself, a line at a time,
 * every value; then this decoder with few columns, with all, and with ids of literals. */
#include "base/mem.h"
#include "base/timebase.h"
#include "io/codec_json.h"
#include "io/codec_simd.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ROUNDS = 3, COLUMNS = 13 };
#define TEXT                                                                                       \
    {                                                                                              \
        .kind = TYPE_STRING                                                                        \
    }
static const struct column columns[COLUMNS] = {
    {.name = "id", .type = TEXT, .not_null = true},
    {.name = "ts", .type = {.kind = TYPE_TIMESTAMP}, .not_null = true},
    {.name = "type", .type = TEXT, .not_null = true},
    {.name = "card", .type = TEXT, .not_null = true},
    {.name = "account", .type = TEXT},
    {.name = "merchant", .type = TEXT},
    {.name = "mcc", .type = {.kind = TYPE_BIGINT}},
    {.name = "country", .type = TEXT},
    {.name = "channel", .type = TEXT},
    {.name = "amount", .type = {.kind = TYPE_DECIMAL, .precision = 12, .scale = 2}},
    {.name = "currency", .type = TEXT},
    {.name = "status", .type = TEXT},
    {.name = "device", .type = TEXT},
};
static const struct schema schema = {.name = "payments",
                                     .ncolumns = COLUMNS,
                                     .columns = columns,
                                     .time_column = 1};
static const struct colset few = {{1 << 0 | 1 << 1 | 1 << 9}}, all = {{(1 << COLUMNS) - 1}};

static void on_bad(void *ctx, uint64_t offset, const char *text, size_t n,
                   const struct codec_problem *p)
{
    uint64_t *bad = ctx;
    (void)offset;
    (void)text;
    (void)n;
    (void)p;
    ++*bad;
}

static void decode(const char *name, const char *text, size_t n, const struct colset *want,
                   const struct dict *dict)
{
    struct codec_json *c = codec_json_new(&schema, want, dict);
    for (int r = 0; r < ROUNDS; r++) {
        size_t pos = 0;
        uint64_t offset = 0, rows = 0, bad = 0;
        int64_t ns = timebase_cpu_ns();
        while (pos < n) {
            struct batch *b = batch_new(&schema, want);
            codec_json_lines(c, text, n, &pos, &offset, b, on_bad, &bad);
            rows += b->n;
            batch_unref(b);
        }
        ns = timebase_cpu_ns() - ns;
        printf("%-32s %7.1f ns an event (%" PRIu64 " rows, %" PRIu64 " bad)\n", name,
               (double)ns / (double)(offset ? offset : 1), rows, bad);
    }
    codec_json_free(c);
}

static char *read_all(const char *path, size_t *n)
{
    size_t cap = 0, got = 1;
    char *text = NULL;
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        return NULL;
    }
    for (*n = 0; got > 0; *n += got) {
        text = mem_grow(text, *n, 1 << 20, &cap, 1);
        got = fread(text + *n, 1, 1 << 20, f);
    }
    fclose(f);
    text = mem_grow(text, *n, CODEC_PADDING, &cap, 1);
    memset(text + *n, 0, CODEC_PADDING);
    return text;
}

int main(int argc, char **argv)
{
    static const char *const literals[] = {"payment", "confirm", "declined", "approved", "ecom"};
    size_t n = 0;
    char *text = argc == 2 ? read_all(argv[1], &n) : NULL;
    if (text == NULL)
        return 2;
    for (int r = 0; r < ROUNDS; r++) {
        uint64_t sum = 0;
        int64_t ns = timebase_cpu_ns();
        uint64_t lines = codec_simd_bare(text, n, &sum);
        ns = timebase_cpu_ns() - ns;
        printf("%-32s %7.1f ns an event (%" PRIx64 ")\n", "simdjson alone",
               (double)ns / (double)(lines ? lines : 1), sum);
    }
    struct dict *d = dict_new();
    for (unsigned i = 0; i < sizeof literals / sizeof *literals; i++)
        dict_add(d, literals[i], strlen(literals[i]));
    dict_mark(d, 2);
    dict_mark(d, 8);
    dict_mark(d, 11);
    decode("id, ts, amount", text, n, &few, NULL);
    decode("all columns", text, n, &all, NULL);
    decode("all columns, ids of three", text, n, &all, d);
    dict_free(d);
    mem_free(text);
    return 0;
}
