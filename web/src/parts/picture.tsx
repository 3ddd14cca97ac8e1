// SPDX-License-Identifier: Apache-2.0
// The automaton, loaded when it is first shown.
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Nfa, VariableOf } from '../api';
import { Loading } from './basic';

interface Picturing {
  nfa: Nfa;
  defines: VariableOf[];
  variables: string[];
  onPick?: (v: string) => void;
  active?: Map<string, number>; // states of partial matches, and how many are there
}
type Drawn = ComponentType<Picturing>;

/** dagre comes with the picture, when one is shown. */
export function Picture(p: Picturing) {
  const [part, setPart] = useState<{ A: Drawn } | null>(null);
  useEffect(() => {
    import('./automaton').then(
      (m) => setPart({ A: m.default }),
      () => {},
    );
  }, []);
  return part ? <part.A {...p} /> : <Loading rows={3} />;
}
