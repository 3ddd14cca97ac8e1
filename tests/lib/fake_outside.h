/* SPDX-License-Identifier: Apache-2.0 */
/* fake_outside.h - what the fake runtime knows of lists, tables and sinks: there are none.
 *
 * Room:   unit tests of server/.  Owns: nothing.  Thread: any. */
#ifndef WEIR_TESTS_LIB_FAKE_OUTSIDE_H
#define WEIR_TESTS_LIB_FAKE_OUTSIDE_H

void fake_outside(
    void); /* does nothing; who calls it is linked with these and not with the real ones */

#endif
