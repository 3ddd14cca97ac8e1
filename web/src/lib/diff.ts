// SPDX-License-Identifier: Apache-2.0
// What changed between two texts, line by line.

export interface DiffLine {
  what: 'same' | 'gone' | 'new';
  before: number | null; // place in the old text, from 0
  after: number | null;
}

const MOST_CELLS = 4_000_000; // beyond that the middle is shown as gone and new as a whole

/** Steps through the table of the longest common run of lines; where two ways are as long, what is gone comes first. */
function middle(a: string[], b: string[]): DiffLine['what'][] {
  const width = b.length + 1;
  if ((a.length + 1) * width > MOST_CELLS) return [...a.map(() => 'gone' as const), ...b.map(() => 'new' as const)];
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] =
        a[i] === b[j]
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
  const steps: DiffLine['what'][] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      steps.push('same');
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && common[(i + 1) * width + j]! >= common[i * width + j + 1]!)) {
      steps.push('gone');
      i++;
    } else {
      steps.push('new');
      j++;
    }
  }
  return steps;
}

export function diffLines(before: string[], after: string[]): DiffLine[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  )
    tail++;
  const same = (n: number) => Array.from({ length: n }, () => 'same' as const);
  const steps = [
    ...same(head),
    ...middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...same(tail),
  ];
  let i = 0;
  let j = 0;
  return steps.map((what) => ({
    what,
    before: what === 'new' ? null : i++,
    after: what === 'gone' ? null : j++,
  }));
}
