// What a command writes to: documents or text on standard output, everything else on standard error.
import type { Writable } from 'node:stream'
import Table from 'cli-table3'

export interface Io {
  readonly stdout: Output
  readonly stderr: Output
}

/** A stream that may be a terminal. */
export type Output = Writable & { readonly isTTY?: boolean }

/** One JSON document. A command with `--json` calls this exactly once and writes nothing else to standard output. */
export function writeJson(io: Io, document: unknown): void {
  io.stdout.write(`${JSON.stringify(document)}\n`)
}

export function writeLine(io: Io, line = ''): void {
  io.stdout.write(`${line}\n`)
}

/** For people only; never part of what a program reads. */
export function writeNote(io: Io, line: string): void {
  io.stderr.write(`${line}\n`)
}

/**
 * A table of text. Control characters are made visible, because names come from outside and could steer a terminal.
 * Without a terminal it is drawn in the same way, so that a log shows what a person would see.
 */
export function writeTable(io: Io, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } })
  for (const row of rows) table.push(row.map(printable))
  writeLine(io, table.toString())
}

const CONTROL: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\x1b': '\\e' }

/** Text from outside without control characters and without the marks that turn the direction of writing. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (c) => CONTROL[c] ?? '\ufffd')
}
