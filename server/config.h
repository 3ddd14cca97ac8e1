/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - the options of `weir serve`: defaults, then weir.yaml, then flags, each over the one before.
 *
 * Owns:   its texts.  Thread: main, before anything is started. */
#ifndef WEIR_SERVER_CONFIG_H
#define WEIR_SERVER_CONFIG_H
#include "base/bytes.h"
#include "base/diag.h"
#include "server/config_list.h"
#include <stdint.h>

typedef char *config_TEXT;
typedef uint64_t config_COUNT, config_SIZE, config_SPAN, config_SWITCH;

struct config {
#define CONFIG_FIELD(name, type, value, least, most, unit, help) config_##type name;
    CONFIG_LIST(CONFIG_FIELD)
#undef CONFIG_FIELD
};

void config_init(struct config *c); /* the defaults */
void config_fini(struct config *c);
/* One option by its name (max-body or max_body). ERR_NOT_FOUND, ERR_INVALID: d says what it may be. */
enum err config_set(struct config *c, const char *name, const char *text, struct diag *d);
/* A YAML file: one mapping of names to plain values. */
enum err config_file(struct config *c, const char *path, struct diag *d);
/* --name value, --name=value, of a switch --name alone; --config FILE is read first wherever it stands. *help: --help is among them. */
enum err config_flags(struct config *c, int argc, char **argv, struct diag *d, bool *help);

void config_help(struct bytes *out); /* for --help */
void config_limits(
    const struct config *c,
    struct bytes *out); /* those that bound how many of something there are, as a metric */
void config_markdown(struct bytes *out); /* docs/CONFIGURATION.md */

#endif
