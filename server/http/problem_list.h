/* SPDX-License-Identifier: Apache-2.0 */
/* problem_list.h - every problem the API answers: X(name, code, http status, title, what it means, what to do).
 *
 * The code is the last part of the problem's `type`, /problems/<code>, where the last two texts are shown. They are for
 * the person who meets it, so they say what to do and not how the server is built. */
#ifndef WEIR_SERVER_PROBLEM_LIST_H
#define WEIR_SERVER_PROBLEM_LIST_H

#define PROBLEM_LIST(X)                                                                            \
    X(BAD_REQUEST, "bad-request", 400, "The request cannot be read",                               \
      "The request is not well-formed HTTP: a header or the body's length is wrong.",              \
      "Check the client; the detail names the part.")                                              \
    X(BAD_JSON, "bad-json", 400, "The body is not JSON",                                           \
      "The body ends too early, or has a character where JSON allows none.",                       \
      "errors[0] gives line and column. Events may also be sent one to a line "                    \
      "(application/x-ndjson): then one bad line does not stop the others.")                       \
    X(BAD_PARAMETER, "bad-parameter", 400, "A parameter is wrong",                                 \
      "A parameter in the address is unknown, or its value is of the wrong kind.",                 \
      "The detail names it and what it may be; docs/rest.md lists all of them.")                   \
    X(BAD_FIELD, "bad-field", 422, "A field of the body is wrong",                                 \
      "The body is JSON, but a field is missing, unknown, or of the wrong type.",                  \
      "The detail names the field; docs/rest.md shows the whole body.")                            \
    X(INVALID_RULE, "invalid-rule", 422, "The rule does not compile",                              \
      "The rule's text has errors. Nothing was changed.",                                          \
      "Each of errors[] has a line, a column and, mostly, a hint. Mend the first one first: "      \
      "others may follow from it. POST /api/v1/rules:validate checks a text without saving it.")   \
    X(INVALID_STREAM, "invalid-stream", 422, "The stream's definition does not compile",           \
      "The CREATE STREAM statement has errors. Nothing was changed.",                              \
      "Each of errors[] has a line and a column.")                                                 \
    X(INVALID_LIST, "invalid-list", 422, "The list's definition does not compile",                 \
      "The CREATE LIST or INSERT statement has errors. Nothing was changed.",                      \
      "Each of errors[] has a line and a column.")                                                 \
    X(INVALID_TABLE, "invalid-table", 422, "The table's definition does not compile",              \
      "The CREATE TABLE statement has errors. Nothing was changed.",                               \
      "Each of errors[] has a line and a column. docs/lookups.md lists the options.")              \
    X(INVALID_SINK, "invalid-sink", 422, "The sink's definition does not compile",                 \
      "The CREATE SINK statement has errors, or its folder cannot be written to. Nothing was "     \
      "changed.",                                                                                  \
      "Each of errors[] has a line and a column. docs/sinks.md lists the options.")                \
    X(INVALID_ITEM, "invalid-item", 422, "An item does not fit its list",                          \
      "A key or another column is missing or of the wrong type, or the CSV has a line that "       \
      "cannot be read. Nothing was changed: a request is taken whole or not at all.",              \
      "The detail names the item or the line. GET /api/v1/lists/{l} shows the columns.")           \
    X(LIST_FULL, "list-full", 422, "A limit of lists is reached",                                  \
      "There are as many lists, items of a list, or edits kept for a replay as this server takes " \
      "(--max-lists, --max-list-items, --max-list-edits). Nothing was changed.",                   \
      "The detail says which limit it is and what to do.")                                         \
    X(BAD_SAVEPOINT, "bad-savepoint", 422, "The savepoint cannot be used",                         \
      "A file of the savepoint is damaged, missing, or of a later release; or it does not fit "    \
      "the rules and the log of this server. Nothing was changed.",                                \
      "errors[0] says which file or rule it is. Take another savepoint; docs/savepoints.md says "  \
      "what fits.")                                                                                \
    X(INVALID_EVENT, "invalid-event", 422, "The event does not fit its stream",                    \
      "The event cannot be decoded, breaks NOT NULL, overflows a type, or lies outside the years " \
      "1 to 9999. It was not stored; the stream's dead letters have it with the reason.",          \
      "Correct the field that the detail names and send the event again. "                         \
      "GET /api/v1/streams/{s} shows the columns and their types.")                                \
    X(NOT_FOUND, "not-found", 404, "There is nothing of that name",                                \
      "No stream, rule, list, item or alert of that name or id is there.",                         \
      "The detail offers the nearest name, if one is near.")                                       \
    X(NO_ROUTE, "no-route", 404, "There is no such address",                                       \
      "The address is none that this server answers.",                                             \
      "The detail offers the nearest address. GET /api/v1 lists all of them.")                     \
    X(METHOD, "method-not-allowed", 405, "The method does not fit the address",                    \
      "The address exists, but not with this method.",                                             \
      "The header Allow lists the methods that it takes.")                                         \
    X(MEDIA_TYPE, "unsupported-media-type", 415, "The body is of another type",                    \
      "The header Content-Type says that the body is something this address does not take. "       \
      "curl sends application/x-www-form-urlencoded unless told otherwise.",                       \
      "Send -H 'Content-Type: application/json', or application/x-ndjson for events one to a "     \
      "line.")                                                                                     \
    X(TOO_LARGE, "body-too-large", 413, "The body is too large",                                   \
      "The body is longer than this server takes in one request (--max-body).",                    \
      "Send the events in several requests; 100 to 1000 in each is a good size.")                  \
    X(TOO_MANY, "too-many-events", 413, "There are too many events in one request",                \
      "A request may carry a limited number of events, so that it is taken whole or not at all.",  \
      "Send them in several requests; 100 to 1000 in each is a good size.")                        \
    X(EXISTS, "already-exists", 409, "The name is taken",                                          \
      "A stream, list or rule of that name is there already. Nothing was changed.",                \
      "Choose another name, or write CREATE OR REPLACE RULE to put it in the place of the old.")   \
    X(CONFLICT, "conflict", 409, "Not possible now",                                               \
      "The thing is in a state in which this cannot be done.", "The detail says which state.")     \
    X(APPROVAL, "approval-required", 409, "A second person must approve it",                       \
      "This server makes a version active only when somebody else than who wrote it, or asked "    \
      "for it, has approved it (--approval required).",                                            \
      "Save it as a draft, and have another person approve it: POST "                              \
      "/api/v1/rules/{r}/approvals {\"version\": n, \"verdict\": \"approve\"}.")                   \
    X(FINISHED, "stream-finished", 409, "The stream has ended",                                    \
      "The stream, or this partition of it, was finished: its end of input is recorded, and "      \
      "every window and pattern has been decided by it. It takes no more events.",                 \
      "Create another stream for further events.")                                                 \
    X(BACKPRESSURE, "backpressure", 429, "The workers are behind",                                 \
      "Events come in faster than the rules can take them, and the backlog is at its limit. "      \
      "None of the request's events was taken.",                                                   \
      "Send the same request again after the seconds in Retry-After.")                             \
    X(NOT_READY, "not-ready", 503, "The server is not ready",                                      \
      "The workers are starting, or are being started again.",                                     \
      "Try again after the seconds in Retry-After; GET /readyz says when.")                        \
    X(TOO_MANY_READERS, "too-many-live-readers", 503, "There are too many live streams open",      \
      "The number of server-sent event connections is bounded.",                                   \
      "Close some pages of the dashboard, or poll GET /api/v1/alerts instead.")                    \
    X(TIMEOUT, "timeout", 503, "It takes too long",                                                \
      "The change was handed over but its end was not seen in time. It may still happen.",         \
      "Look whether it has happened before you ask again.")                                        \
    X(CROSS_ORIGIN, "cross-origin", 403, "Another site may not do this",                           \
      "The request changes something and a page of another site made it (header Origin).",         \
      "Use the dashboard of this server, or a client that is no browser.")                         \
    X(UNSUPPORTED, "unsupported", 422, "Not done by this release",                                 \
      "The language or the API knows this, but this release does not do it yet.",                  \
      "docs/language.md says what each release does.")                                             \
    X(STORAGE, "storage", 500, "The disk does not do as it should",                                \
      "Writing or reading the data folder failed: it may be full, or not writable.",               \
      "Look at the server's log and at the free space of its data folder.")                        \
    X(INTERNAL, "internal", 500, "Something went wrong in the server", "This should not happen.",  \
      "The server's log has more under the same X-Request-Id.")

#endif
