/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/cut.h"
#include "base/mem.h"
#include <string.h>

void cut_init(struct cut *c, const struct job_rule *r)
{
    *c = (struct cut){.mode = r->plan->mode, .n = r->ncuts};
    for (unsigned i = 0; i < r->ncuts; i++)
        c->hands_over |= r->cuts[i].handover != JOB_HANDOVER_NONE;
    if (r->ncuts == 0)
        return;
    c->cuts = mem_array(r->ncuts, sizeof *c->cuts);
    for (unsigned i = 0; i < r->ncuts; i++) {
        c->cuts[i] = r->cuts[i];
        struct job_mark *marks = mem_array(r->cuts[i].nmarks, sizeof *marks);
        if (r->cuts[i].nmarks > 0)
            memcpy(marks, r->cuts[i].marks, r->cuts[i].nmarks * sizeof *marks);
        c->cuts[i].marks = marks;
    }
}

void cut_init_of(struct cut *c, const struct job_rule *r, uint32_t stream)
{
    cut_init(c, r);
    for (unsigned i = 0; i < c->n; i++) {
        struct job_mark *marks = (struct job_mark *)(uintptr_t)c->cuts[i].marks;
        unsigned kept = 0;
        for (unsigned m = 0; m < c->cuts[i].nmarks; m++)
            if (marks[m].stream == stream)
                marks[kept++] = marks[m];
        c->cuts[i].nmarks = kept;
    }
}

void cut_fini(struct cut *c)
{
    for (unsigned i = 0; i < c->n; i++)
        mem_free((struct job_mark *)(uintptr_t)c->cuts[i].marks);
    mem_free(c->cuts);
}

static bool is_after(const struct job_cut *c, uint32_t partition, uint64_t offset)
{
    for (unsigned i = 0; i < c->nmarks; i++)
        if (c->marks[i].partition == partition)
            return offset >= c->marks[i].offset;
    return true;
}

bool cut_after_first(const struct cut *c, uint32_t partition, uint64_t offset)
{
    return c->n == 0 || is_after(&c->cuts[0], partition, offset);
}

/* A late row counts as of the watermark that it came at. */
static bool is_of_version(const struct cut *c, const struct batch *b, unsigned i)
{
    const struct job_cut *first = &c->cuts[0], *last = &c->cuts[c->n - 1];
    evtime t = b->has_late && batch_is_late(b, i) ? b->late_w[i] : b->ts[i];
    return (!first->handover || !first->deployed || t >= first->w) &&
           (!last->handover || last->deployed || t < last->w);
}

bool cut_sees(const struct cut *c, const struct batch *b, unsigned i)
{
    if (c->hands_over && !is_of_version(c, b, i))
        return false;
    if (c->n > 0 && c->cuts[0].handover)
        return true;
    if (schema_rows(b->schema)->derived == DERIVED_NOT)
        return cut_after_first(c, b->partition, b->offset[i]);
    return c->n == 0 || b->ts[i] >= c->cuts[0].w;
}

static enum rule_mode mode_of(const struct job_cut *c)
{
    return c->deployed ? c->mode : RULE_PAUSED;
}

enum rule_mode cut_mode_at(const struct cut *c, evtime t)
{
    if (c->n == 0)
        return c->mode;
    unsigned i = c->n - 1;
    while (i > 0 && t < c->cuts[i].w)
        i--;
    return mode_of(&c->cuts[i]);
}

enum rule_mode cut_mode_at_row(const struct cut *c, const struct batch *b, unsigned i)
{
    bool by_time = schema_rows(b->schema)->derived != DERIVED_NOT ||
                   (c->hands_over && c->cuts[0].nmarks + c->cuts[c->n - 1].nmarks == 0);
    return by_time ? cut_mode_after(c, b->ts[i]) : cut_mode_of(c, b->partition, b->offset[i]);
}

enum rule_mode cut_mode_after(const struct cut *c, evtime t)
{
    return c->n > 0 && t < c->cuts[0].w ? RULE_PAUSED : cut_mode_at(c, t);
}

enum rule_mode cut_mode_of(const struct cut *c, uint32_t partition, uint64_t offset)
{
    if (c->n == 0)
        return c->mode;
    unsigned i = c->n - 1;
    while (i > 0 && !is_after(&c->cuts[i], partition, offset))
        i--;
    return is_after(&c->cuts[i], partition, offset) ? mode_of(&c->cuts[i]) : RULE_PAUSED;
}

unsigned cut_pauses(const struct cut *c, evtime t)
{
    unsigned n = 0;
    for (unsigned i = 1; i < c->n && c->cuts[i].w <= t; i++)
        n += mode_of(&c->cuts[i - 1]) == RULE_PAUSED && mode_of(&c->cuts[i]) != RULE_PAUSED;
    return n;
}
