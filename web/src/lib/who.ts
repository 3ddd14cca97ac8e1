// SPDX-License-Identifier: Apache-2.0
// Who asks is remembered in this browser: there is no login that would know it.

export const who = {
  get: () => {
    try {
      return localStorage.getItem('weir.by') ?? '';
    } catch {
      return '';
    }
  },
  set: (by: string) => {
    try {
      localStorage.setItem('weir.by', by);
    } catch {
      /* a browser that keeps nothing */
    }
  },
};
