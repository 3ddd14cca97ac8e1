/* SPDX-License-Identifier: Apache-2.0 */
#include "server/deploy/textdiff.h"
#include "base/mem.h"
#include <stdint.h>
#include <string.h>

struct line {
    const char *p;
    size_t n;
};
struct lines {
    struct line *v;
    size_t n, cap;
};

static struct lines split(const char *text)
{
    struct lines out = {0};
    for (const char *p = text; *p != '\0';) {
        size_t n = strcspn(p, "\n");
        out.v = mem_grow(out.v, out.n, 1, &out.cap, sizeof *out.v);
        out.v[out.n++] = (struct line){p, n};
        p += n;
        p += *p == '\n';
    }
    return out;
}

static int same(const struct line *a, const struct line *b)
{
    return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

/* table[i * (m + 1) + j]: how long the common sequence of what begins at i and j is. */
static uint16_t *measure(const struct lines *a, const struct lines *b)
{
    size_t row = b->n + 1;
    uint16_t *table = mem_array((a->n + 1) * row, sizeof *table);
    for (size_t i = a->n; i-- > 0;)
        for (size_t j = b->n; j-- > 0;) {
            uint16_t down = table[(i + 1) * row + j], right = table[i * row + j + 1];
            table[i * row + j] = same(&a->v[i], &b->v[j])
                                     ? (uint16_t)(table[(i + 1) * row + j + 1] + 1)
                                 : down > right ? down
                                                : right;
        }
    return table;
}

void textdiff(const char *from, const char *to,
              void (*each)(void *ctx, enum textdiff_op op, const char *line, size_t n), void *ctx)
{
    struct lines a = split(from), b = split(to);
    uint16_t *table = NULL;
    if (a.n <= TEXTDIFF_LINES_MAX && b.n <= TEXTDIFF_LINES_MAX)
        table = measure(&a, &b);
    size_t i = 0, j = 0, row = b.n + 1;
    while (i < a.n || j < b.n) {
        if (table != NULL && i < a.n && j < b.n && same(&a.v[i], &b.v[j])) {
            each(ctx, TEXTDIFF_SAME, a.v[i].p, a.v[i].n);
            i++;
            j++;
        } else if (i < a.n && (table == NULL || j == b.n ||
                               table[(i + 1) * row + j] >= table[i * row + j + 1])) {
            each(ctx, TEXTDIFF_REMOVED, a.v[i].p, a.v[i].n);
            i++;
        } else {
            each(ctx, TEXTDIFF_ADDED, b.v[j].p, b.v[j].n);
            j++;
        }
    }
    mem_free(table);
    mem_free(a.v);
    mem_free(b.v);
}
