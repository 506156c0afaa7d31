// CSV for spreadsheets and other systems: RFC 4180, and no cell that a spreadsheet would run.
import type { Transform } from 'node:stream'
import { stringify } from 'csv-stringify'

/**
 * What makes a spreadsheet take a cell for a formula: = + - @ and their full-width forms, also after white space or
 * control characters, and a leading tab, carriage return or line feed.
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
const RUNS = /^(?:[\t\r\n\0]|[\s\p{Cc}\p{Cf}\u3164]*[=+\-@＝＋－＠﹢﹣﹦﹫])/u

/** Puts a `'` before a cell that a spreadsheet would run. It then shows the text as it is. */
export function neutralise(cell: string): string {
  return RUNS.test(cell) ? `'${cell}` : cell
}

/** Several values in one cell: joined by `;`, a `;` inside a value written `\;`. */
export function joinValues(values: readonly string[]): string {
  return values.map((value) => value.replaceAll(';', '\\;')).join(';')
}

/** Turns rows of cells into CSV text with lines ending in CRLF. Every cell goes through {@link neutralise}. */
export function createCsv(): Transform {
  return stringify({
    record_delimiter: '\r\n',
    cast: {
      string: (cell: string) => neutralise(cell),
      boolean: (flag: boolean) => String(flag),
    },
  })
}
