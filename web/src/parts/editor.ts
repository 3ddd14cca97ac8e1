// SPDX-License-Identifier: Apache-2.0
// The SQL editor: CodeMirror 6 with the rule language's colours, the server's findings as squiggles, and completion.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from '@codemirror/commands';
import { bracketMatching, indentUnit } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { EditorState, Prec, StateField, type Range } from '@codemirror/state';
import {
  Decoration,
  EditorView,
  crosshairCursor,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  rectangularSelection,
  type DecorationSet,
} from '@codemirror/view';
import type { Issue, Stream } from '../api';
import { spanOf, suggestion, tokenize } from '../lib/sql';
import { complete } from './complete';
import { tokenClass } from './sqlview';

export interface Controller {
  set(text: string): void;
  issues(list: Issue[]): void;
  focus(): void;
  jump(i: Issue): void;
  fix(i: Issue, to: string): void;
  select(from: number, to: number): void;
  destroy(): void;
}
interface Options {
  value: string;
  label: string;
  onChange: (text: string) => void;
  streams: () => Stream[];
  submit: () => void;
}

const marks = new Map<string, Decoration>();
function mark(cls: string): Decoration {
  let m = marks.get(cls);
  if (!m) marks.set(cls, (m = Decoration.mark({ class: cls })));
  return m;
}
function colours(text: string): DecorationSet {
  const out: Range<Decoration>[] = [];
  for (const t of tokenize(text)) {
    const c = tokenClass(t);
    if (c) out.push(mark(c).range(t.from, t.to));
  }
  return Decoration.set(out);
}
/** A rule is short: the whole text is coloured anew at each change, and variables stay in step with the pattern. */
const highlighter = StateField.define<DecorationSet>({
  create: (s) => colours(s.doc.toString()),
  update: (d, tr) => (tr.docChanged ? colours(tr.newDoc.toString()) : d),
  provide: (f) => EditorView.decorations.from(f),
});

function diagnostics(text: string, list: Issue[]): Diagnostic[] {
  return list
    .filter((i) => i.line)
    .map((i) => {
      const { from, to } = spanOf(text, i);
      const better = suggestion(i.hint);
      return {
        from,
        to: Math.min(to, text.length),
        severity: i.severity === 'warning' ? ('warning' as const) : ('error' as const),
        message: i.message,
        source: i.code,
        renderMessage: () => {
          const el = document.createElement('div');
          el.className = 'lint-text';
          el.append(i.message);
          if (i.hint) {
            const hint = document.createElement('em');
            hint.textContent = i.hint;
            el.append(hint);
          }
          return el;
        },
        actions: better
          ? [
              {
                name: `Use ${better}`,
                apply: (view: EditorView, a: number, b: number) =>
                  view.dispatch({ changes: { from: a, to: b, insert: better }, userEvent: 'input.fix' }),
              },
            ]
          : [],
      };
    });
}

export function createEditor(parent: HTMLElement, o: Options): Controller {
  let outside = false; // a change that came from the page, not from the keyboard
  let list: Issue[] = [];
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: o.value,
      extensions: [
        lineNumbers(),
        lintGutter(),
        highlightActiveLineGutter(),
        highlightActiveLine(),
        history(),
        EditorView.lineWrapping,
        drawSelection(),
        rectangularSelection(),
        crosshairCursor(),
        bracketMatching(),
        closeBrackets(),
        search({ top: true }),
        highlightSelectionMatches(),
        EditorState.allowMultipleSelections.of(true),
        EditorState.tabSize.of(2),
        indentUnit.of('  '),
        EditorView.contentAttributes.of({
          'aria-label': o.label,
          spellcheck: 'false',
          autocorrect: 'off',
          autocapitalize: 'off',
        }),
        EditorState.languageData.of(() => [
          {
            commentTokens: { line: '--', block: { open: '/*', close: '*/' } },
            closeBrackets: { brackets: ['(', '{', "'", '"'] },
          },
        ]),
        autocompletion({ override: [(c) => complete(c, o.streams())], icons: false, maxRenderedOptions: 60 }),
        highlighter,
        Prec.highest(keymap.of([{ key: 'Mod-Enter', run: () => (o.submit(), true) }])),
        keymap.of([
          // Tab completes and indents; Escape, then Tab leaves the editor (for the keyboard alone).
          { key: 'Tab', run: (v) => acceptCompletion(v) || indentMore(v), shift: indentLess },
          ...closeBracketsKeymap,
          ...defaultKeymap,
          ...searchKeymap,
          ...historyKeymap,
          ...completionKeymap,
          ...lintKeymap,
        ]),
        EditorView.updateListener.of((u) => u.docChanged && !outside && o.onChange(u.state.doc.toString())),
      ],
    }),
  });
  let leaving = false;
  view.contentDOM.addEventListener(
    'keydown',
    (e) => {
      if (e.key === 'Escape') leaving = true;
      else if (e.key === 'Tab' && leaving) e.stopImmediatePropagation();
      else if (e.key !== 'Shift') leaving = false;
    },
    true,
  );
  const text = () => view.state.doc.toString();
  const select = (from: number, to: number) => {
    const n = view.state.doc.length;
    view.dispatch({
      selection: { anchor: Math.min(from, n), head: Math.min(to, n) },
      effects: EditorView.scrollIntoView(Math.min(from, n), { y: 'center' }),
    });
    view.focus();
  };
  return {
    set(value) {
      if (value === text()) return;
      outside = true;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value } });
      outside = false;
    },
    issues(next) {
      if (!next.length && !list.length) return;
      list = next;
      view.dispatch(setDiagnostics(view.state, diagnostics(text(), next)));
    },
    focus: () => view.focus(),
    select,
    jump(i) {
      const { from, to } = spanOf(text(), i);
      select(from, to);
    },
    fix(i, to) {
      const span = spanOf(text(), i);
      view.dispatch({ changes: { from: span.from, to: span.to, insert: to }, userEvent: 'input.fix' });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}
