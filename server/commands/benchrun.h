/* SPDX-License-Identifier: Apache-2.0 */
/* benchrun.h - one measured process: this program again, with other arguments, its time and memory from the kernel.
 *
 * Owns: nothing.  Thread: one. */
#ifndef WEIR_SERVER_BENCHRUN_H
#define WEIR_SERVER_BENCHRUN_H
#include "base/bytes.h"
#include "base/err.h"

enum { BENCHRUN_ARGS_MAX = 32 };

struct benchrun {
    double wall_s, cpu_s; /* cpu: user + system, of the whole process */
    uint64_t max_rss_bytes;
    int exit_code; /* -1: ended by a signal */
};

/* Runs this program with args (ended by NULL), its standard output into `out`, its standard error to ours, or nowhere if
 * quiet. ERR_IO: it could not be started. */
enum err benchrun_run(const char *const args[], bool quiet, struct bytes *out, struct benchrun *r);

/* n events of the payments stream in a file; kept for the next time. */
enum err benchrun_stream(const char *path, uint64_t n);
/* Decodes the file's lines as simdjson can at best, all fields that the queries read; returns the number of lines. */
enum err benchrun_decode(const char *path, uint64_t *lines);

#endif
