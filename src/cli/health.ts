// What is said of sources that are failing, for people.
import { shellWord } from '../base/shell.ts'
import type { SourceHealthLine, UndeliveredLine } from '../contract/health.ts'
import { type Io, printable, writeLine } from './io.ts'

/** A paragraph for each source that is not healthy; nothing where all are. */
export function writeHealth(io: Io, lines: readonly SourceHealthLine[]): void {
  const failing = lines.filter((line) => line.state !== 'healthy')
  for (const line of failing) writeLine(io, healthText(line))
  if (failing.length > 0) writeLine(io)
}

function healthText(line: SourceHealthLine): string {
  const { source, state, since, failures, reason, remedy, nextTryAt } = line
  const inARow = failures > 1 ? `, ${failures} failed runs in a row` : ''
  const wait =
    nextTryAt === null
      ? ''
      : ` Its schedule tries again after ${shortTime(nextTryAt)}; muster sync ${shellWord(printable(source))} tries now.`
  const what = printable(
    [reason, remedy]
      .filter((text) => text !== null)
      .map(sentence)
      .join(' '),
  )
  return `${printable(source)} is ${state.toUpperCase()} since ${shortTime(since ?? '')}${inARow}: ${what}${wait}`
}

/** Ends with a full stop, whatever ended it before; an address keeps its end. */
function sentence(text: string): string {
  return /[.!?]$|\S*:\/\/\S*$/.test(text) ? text : `${text}.`
}

function shortTime(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`
}

/** One line for each sink that did not take alerts. */
export function writeUndelivered(io: Io, lines: readonly UndeliveredLine[]): void {
  for (const { sink, count, problem, nextTryAt } of lines) {
    const what = count === 1 ? '1 alert could not be delivered' : `${count} alerts could not be delivered`
    const next = nextTryAt === null ? 'given up' : `the next run after ${shortTime(nextTryAt)} tries again`
    writeLine(io, `${what}: ${sink}: ${printable(problem)}; ${next}.`)
  }
}
