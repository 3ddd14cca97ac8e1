// SPDX-License-Identifier: Apache-2.0
// Own icons on a 16 × 16 grid, drawn with one stroke; decorative unless given a title.
const shapes = {
  overview: 'M2 12.5V9.5M6 12.5V4M10 12.5V7M14 12.5V2.5',
  rules:
    'M3 8a1.5 1.5 0 1 0 0-.01M13 3.6a1.5 1.5 0 1 0 0-.01M13 12.4a1.5 1.5 0 1 0 0-.01M4.6 8h2.2c1.6 0 1.4-4.4 3-4.4h1.6M6.8 8c1.6 0 1.4 4.4 3 4.4h1.6',
  alerts: 'M8 2a4.2 4.2 0 0 0-4.2 4.2c0 3.6-1.6 4.6-1.6 4.6h11.6s-1.6-1-1.6-4.6A4.2 4.2 0 0 0 8 2ZM6.6 13.3a1.6 1.6 0 0 0 2.8 0',
  streams: 'M1.5 5c2.2-2 4.3-2 6.5 0s4.3 2 6.5 0M1.5 8.5c2.2-2 4.3-2 6.5 0s4.3 2 6.5 0M1.5 12c2.2-2 4.3-2 6.5 0s4.3 2 6.5 0',
  edit: 'm2.5 13.5.7-3L10.7 3a1.4 1.4 0 0 1 2 0l.3.3a1.4 1.4 0 0 1 0 2l-7.5 7.5-3 .7ZM9.5 4.2l2.3 2.3',
  list: 'M5.5 4H14M5.5 8H14M5.5 12H14M2.3 4v.01M2.3 8v.01M2.3 12v.01',
  dead: 'M2 9.5 4 3h8l2 6.5V13H2V9.5Zm0 0h3.6l.9 1.6h3l.9-1.6H14M8 4.6v2.2M8 8.2v.01',
  workers: 'M4.5 4.5h7v7h-7zM6.5 2v2.5M9.5 2v2.5M6.5 11.5V14M9.5 11.5V14M2 6.5h2.5M2 9.5h2.5M11.5 6.5H14M11.5 9.5H14',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.7 10.7 14 14',
  plus: 'M8 3v10M3 8h10',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.2v9.6L12.6 8 5 3.2Z',
  trash: 'M2.5 4h11M6 4V2.5h4V4M4 4l.6 9.5h6.8L12 4M6.7 6.8v4M9.3 6.8v4',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  check: 'm3 8.5 3.2 3.2L13 4.8',
  close: 'm4 4 8 8M12 4l-8 8',
  warn: 'M8 2.2 14.4 13H1.6L8 2.2ZM8 6.4v3M8 11.2v.01',
  error: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 5v3.6M8 10.9v.01',
  info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 7.4V11M8 5.1v.01',
  sun: 'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9',
  moon: 'M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1Z',
  keyboard: 'M1.5 4h13v8h-13zM4 6.6v.01M6.7 6.6v.01M9.3 6.6v.01M12 6.6v.01M5 9.5h6',
  right: 'm6 3.5 4.5 4.5L6 12.5',
  down: 'm3.5 6 4.5 4.5L12.5 6',
  up: 'm3.5 10 4.5-4.5 4.5 4.5',
  back: 'M13 8H3.5M7.5 3.8 3.3 8l4.2 4.2',
  history: 'M2.5 8a5.5 5.5 0 1 0 1.8-4.1L2.5 5.5M2.5 2.4v3.1h3.1M8 5v3.2l2.2 1.3',
  expand: 'M9.5 2.5h4v4M13.2 2.8 9 7M6.5 13.5h-4v-4M2.8 13.2 7 9',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 4.8V8l2.2 1.6',
  terminal: 'M1.8 3h12.4v10H1.8zM4.3 6l2 2-2 2M8 10.2h3.4',
  bolt: 'M9 1.8 3.4 9.2h4L6.8 14.2l5.8-7.5h-4L9 1.8Z',
  save: 'M2.5 2.5h9l2 2v9h-11zM5 2.8v3.4h5V2.8M4.8 13.2V9h6.4v4.2',
  plug: 'M9.8 2 7.7 4.1M14 6.2l-2.1 2.1M6.3 5.5l4.2 4.2-1.2 1.2a3 3 0 0 1-4.2 0 3 3 0 0 1 0-4.2l1.2-1.2ZM5.1 10.9 2 14',
  filter: 'M2 3h12L9.5 8.3V13l-3-1.6V8.3L2 3Z',
  send: 'M14 2 7.2 8.8M14 2 9.6 14 7.2 8.8 2 6.4 14 2Z',
  fish: 'M2 8c2-3.2 6.6-4.4 9.6-1.2L14 4.6v6.8l-2.4-2.2C8.6 12.4 4 11.2 2 8Zm3.6-.6v.01',
} as const;

export type IconName = keyof typeof shapes;

export function Icon({ name, size = 16, title }: { name: IconName; size?: number; title?: string }) {
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.4"
      stroke-linecap="round"
      stroke-linejoin="round"
      role={title ? 'img' : undefined}
      aria-hidden={title ? undefined : 'true'}
    >
      {title ? <title>{title}</title> : null}
      <path d={shapes[name]} />
    </svg>
  );
}

/** A fish weir from above: stakes in two rows that narrow towards the trap, and a fish on its way in. */
export function Logo({ size = 26 }: { size?: number }) {
  return (
    <svg class="logo" width={size} height={size} viewBox="0 0 24 24" fill="none" aria-hidden="true">
      <path
        d="M2.5 4v7M6.3 8.5v7M10 13v7M14 13v7M17.7 8.5v7M21.5 4v7"
        stroke="currentColor"
        stroke-width="2.2"
        stroke-linecap="round"
      />
      <path d="M12 11.4c-2.5-2-2.9-4.7-1-7.2L9 1.2h6l-2 3c1.900 2.5 1.5 5.2-1 7.2Z" fill="var(--accent)" />
    </svg>
  );
}
