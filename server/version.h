/* SPDX-License-Identifier: Apache-2.0 */
/* version.h - what this build calls itself; `weir version` and GET /version print it. */
#ifndef WEIR_SERVER_VERSION_H
#define WEIR_SERVER_VERSION_H

#define VERSION_TEXT "0.1.0"
#ifndef VERSION_COMMIT /* the build may set it */
#define VERSION_COMMIT "unknown"
#endif

#endif
