// CSV for spreadsheets and other systems: RFC 4180, and no cell that a spreadsheet would run.
import { stringify } from 'csv-stringify/sync'

/**
 * What makes a spreadsheet take a cell for a formula: = + - @ and their full-width forms, also after white space or
 * control characters, and a leading tab, carriage return or line feed.
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
const RUNS = /^'*(?:[\t\r\n\0]|[\s\p{Cc}\p{Cf}\u3164]*[=+\-@＝＋－＠﹢﹣﹦﹫])/u

/**
 * Puts a `'` before a cell that a spreadsheet would run. It then shows the text as it is.
 * A cell that looks neutralised already gets one more, so that taking one away always gives back what was meant.
 */
export function neutralise(cell: string): string {
  return RUNS.test(cell) ? `'${cell}` : cell
}

/**
 * Several values in one cell: joined by `;`, a `;` inside a value written `\;`. Backslashes just before a `;` or at the end
 * of a value are doubled; all others stand for themselves, so that `DOMAIN\ada` and a path with `\|` stay as they are.
 * To read it: of n backslashes before a `;` or the end, half are meant; where n is odd, so is the `;`.
 */
export function joinValues(values: readonly string[]): string {
  return values.map((value) => value.replace(/(\\*)(;|$)/g, joined)).join(';')
}

function joined(_: string, backslashes: string, end: string): string {
  return backslashes + backslashes + (end === '' ? '' : `\\${end}`)
}

/** Rows of cells as CSV text, lines ending in CRLF; cells with a line end of any kind are quoted. Every cell goes through {@link neutralise}. */
export function writeCsv(rows: readonly (readonly unknown[])[]): string {
  return stringify([...rows], {
    record_delimiter: '\r\n',
    // Any line end begins a row somewhere, and what follows it would then begin a cell.
    quoted_match: /[\r\n\u0085\u2028\u2029]/,
    cast: {
      string: (cell: string) => neutralise(cell),
      boolean: (flag: boolean) => String(flag),
    },
  })
}
