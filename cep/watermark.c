/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/watermark.h"

static evtime behind(evtime ts, int64_t delay_ms)
{
    evtime w;
    return __builtin_sub_overflow(ts, delay_ms, &w) ? EVTIME_MIN : w;
}

static void tell_late(struct watermark *w, struct batch *b, unsigned i)
{
    b->late[i / 64] |= UINT64_C(1) << (i % 64);
    b->late_w[i] = w->w;
    b->has_late = true;
    w->late_rows++;
}

unsigned watermark_rises(struct watermark *w, struct batch *b, const uint64_t *punctuated,
                         struct watermark_rise rises[BATCH_ROWS])
{
    unsigned n = 0;
    int64_t delay = b->schema->watermark == WATERMARK_BOUNDED ? b->schema->delay_ms : 0;
    bool every_row = b->schema->watermark == WATERMARK_BOUNDED;
    for (unsigned i = 0; i < b->n; i++) {
        if (b->ts[i] < w->w)
            tell_late(w, b, i);
        else if (every_row || (punctuated != NULL && punctuated[i / 64] >> (i % 64) & 1)) {
            evtime next = behind(b->ts[i], delay);
            if (next > w->w) {
                w->w = next;
                rises[n++] = (struct watermark_rise){next, i};
            }
        }
    }
    return n;
}

void watermark_rows(struct watermark *w, struct batch *b, const uint64_t *punctuated)
{
    struct watermark_rise rises[BATCH_ROWS];
    (void)watermark_rises(w, b, punctuated, rises);
}
