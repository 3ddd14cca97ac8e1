// SPDX-License-Identifier: Apache-2.0
// JSON as text: laid out and put on one line without touching a number, so that 12.50 stays 12.50.

/** Null: it is JSON; else what is wrong with it. */
export function wrongWith(text: string): string | null {
  try {
    const v: unknown = JSON.parse(text);
    return v !== null && typeof v === 'object' && !Array.isArray(v) ? null : 'An event is a JSON object: { … }';
  } catch (e) {
    return `This is not JSON: ${e instanceof Error ? e.message : e}`;
  }
}

/** A field a line. What is no JSON stays as it is. */
export function laidOut(text: string): string {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let out = '';
  let depth = 0;
  const line = () => '\n' + '  '.repeat(depth);
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '"') {
      const from = i++;
      for (; text[i] !== '"'; i++) if (text[i] === '\\') i++;
      out += text.slice(from, i + 1);
    } else if (c === '{' || c === '[') {
      const end = /^\s*[}\]]/.exec(text.slice(i + 1));
      if (end) {
        out += c + end[0].trim();
        i += end[0].length;
      } else {
        depth++;
        out += c + line();
      }
    } else if (c === '}' || c === ']') {
      depth--;
      out += line() + c;
    } else if (c === ',') out += c + line();
    else if (c === ':') out += ': ';
    else if (!/\s/.test(c)) out += c;
  }
  return out;
}
