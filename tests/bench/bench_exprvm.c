/* SPDX-License-Identifier: Apache-2.0 */
/* What conditions cost, in nanoseconds for each row: over batches, and one row of a match at a time. */
#include "base/timebase.h"
#include "cep/expr/exprvm.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { AMOUNT, STATUS, COUNTRY, COLUMNS, ROUNDS = 20000 };
#define BOOLEAN                                                                                    \
    {                                                                                              \
        .kind = TYPE_BOOLEAN                                                                       \
    }
static const struct column columns[COLUMNS] = {
    {.name = "amount", .type = {.kind = TYPE_DECIMAL, .precision = 12, .scale = 2}},
    {.name = "status", .type = {.kind = TYPE_STRING}},
    {.name = "country", .type = {.kind = TYPE_STRING}},
};
static const struct schema schema = {.name = "s",
                                     .ncolumns = COLUMNS,
                                     .columns = columns,
                                     .time_column = -1};
#define COLUMN(c, k)                                                                               \
    {                                                                                              \
        .kind = EXPR_COLUMN, .type = {.kind = (k), .precision = 12, .scale = 2}, .index = (c)      \
    }
static const struct expr amount = COLUMN(AMOUNT, TYPE_DECIMAL),
                         status = COLUMN(STATUS, TYPE_STRING),
                         country = COLUMN(COUNTRY, TYPE_STRING);
static const struct expr limit = {
    .kind = EXPR_CONST,
    .type = {.kind = TYPE_DECIMAL, .precision = 12, .scale = 2},
    .constant = {.type = {.kind = TYPE_DECIMAL, .precision = 12, .scale = 2}, .c.i = 200}};
static const struct expr declined = {.kind = EXPR_CONST,
                                     .type = {.kind = TYPE_STRING},
                                     .constant = {.type = {.kind = TYPE_STRING},
                                                  .c.s = {"declined", 8, 0}}};
static const struct expr first_country = {.kind = EXPR_NAV,
                                          .type = {.kind = TYPE_STRING},
                                          .nargs = 1,
                                          .args = (const struct expr *const[]){&country},
                                          .nav = {.vars = 1}};
#define TWO(k, a, b)                                                                               \
    {                                                                                              \
        .kind = EXPR_##k, .type = BOOLEAN, .nargs = 2, .args = (const struct expr *const[])        \
        {                                                                                          \
            &a, &b                                                                                 \
        }                                                                                          \
    }
static const struct expr small = TWO(LT, amount, limit), is_declined = TWO(EQ, status, declined);
static const struct expr probe = TWO(AND, is_declined, small),
                         moved = TWO(NE, country, first_country);

static struct batch *rows(const struct dict *d)
{
    static const char *const states[] = {"approved", "declined"}, *const countries[] = {"DE", "FR",
                                                                                        "IT"};
    struct batch *b = batch_new(&schema, &(struct colset){{7}});
    b->n = BATCH_ROWS;
    for (unsigned i = 0; i < b->n; i++) {
        const char *s = states[i % 16 == 0];
        b->columns[AMOUNT].i[i] = i * 37 % 5000;
        b->columns[STATUS].s[i] = (struct str){s, 8, dict_find(d, s, 8)};
        b->columns[COUNTRY].s[i] = (struct str){countries[i % 3], 2, 0};
    }
    b->dict_serial = dict_serial(d);
    colset_add(&b->with_ids, STATUS);
    return b;
}

static void over_batches(const char *name, const struct expr *e, const struct dict *d,
                         const struct batch *b)
{
    struct exprvm *x = exprvm_new(e, d);
    uint64_t out[BATCH_WORDS], sum = 0;
    int64_t ns = timebase_cpu_ns();
    for (int r = 0; r < ROUNDS; r++) {
        exprvm_filter(x, b, NULL, out);
        sum += out[r % BATCH_WORDS];
    }
    ns = timebase_cpu_ns() - ns;
    printf("%-44s %6.2f ns a row (%016" PRIx64 ")\n", name, (double)ns / ROUNDS / BATCH_ROWS, sum);
    exprvm_free(x);
}

static void at_rows(const char *name, const struct expr *e, const struct batch *b)
{
    struct exprvm *x = exprvm_new(e, NULL);
    struct row_layout l;
    struct arena *scratch = arena_new(0, 0);
    row_layout_init(&l, &schema, &(struct colset){{7}});
    struct row *first = row_new(&l, b, 0);
    struct rowref nav = {.r = first};
    uint64_t sum = 0;
    int64_t ns = timebase_cpu_ns();
    for (int r = 0; r < ROUNDS / 16; r++)
        for (unsigned i = 0; i < b->n; i++) {
            union cell c;
            struct exprvm_env env = {.current = {.b = b, .i = i},
                                     .layout = &l,
                                     .navs = &nav,
                                     .scratch = scratch};
            sum += exprvm_eval(x, &env, &c) && c.i;
        }
    ns = timebase_cpu_ns() - ns;
    printf("%-44s %6.2f ns a row (%" PRIu64 ")\n", name, (double)ns / (ROUNDS / 16) / BATCH_ROWS,
           sum);
    row_unref(first);
    arena_free(scratch);
    exprvm_free(x);
}

int main(void)
{
    struct dict *d = dict_new(), *other = dict_new();
    exprvm_literals(&probe, d);
    struct batch *b = rows(d);
    over_batches("amount < 2", &small, d, b);
    over_batches("status = 'declined'", &is_declined, d, b);
    over_batches("status = 'declined', ids of another job", &is_declined, other, b);
    over_batches("status = 'declined' AND amount < 2", &probe, d, b);
    at_rows("status = 'declined' AND amount < 2, at a row", &probe, b);
    at_rows("country <> A.country, at a row", &moved, b);
    batch_unref(b);
    dict_free(d);
    dict_free(other);
    return 0;
}
