/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of frames over hostile bytes: what it takes must be rows that can be written and read again as they are; what
 * it does not take must leave nothing behind. */
#include "base/bug.h"
#include "cep/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct column columns[] = {
    {.name = "id", .type = {.kind = TYPE_BIGINT}},
    {.name = "ts", .type = {.kind = TYPE_TIMESTAMP}},
    {.name = "card", .type = {.kind = TYPE_STRING}},
    {.name = "amount", .type = {.kind = TYPE_DECIMAL, .precision = 12, .scale = 2}},
    {.name = "note", .type = {.kind = TYPE_STRING}},
};
static const struct schema stream = {
    .name = "s", .id = 7, .ncolumns = 5, .columns = columns, .time_column = 1};
static const struct schema *const streams[] = {&stream};

static unsigned rows_in(struct frame_reader *r)
{
    unsigned n = 0;
    for (size_t i = 0; i < r->nitems; i++) {
        n += r->items[i].b == NULL ? 1 : r->items[i].b->n;
        batch_unref(r->items[i].b);
    }
    r->nitems = 0;
    return n;
}

/* Writes the items of a frame again, and reads what was written. */
static void again(struct frame_reader *r)
{
    struct frame_writer w;
    struct frame_reader back;
    unsigned read = 0;
    frame_writer_init(&w);
    frame_reader_init(&back);
    for (size_t i = 0; i < r->nitems; i++) {
        uint64_t all[BATCH_WORDS];
        for (unsigned k = 0; k < BATCH_WORDS; k++)
            all[k] = ~UINT64_C(0);
        if (r->items[i].b != NULL)
            frame_writer_rows(&w, r->items[i].b, all);
        else
            frame_writer_watermark(&w, 0, r->items[i].stream, r->items[i].partition, r->items[i].w);
    }
    frame_writer_flush(&w);
    for (size_t f = 0; f < w.ndone; f++) {
        BUG_IF(frame_read(&back, w.done[f].p, w.done[f].n, streams, 1, NULL) != ERR_OK,
               "own frame not taken");
        read += rows_in(&back);
    }
    BUG_IF(read != rows_in(r), "items differ");
    frame_writer_fini(&w);
    frame_reader_fini(&back);
}

/* The input: frames, each after its length in two bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct frame_reader r;
    frame_reader_init(&r);
    while (size >= 2) {
        size_t n = (size_t)data[0] | (size_t)data[1] << 8;
        data += 2;
        size -= 2;
        n = n < size ? n : size;
        if (frame_read(&r, data, n, streams, 1, NULL) == ERR_OK)
            again(&r);
        else
            BUG_IF(r.nitems != 0, "a frame that was not taken left %zu items", r.nitems);
        data += n;
        size -= n;
    }
    frame_reader_fini(&r);
    return 0;
}
