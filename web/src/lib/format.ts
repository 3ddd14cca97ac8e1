// SPDX-License-Identifier: Apache-2.0
// Numbers, sizes, times: one way to write each.
import type { Fields, Json } from '../api';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
export const number = (n: number) => whole.format(n);

/** 950, 12.4 k, 3.1 M */
export function short(n: number): string {
  const a = Math.abs(n);
  if (a < 10_000) return a < 10 && n % 1 ? n.toFixed(1) : whole.format(n);
  if (a < 1e6) return (n / 1e3).toFixed(a < 1e5 ? 1 : 0) + ' k';
  if (a < 1e9) return (n / 1e6).toFixed(a < 1e8 ? 1 : 0) + ' M';
  return (n / 1e9).toFixed(1) + ' G';
}
export function bytes(n: number): string {
  if (n < 1024) return `${n} B`;
  const units = ['KB', 'MB', 'GB', 'TB'];
  let i = -1;
  do {
    n /= 1024;
    i++;
  } while (n >= 1024 && i < units.length - 1);
  return `${n < 10 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}
export const percent = (x: number) => `${Math.round(x * 100)} %`;
export const plural = (n: number, one: string, many = one + 's') => `${number(n)} ${n === 1 ? one : many}`;

/** 840 ms, 2.4 s, 3 min 20 s, 4 h 10 min, 3 d 2 h */
export function duration(ms: number): string {
  const neg = ms < 0 ? '−' : '';
  ms = Math.abs(ms);
  if (ms < 1000) return `${neg}${Math.round(ms)} ms`;
  if (ms < 59_950) return `${neg}${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;
  const s = Math.round(ms / 1000);
  const two = (a: number, ua: string, b: number, ub: string) => `${neg}${a} ${ua}${b ? ` ${b} ${ub}` : ''}`;
  if (s < 3600) return two(Math.floor(s / 60), 'min', s % 60, 's');
  const m = Math.round(s / 60);
  if (m < 1440) return two(Math.floor(m / 60), 'h', m % 60, 'min');
  const h = Math.round(m / 60);
  return two(Math.floor(h / 24), 'd', h % 24, 'h');
}

/** Ages go by the server's clock: a browser's may be minutes off. */
let ahead = 0;
export const setServerTime = (now: string) => void (ahead = Date.parse(now) - Date.now());
export const serverNow = () => Date.now() + ahead;

export function ago(time: string | null | undefined, now = serverNow()): string {
  if (!time) return '–';
  const ms = now - Date.parse(time);
  if (ms < 0) return ms > -2000 ? 'now' : `in ${duration(-ms)}`;
  if (ms < 1500) return 'now';
  const s = Math.round(ms / 1000);
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} d ago`;
}

const pad = (n: number, w = 2) => String(n).padStart(w, '0');
/** Times are shown in UTC, as the server and the events have them. */
export function clock(time: string | number, ms = false): string {
  const d = new Date(time);
  const s = `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}:${pad(d.getUTCSeconds())}`;
  return ms ? `${s}.${pad(d.getUTCMilliseconds(), 3)}` : s;
}
export function dateOf(time: string | number): string {
  const d = new Date(time);
  return `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())}`;
}
/** The date only if it is not today's. */
export function when(time: string | number | null | undefined, ms = false): string {
  if (time === null || time === undefined) return '–';
  const day = dateOf(time);
  const at = clock(time, ms);
  return day === dateOf(Date.now()) ? at : `${day} ${at}`;
}
export const full = (time: string | number | null | undefined) =>
  time === null || time === undefined ? '–' : `${dateOf(time)} ${clock(time, true)} UTC`;

export function value(v: Json | undefined): string {
  if (v === undefined || v === null) return 'null';
  if (typeof v === 'string') return v;
  if (typeof v === 'number' || typeof v === 'boolean') return String(v);
  return JSON.stringify(v);
}
/** The same for people: times as the clock has them. */
export const shown = (v: Json | undefined): string =>
  typeof v === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(v) ? when(v, !v.endsWith('.000Z')) : value(v);
/** {"card":"c_17"} → "c_17"; several keys → "c_17 · MX" */
export const keyText = (key: Fields | null) => (key ? Object.values(key).map(value).join(' · ') : '');

/** The key as the list of alerts is asked for it. */
export const keyParam = (key: Fields | null) => (key ? Object.values(key).map(value).join(',') : '');

/** A title template of a rule may name fields: the server fills it; else the rule's name in words. */
export const ruleTitle = (title: string | null | undefined, rule: string) =>
  title && title.trim() ? title : rule.replace(/[_-]+/g, ' ').replace(/^./, (c) => c.toUpperCase());
