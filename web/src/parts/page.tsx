// SPDX-License-Identifier: Apache-2.0
// A page's head (title, actions) and its body.
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';

interface Props {
  title: string;
  head?: ComponentChildren; // instead of the plain title
  actions?: ComponentChildren;
  children: ComponentChildren;
  fixed?: boolean; // the page scrolls inside itself (editor, split view)
  class?: string;
}
export function Page({ title, head, actions, children, fixed, class: cls }: Props) {
  useEffect(() => {
    document.title = title === 'Overview' ? 'weir' : `${title} · weir`;
  }, [title]);
  return (
    <main id="main" tabIndex={-1} class={`page ${fixed ? 'fixed' : ''} ${cls ?? ''}`}>
      <header class="page-head">
        {head ?? <h1>{title}</h1>}
        <div class="page-actions">{actions}</div>
      </header>
      <div class="page-body">{children}</div>
    </main>
  );
}
