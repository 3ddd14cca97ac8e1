// SPDX-License-Identifier: Apache-2.0
// The width of a box as it is on screen, for what is drawn to measure.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

export function useWidth<T extends HTMLElement>(first = 0) {
  const box = useRef<T>(null);
  const [width, set] = useState(first);
  useLayoutEffect(() => {
    if (!box.current) return;
    const see = new ResizeObserver(([e]) => set(e!.contentRect.width));
    see.observe(box.current);
    return () => see.disconnect();
  }, []);
  return { box, width };
}
