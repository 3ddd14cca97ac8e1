// SPDX-License-Identifier: Apache-2.0
// Text that is not deployed yet survives a reload and a look at another page, in this browser tab.
const draftKey = (rule: string) => `weir.draft.${rule}`;
export const draft = {
  read: (rule: string) => {
    try {
      return sessionStorage.getItem(draftKey(rule));
    } catch {
      return null;
    }
  },
  write: (rule: string, text: string | null) => {
    try {
      if (text === null) sessionStorage.removeItem(draftKey(rule));
      else sessionStorage.setItem(draftKey(rule), text);
    } catch {
      /* a private window */
    }
  },
};
