/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream refuses, as rows of its ERRORS: written down in the log before anybody is told of it. */
#include "base/mem.h"
#include "server/alerts/refused.h"
#include "server/intake/intakedef.h"
#include <string.h>

/* At most BATCH_ROWS letters into the stream's ERRORS, and told when they are there. */
static enum err note_refused(struct intake *in, struct intake_stream *s,
                             struct catalog_dead_letter *d, unsigned n,
                             const struct intakelog_note *note, bool durable)
{
    struct intake_stream *errors = intake_stream_of(in, s->schema->errors);
    struct intake_beside beside = {.note = note};
    struct runtime_row *rows = mem_array(n, sizeof *rows);
    struct runtime_row_answer *answers = mem_array(n, sizeof *answers);
    size_t *starts = mem_array(n, sizeof *starts);
    struct bytes text = {0};
    for (unsigned i = 0; i < n; i++) {
        starts[i] = text.n;
        refused_put(&d[i], &text);
        rows[i].n = text.n - starts[i];
    }
    memset(bytes_reserve(&text, CODEC_PADDING), 0, CODEC_PADDING);
    for (unsigned i = 0; i < n; i++)
        rows[i].p = (const char *)text.p + starts[i];
    uint64_t accepted = in->counts.accepted;
    enum err e = intake_take_batch(in, errors, 0, rows, &beside, n, durable, answers);
    in->counts.accepted = accepted; /* they are none of the events that were sent */
    for (unsigned i = 0; e == ERR_OK && i < n; i++) {
        d[i].logged = answers[i].accepted ? answers[i].offset + 1 : 0;
        in->events.refused(in->events.ctx, &d[i]);
    }
    bytes_fini(&text);
    mem_free(starts);
    mem_free(answers);
    mem_free(rows);
    return e;
}

/* Those of the rows that were not taken. */
enum err intakeerrors_note(struct intake *in, struct intake_stream *s, unsigned partition,
                           const struct runtime_row *rows, unsigned n, bool durable,
                           const struct runtime_row_answer *answers)
{
    unsigned bad = 0;
    for (unsigned i = 0; i < n; i++)
        bad += !answers[i].accepted;
    if (bad == 0)
        return ERR_OK;
    struct catalog_dead_letter *d = mem_array(bad, sizeof *d);
    evtime now = timebase_now_ms();
    for (unsigned i = 0, k = 0; i < n; i++)
        if (!answers[i].accepted)
            d[k++] = (struct catalog_dead_letter){.kind = "error",
                                                  .stream = s->id,
                                                  .partition = partition,
                                                  .offset = UINT64_MAX,
                                                  .code = answers[i].code,
                                                  .reason = answers[i].error,
                                                  .raw = rows[i].p,
                                                  .raw_len = rows[i].n,
                                                  .at = now};
    enum err e = note_refused(in, s, d, bad, NULL, durable);
    mem_free(d);
    return e;
}

/* Is the bad row of that place in ERRORS already? */
static enum err is_noted(struct intake *in, struct intake_partition *p, uint64_t of,
                         uint64_t offset, bool *noted)
{
    struct intakelog_noted last;
    enum err e =
        p->asked ? ERR_NOT_FOUND : intakelognote_get(in->log, INTAKELOG_REFUSED, of, &last);
    if (e != ERR_OK && e != ERR_NOT_FOUND)
        return e;
    if (e == ERR_OK)
        p->noted = last.offset + 1;
    p->asked = true;
    *noted = offset < p->noted;
    return ERR_OK;
}

enum err intakeerrors_file(struct intake *in, const struct schema *schema,
                           const struct catalog_dead_letter *d)
{
    if (d->partition >= schema->partitions)
        return ERR_NOT_FOUND;
    bool noted = false;
    struct catalog_dead_letter one = *d;
    struct intakelog_note note = {.kind = INTAKELOG_REFUSED,
                                  .of = (uint64_t)schema->id << 32 | d->partition,
                                  .row = -1,
                                  .offset = d->offset};
    pthread_mutex_lock(&in->lock);
    struct intake_stream *s = intake_stream_of(in, schema);
    struct intake_partition *p = &s->partitions[d->partition];
    enum err e = is_noted(in, p, note.of, d->offset, &noted);
    if (e == ERR_OK && !noted && (e = note_refused(in, s, &one, 1, &note, false)) == ERR_OK) {
        p->noted = d->offset + 1;
        in->counts.refused++;
    }
    in->events.appended(in->events.ctx);
    pthread_mutex_unlock(&in->lock);
    return e;
}

/* A stream that takes no more events refuses none. */
enum err intakeerrors_end(struct intake *in, const struct intake_stream *s)
{
    for (unsigned p = 0; p < s->schema->partitions; p++)
        if (s->partitions[p].w.w != EVTIME_MAX)
            return ERR_OK;
    struct intake_stream *errors = intake_stream_of(in, s->schema->errors);
    enum err e = intakelog_finish(in->log, errors->id, 0);
    if (e != ERR_OK)
        return e;
    errors->partitions[0].w.w = EVTIME_MAX;
    idle_end(&errors->idle, 0);
    return ERR_OK;
}
