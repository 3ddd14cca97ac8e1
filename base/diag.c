/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"
#include "base/bytes.h"
#include "base/mem.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Names longer than this are not compared: the table below lives on the stack. */
enum { NEAREST_LEN_MAX = 64 };

void diag_init(struct diag *d, const char *text, size_t text_len)
{
    *d = (struct diag){.text = text, .text_len = text ? text_len : 0};
}

static void item_fini(struct diag_item *item)
{
    mem_free(item->message);
    mem_free(item->hint);
}

void diag_fini(struct diag *d)
{
    for (int i = 0; i < d->n; i++)
        item_fini(&d->items[i]);
    diag_init(d, NULL, 0);
}

/* A code point counts at its first byte; the bytes that continue it are 10xxxxxx. */
static void place(const struct diag *d, size_t offset, int *line, int *column)
{
    if (offset > d->text_len)
        offset = d->text_len;
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < offset; i++) {
        if (d->text[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)d->text[i] & 0xc0) != 0x80) {
            ++*column;
        }
    }
}

/* An error is what stops a rule, so with no room left it takes the place of the last warning. */
static bool make_room(struct diag *d, bool warning)
{
    if (d->n < DIAG_ITEMS_MAX)
        return true;
    if (warning)
        return false;
    for (int i = d->n - 1; i >= 0; i--)
        if (d->items[i].warning) {
            item_fini(&d->items[i]);
            memmove(&d->items[i], &d->items[i + 1], sizeof *d->items * (size_t)(d->n - i - 1));
            d->n--;
            return true;
        }
    return false;
}

static void add(struct diag *d, bool warning, const char *code, const struct span *at,
                const char *hint, const char *fmt, va_list ap)
    __attribute__((format(printf, 6, 0)));

static void add(struct diag *d, bool warning, const char *code, const struct span *at,
                const char *hint, const char *fmt, va_list ap)
{
    if (!warning)
        d->errors++;
    if (!make_room(d, warning))
        return;
    struct diag_item *item = &d->items[d->n++];
    *item =
        (struct diag_item){.warning = warning, .code = code, .hint = hint ? mem_str(hint) : NULL};
    struct bytes message = {0};
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    size_t size = n < 0 ? 1 : (size_t)n + 1;
    item->message = (char *)bytes_reserve(&message, size);
    if (vsnprintf(item->message, size, fmt, ap) < 0)
        item->message[0] = '\0';
    if (at && d->text) {
        place(d, at->begin, &item->line, &item->column);
        place(d, at->end, &item->end_line, &item->end_column);
    }
}

void diag_error(struct diag *d, const char *code, struct span at, const char *hint, const char *fmt,
                ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(d, false, code, &at, hint, fmt, ap);
    va_end(ap);
}

void diag_warn(struct diag *d, const char *code, struct span at, const char *hint, const char *fmt,
               ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(d, true, code, &at, hint, fmt, ap);
    va_end(ap);
}

void diag_say(struct diag *d, const char *code, const char *hint, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(d, false, code, NULL, hint, fmt, ap);
    va_end(ap);
}

char *diag_text(const struct diag *d)
{
    struct bytes out = {0};
    int shown = 0;
    for (int i = 0; i < d->n; i++) {
        const struct diag_item *item = &d->items[i];
        shown += !item->warning;
        if (i > 0)
            bytes_u8(&out, '\n');
        if (item->line > 0)
            bytes_printf(&out, "line %d, column %d: ", item->line, item->column);
        bytes_printf(&out, "%s%s", item->warning ? "warning: " : "", item->message);
        if (item->hint)
            bytes_printf(&out, " (%s)", item->hint);
    }
    if (d->errors > shown)
        bytes_printf(&out, "\nand %d more", d->errors - shown);
    bytes_u8(&out, '\0');
    return (char *)out.p;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, substitutions, swaps of neighbours: each 1 (optimal string alignment). */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t rows[3][NEAREST_LEN_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= nb; j++)
        above[j] = j;
    for (size_t i = 1; i <= na; i++) {
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t differ = lower(a[i - 1]) != lower(b[j - 1]);
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + differ);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[nb];
}

const char *diag_nearest(const char *name, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    size_t len = strlen(name), best_distance = len / 3 + 1;
    if (len > NEAREST_LEN_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t other = strlen(candidates[i]);
        if (other > NEAREST_LEN_MAX)
            continue;
        size_t d = distance(name, len, candidates[i], other);
        if (d < best_distance) {
            best = candidates[i];
            best_distance = d;
        }
    }
    return best;
}
