// SPDX-License-Identifier: Apache-2.0
// The server's automaton as a picture needs it. Its states are positions of variables and its edges say what they take;
// here the end becomes a ring round the last states, and notes become short.
import type { Nfa, NfaEdge, VariableOf } from '../api';

export interface State {
  id: string;
  text: string;
  start: boolean;
  final: boolean;
  done: boolean; // the match itself, as a state of its own
}
export interface Edge {
  from: string;
  to: string;
  takes: string; // the variable, or "" where no row is taken
  way: NfaEdge['contiguity'] | 'end';
  short: string; // counts, absences, limits, for the picture
  notes: string; // the same in the server's words
  conditions: { variable: string; not: boolean; text: string | null }[];
}
export interface Drawing {
  states: State[];
  edges: Edge[];
}

const none = /(?:no row between is|the next row is not) ([\w, ]+)/g;

function shortOf(note: string, loop: boolean): string {
  return note
    .replace(/no row between is /g, 'no ')
    .replace(/the next row is not ([\w, ]+)/g, 'not $1 next')
    .replace(/after (\d+) or more/g, loop ? '$1+ so far' : 'after $1+')
    .replace(/;/g, ',');
}

export function drawingOf(nfa: Nfa, variables: VariableOf[]): Drawing {
  const define = new Map(variables.map((v) => [v.name.toUpperCase(), v.define]));
  const end = nfa.states.find((s) => s.kind === 'final')?.id;
  const accepts = nfa.edges.filter((e) => e.to === end);
  // Where nothing is asked at the end, the last states themselves are final; else the end is a state with edges to it.
  const apart = accepts.some((e) => e.note);
  const last = new Set(apart ? [] : accepts.map((e) => e.from));
  return {
    states: nfa.states
      .filter((s) => apart || s.id !== end)
      .map((s) => ({
        id: String(s.id),
        text: s.kind === 'start' ? '' : s.id === end ? '✓' : s.label,
        start: s.kind === 'start',
        final: s.id === end || last.has(s.id),
        done: s.id === end,
      })),
    edges: nfa.edges
      .filter((e) => apart || e.to !== end)
      .map((e) => {
        const notes = e.note ?? '';
        const nots = [...notes.matchAll(none)].flatMap((m) => m[1]!.split(/,\s*/));
        return {
          from: String(e.from),
          to: String(e.to),
          takes: e.label,
          way: e.to === end ? ('end' as const) : e.contiguity,
          short: shortOf(notes, e.from === e.to),
          notes,
          conditions: [
            ...(e.label ? [{ variable: e.label, not: false, text: e.condition ?? null }] : []),
            ...nots.map((v) => ({ variable: v, not: true, text: define.get(v.toUpperCase()) ?? null })),
          ],
        };
      }),
  };
}
