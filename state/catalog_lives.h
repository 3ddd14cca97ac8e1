/* SPDX-License-Identifier: Apache-2.0 */
/* catalog_lives.h - rules that are not live but kept (drafts, the archive), approvals of versions, the audit.
 *
 * Room:   API -> [catalog_lives, catalog_approvals, catalog_audit] -> catalogue
 * Owns:   nothing.  Thread: as catalog.h says.  Time: wall clock. */
#ifndef WEIR_STATE_CATALOG_LIVES_H
#define WEIR_STATE_CATALOG_LIVES_H
#include "state/catalog.h"

enum catalog_rests {
    RESTS_NOT, /* it is live, or deleted */
    RESTS_DRAFT, /* it was never live, or came back from the archive */
    RESTS_ARCHIVED
};
/* A draft with its first version, also a draft; r->uid is given. ERR_EXISTS: a rule that is live or a draft has the name. */
enum err catalog_lives_draft(struct catalog *c, struct catalog_rule *r);
/* What becomes of a rule when it is not live: said before it is deleted, or of one that rests. ERR_EXISTS: it
 * would be the second draft of its name. */
enum err catalog_lives_rest(struct catalog *c, uint64_t uid, enum catalog_rests rests);
/* Those that rest, by name, of one name a draft first; a uid of 0 and an empty name: all. Without cuts. */
struct catalog_lives_rule {
    struct catalog_rule rule;
    enum catalog_rests rests;
};
enum err catalog_lives(struct catalog *c, const char *name, uint64_t uid,
                       void (*each)(void *ctx, const struct catalog_lives_rule *r), void *ctx);

struct catalog_approval {
    uint64_t id, uid; /* of the rule */
    uint32_t version;
    const char *verdict, *by, *comment; /* "request", "approve", "reject"; comment or NULL */
    evtime at;
};
enum err catalog_approvals_add(struct catalog *c, const struct catalog_approval *a);
/* The newest first; version 0: of all versions. */
enum err catalog_approvals(struct catalog *c, uint64_t uid, uint32_t version,
                           void (*each)(void *ctx, const struct catalog_approval *a), void *ctx);

struct catalog_audit {
    uint64_t id;
    evtime at;
    const char *what, *name, *who, *more; /* the last two or NULL */
};
enum err catalog_audit_add(struct catalog *c, const char *what, const char *name, const char *who,
                           const char *more);
/* The newest first, before the one with that number (0: from the newest); name NULL: of all. */
enum err catalog_audit(struct catalog *c, const char *name, uint64_t before, unsigned limit,
                       void (*each)(void *ctx, const struct catalog_audit *a), void *ctx);

#endif
