/* SPDX-License-Identifier: Apache-2.0 */
/* intakelogcopy.h - the intake log as it is now, for another process; and where in a log a time begins.
 *
 * Room:   intake log -> [intakelogcopy] -> backtests
 * Owns:   nothing; the folder that it makes is the caller's
 * Thread: any, beside the appender and readers.  Time: evtime.
 *
 * A log belongs to the process that has it open. A copy has the same files by hard links, so it is made in a moment and
 * takes no space but what the log has deleted since; only what was not in files yet is copied. */
#ifndef WEIR_STATE_INTAKELOGCOPY_H
#define WEIR_STATE_INTAKELOGCOPY_H
#include "state/intakelog.h"

/* path: a folder that is not there yet, on the same file system. All that was appended before the call is in it. */
enum err intakelogcopy(struct intakelog *l, const char *path, struct diag *d);

/* Where reading has to begin to see every row whose time is `from` or later, if the watermark is at most `delay_ms` behind the
 * rows (and never ahead of them but by the clock): *w is the partition's watermark there. Begins where the log does if
 * that is later. ERR_CORRUPT. */
enum err intakelogcopy_seek(struct intakelog *l, uint32_t stream, uint32_t partition, evtime from,
                            int64_t delay_ms, uint64_t *offset, evtime *w);

#endif
