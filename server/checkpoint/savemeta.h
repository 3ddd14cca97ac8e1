/* SPDX-License-Identifier: Apache-2.0 */
/* savemeta.h - what stands in the _metadata of a savepoint: the checkpoint that it was, who wanted it, its files with their
 * checksums, its operators, streams and automata.
 *
 * Room:   savepoints <-> [savemeta] <-> a JSON text (state/savepoint.h keeps it, with a checksum)
 * Owns:   its own copies of all it is given
 * Thread: one.  Time: wall clock of `created`.
 *
 * It is read without a catalogue, by people and by later releases. Its bytes may be hostile. */
#ifndef WEIR_SERVER_SAVEMETA_H
#define WEIR_SERVER_SAVEMETA_H
#include "server/checkpoint/checkmeta.h"
#include "state/catalog.h"

enum {
    SAVEMETA_FORMAT = 1,
    SAVEMETA_TEXT = 65,
    SAVEMETA_FILE = 48,
    SAVEMETA_FILES_MAX = 2 * TASK_WORKERS_MAX + 16
};

struct savemeta_file {
    char name[SAVEMETA_FILE];
    uint64_t bytes, xxh3;
};
struct savemeta_operator { /* of all parts together */
    char *id;
    uint64_t entries, bytes;
};
struct savemeta {
    char name[SAVEMETA_TEXT], trigger[SAVEMETA_TEXT], release[SAVEMETA_TEXT];
    char *rule; /* activation: of which rule; NULL: none */
    uint32_t version; /* … to which version */
    evtime created;
    struct checkmeta *check;
    struct savemeta_file files[SAVEMETA_FILES_MAX];
    unsigned nfiles;
    struct savemeta_operator *operators;
    size_t noperators, operators_cap;
    struct bytes streams, automata; /* JSON arrays; "": none. Not read back */
};

struct savemeta *savemeta_new(void);
void savemeta_free(struct savemeta *m); /* NULL is fine */
void savemeta_add_operator(struct savemeta *m, const char *id, uint64_t entries, uint64_t bytes);
/* The automata of the checkpoint's rules, of versions that live still. Any thread. */
void savemeta_add_automata(struct savemeta *m, struct registry *r);
void savemeta_add_stream(void *savemeta, const struct catalog_text *s); /* for catalog_streams */
uint64_t savemeta_bytes(const struct savemeta *m); /* of all files */
uint64_t savemeta_entries(const struct savemeta *m);

void savemeta_put(const struct savemeta *m, struct bytes *out);
/* ERR_CORRUPT, ERR_VERSION: d says what is wrong. */
enum err savemeta_get(const char *text, size_t n, struct diag *d, struct savemeta **out);
/* Of the savepoint in that folder, its checksum looked at. ERR_NOT_FOUND too. */
enum err savemeta_read(const char *folder, struct diag *d, struct savemeta **out);
/* Every file is there, as long as it was and with its checksum, and can be read from its beginning to its end. */
enum err savemeta_verify(const struct savemeta *m, const char *folder, struct diag *d);

#endif
