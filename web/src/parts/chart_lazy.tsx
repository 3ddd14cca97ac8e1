// SPDX-License-Identifier: Apache-2.0
// uPlot comes with the first chart, so that pages without one are light.
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Props } from './chart';

let loaded: ComponentType<Props> | null = null;

export function Chart(p: Props) {
  const [Shown, set] = useState<{ C: ComponentType<Props> } | null>(loaded ? { C: loaded } : null);
  useEffect(() => {
    if (Shown) return;
    import('./chart').then(
      (m) => set({ C: (loaded = m.default) }),
      () => {},
    );
  }, []);
  return Shown ? <Shown.C {...p} /> : <div class="chart" style={{ height: p.height }} />;
}
