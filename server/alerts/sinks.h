/* SPDX-License-Identifier: Apache-2.0 */
/* sinks.h - the sinks of the server: what they are, and what is given to them.
 *
 * Room:   catalogue -> [sinks] -> compiler (scope), API;  alertwriter -> [sinks] -> io/
 * Owns:   the compiled texts, the open sinks, what waits in them
 * Thread: sinks_write to sinks_commit and sinks_retry are the alert writer's; the rest any. What writes has a lock of its own, so
 *         that a slow disk keeps nobody waiting who only looks.
 * Time:   none.
 *
 * What each checkpoint has made sure of of all sinks is one blob, sinks_pending: names with the texts that io.h calls
 * `pending`. A sink that cannot be opened or written does not end the server: checkpoints fail and say why, its lines
 * wait, and when no more may wait, so does the alert writer, and with it all before it. */
#ifndef WEIR_SERVER_SINKS_H
#define WEIR_SERVER_SINKS_H
#include "base/bytes.h"
#include "base/diag.h"
#include "cep/sink.h"
#include "io/io.h"

struct sinks;

/* folder: of all of them; "": sinks in `data`. */
struct sinks *sinks_new(const char *folder, const char *data);
void sinks_free(struct sinks *s); /* NULL is fine */

/* Compiles CREATE SINK text. open: it is to be written to at once, and an error if that cannot be; else it waits for
 * sinks_recover. */
enum err sinks_put(struct sinks *s, const char *sql, size_t n, bool open, struct diag *d);
/* Nobody will write to it any more: all of it is committed. */
enum err sinks_drop(struct sinks *s, const char *name, struct diag *d);
bool sinks_has(struct sinks *s, const char *name);
const char *sinks_name(struct sinks *s, unsigned i); /* NULL past the last */

struct sinks_state {
    const struct sink *def; /* lives as long as `s` */
    enum io_promise promise;
    struct io_sink_stats stats;
    char wrong[200]; /* why it cannot be written, committed or opened; "": all is well */
};
/* False: none of that name. */
bool sinks_look(struct sinks *s, const char *name, struct sinks_state *out);

/* --- the alert writer's ------------------------------------------------------------------------ */

/* See io.h. One that was dropped takes everything and does nothing. */
enum err sinks_write(struct sinks *s, const char *name, bool next, const void *line, size_t n,
                     struct diag *d);
/* Of all of them; the blob goes into `out`. ERR_CORRUPT as io.h says. */
enum err sinks_prepare(struct sinks *s, uint64_t checkpoint, struct bytes *out, struct diag *d);
/* What fails is said in the log and done with the next one, or by sinks_retry. */
void sinks_commit(struct sinks *s, uint64_t checkpoint);
void sinks_retry(struct sinks *s);
/* A new attempt begins from a checkpoint with that blob; n = 0: from none. */
void sinks_recover(struct sinks *s, const void *blob, size_t n);

/* --- the blob ---------------------------------------------------------------------------------- */
void sinks_pending_put(struct bytes *out, const char *name, const char *text, size_t n);
/* False: there is no more, or what follows is damaged. Neither text ends with a NUL. */
bool sinks_pending_get(struct bytes_reader *in, const char **name, size_t *name_n,
                       const char **text, size_t *n);

#endif
