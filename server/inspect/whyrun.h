/* SPDX-License-Identifier: Apache-2.0 */
/* whyrun.h - recorded rows of one key, as tracewire carries them, through a version of a rule once more.
 *
 * Room:   workertrace (the version that runs), whynot (one of before) -> [whyrun] -> codec, cep/why
 * Owns:   nothing.  Thread: any.  Time: evtime. */
#ifndef WEIR_SERVER_WHYRUN_H
#define WEIR_SERVER_WHYRUN_H
#include "cep/job.h"
#include "server/wire/tracewire.h"

struct whyrun_ask {
    const struct job_rule *rule; /* with its own cuts */
    const struct tracewire_ask *trace;
    evtime now; /* how far the rule has come: the watermark, or the end of that version */
    size_t max_partials, max_rows; /* of one key */
};
/* in: trace->nrows rows and no more. json: as why_run appends it. ERR_CORRUPT: they are none. */
enum err whyrun(const struct whyrun_ask *m, struct bytes_reader *in, struct bytes *json);

#endif
