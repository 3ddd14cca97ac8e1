/* SPDX-License-Identifier: Apache-2.0 */
/* evalexplain.h - the EXPLAIN statements of a script, answered from the job of all its rules.  Owns: nothing. */
#ifndef WEIR_SERVER_EVALEXPLAIN_H
#define WEIR_SERVER_EVALEXPLAIN_H
#include "cep/job.h"
#include "rules/compile.h"

/* Appends what each EXPLAIN has to say; a rule that is not there is an error in d. */
void evalexplain_script(const struct script *script, const struct job *job, struct diag *d,
                        struct bytes *out);

#endif
