/* SPDX-License-Identifier: Apache-2.0 */
/* sink_file.h - a folder of files with a line for each result.
 *
 * Room:   lines -> [sink_file] -> part-1763746500123.jsonl
 * Owns:   all files of those names in its folder, until they are committed
 * Thread: one at a time.  Time: wall clock in names, so that they rise; montime for the age of a part.
 *
 *   .part-NUMBER.inprogress   is being written, or waits to be committed: not for readers
 *   part-NUMBER.jsonl         committed: it is never changed again, and readers may take it away
 *
 * A part is ended when it has its size or age, and by a checkpoint; the next checkpoint that is complete commits it. A
 * part that is longer than a checkpoint says is cut to that length when all begins again from there. Fault points:
 * sink.open, sink.write, sink.sync, sink.rename, sink.sync_folder, sink.remove. */
#ifndef WEIR_IO_SINK_FILE_H
#define WEIR_IO_SINK_FILE_H
#include "cep/sink.h"
#include "io/io.h"

/* Makes the folder. It is to be recovered before anything is written. */
enum err sink_file_open(const char *folder, const struct sink *def, struct diag *d,
                        struct io_sink **out);

#endif
