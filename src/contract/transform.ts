// Card transformations: what a reader sends and what Entra holds are seldom written alike. A pipeline of small steps on text, exact
// for numbers of any length. Pure.

/** A parsed pipeline. */
export type Transform = readonly Step[]

interface Step {
  /** As it was written, for messages. */
  readonly text: string
  readonly run: (value: string) => StepResult
}

type StepResult = { readonly value: string } | { readonly problem: string }

export type ParsedTransform =
  | { readonly kind: 'parsed'; readonly transform: Transform }
  /** `at`: offset in the text, from 0. */
  | { readonly kind: 'refused'; readonly problem: string; readonly at: number }

type Argument = 'count' | 'position' | 'character' | 'text'

interface Definition {
  readonly takes: readonly Argument[]
  readonly make: (...args: readonly string[]) => (value: string) => StepResult
}

const ok = (value: string): StepResult => ({ value })

const STEPS: Readonly<Record<string, Definition>> = {
  ltrim: { takes: ['count'], make: (n) => (v) => ok(chars(v).slice(Number(n)).join('')) },
  rtrim: {
    takes: ['count'],
    make: (n) => (v) =>
      ok(
        chars(v)
          .slice(0, Math.max(0, chars(v).length - Number(n)))
          .join(''),
      ),
  },
  left: { takes: ['count'], make: (n) => (v) => ok(chars(v).slice(0, Number(n)).join('')) },
  right: {
    takes: ['count'],
    make: (n) => (v) =>
      ok(
        chars(v)
          .slice(Math.max(0, chars(v).length - Number(n)))
          .join(''),
      ),
  },
  mid: {
    takes: ['position', 'count'],
    make: (a, b) => (v) =>
      ok(
        chars(v)
          .slice(Number(a) - 1, Number(a) - 1 + Number(b))
          .join(''),
      ),
  },
  lpad: {
    takes: ['count', 'character'],
    make:
      (n, c = '') =>
      (v) =>
        ok(v.padStart(Number(n), c)),
  },
  prepend: {
    takes: ['text'],
    make:
      (s = '') =>
      (v) =>
        ok(s + v),
  },
  append: {
    takes: ['text'],
    make:
      (s = '') =>
      (v) =>
        ok(v + s),
  },
  hex2dec: { takes: [], make: () => (v) => convert(v, 16, 10) },
  dec2hex: { takes: [], make: () => (v) => convert(v, 10, 16) },
  hex2bin: { takes: [], make: () => (v) => convert(v, 16, 2) },
  bin2hex: { takes: [], make: () => (v) => convert(v, 2, 16) },
  dec2bin: { takes: [], make: () => (v) => convert(v, 10, 2) },
  bin2dec: { takes: [], make: () => (v) => convert(v, 2, 10) },
  reverse: { takes: [], make: () => reversePairs },
  upper: { takes: [], make: () => (v) => ok(v.toUpperCase()) },
  lower: { takes: [], make: () => (v) => ok(v.toLowerCase()) },
  strip: {
    takes: ['text'],
    make: (set = '') => {
      const unwanted = new Set(chars(set))
      return (v) =>
        ok(
          chars(v)
            .filter((c) => !unwanted.has(c))
            .join(''),
        )
    },
  },
}

/** Longest value that a step may make; a number that grows beyond it is a mistake in the pipeline. */
const MAX_LENGTH = 1_000

/** Applies a pipeline. A problem names the step and never the value. */
export function applyTransform(transform: Transform, value: string): StepResult {
  let current = value
  for (const step of transform) {
    const result = step.run(current)
    if ('problem' in result) return { problem: `${step.text}: ${result.problem}` }
    if (result.value.trim() === '') return { problem: `${step.text}: nothing is left of the value` }
    if (result.value.length > MAX_LENGTH)
      return { problem: `${step.text}: the result is longer than ${MAX_LENGTH} characters` }
    current = result.value
  }
  // Values are kept without outer white space, which a step may have laid bare.
  return { value: current.trim() }
}

const TOKEN = /\s*(?:([A-Za-z]\w*)\s*(\()?)/y
const ARGUMENT = /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s,()'"]+))\s*([,)])/y

/** Reads a pipeline such as `strip(':') hex2dec`. Steps stand one after the other; parentheses may be left out where nothing is in them. */
export function parseTransform(text: string): ParsedTransform {
  const steps: Step[] = []
  let at = 0
  while (text.slice(at).trim() !== '') {
    TOKEN.lastIndex = at
    const found = TOKEN.exec(text)
    const start = at + (text.slice(at).length - text.slice(at).trimStart().length)
    if (found === null) return { kind: 'refused', problem: `a step is a name such as hex2dec or left(8)`, at: start }
    const [, name = '', paren] = found
    const definition = Object.hasOwn(STEPS, name) ? STEPS[name] : undefined
    if (definition === undefined)
      return {
        kind: 'refused',
        problem: `there is no step "${name}"; there are ${Object.keys(STEPS).join(', ')}`,
        at: start,
      }
    at = TOKEN.lastIndex
    const args: string[] = []
    if (paren !== undefined) {
      const read = readArguments(text, at)
      if ('problem' in read) return { kind: 'refused', problem: read.problem, at: read.at }
      args.push(...read.args)
      at = read.end
    }
    const problem = argumentProblem(name, definition, args)
    if (problem !== undefined) return { kind: 'refused', problem, at: start }
    steps.push({ text: text.slice(start, at), run: definition.make(...args) })
  }
  if (steps.length === 0) return { kind: 'refused', problem: 'the transformation is empty', at: 0 }
  return { kind: 'parsed', transform: steps }
}

type ReadArguments =
  | { readonly args: readonly string[]; readonly end: number }
  | { readonly problem: string; readonly at: number }

function readArguments(text: string, from: number): ReadArguments {
  const close = /\s*\)/y
  close.lastIndex = from
  if (close.exec(text) !== null) return { args: [], end: close.lastIndex }
  const args: string[] = []
  for (let at = from; ; ) {
    ARGUMENT.lastIndex = at
    const found = ARGUMENT.exec(text)
    if (found === null) return { problem: 'an argument is a number or a text in quotes, followed by , or )', at }
    const [, single, double, bare, end] = found
    args.push(bare ?? (single ?? double ?? '').replace(/\\(.)/g, '$1'))
    at = ARGUMENT.lastIndex
    if (end === ')') return { args, end: at }
  }
}

function argumentProblem(name: string, definition: Definition, args: readonly string[]): string | undefined {
  const { takes } = definition
  if (args.length !== takes.length) {
    return `${name} takes ${takes.length === 0 ? 'nothing' : takes.join(' and ')}, not ${args.length} argument${args.length === 1 ? '' : 's'}`
  }
  for (const [index, kind] of takes.entries()) {
    const value = args[index] ?? ''
    if ((kind === 'count' || kind === 'position') && !/^\d{1,4}$/.test(value))
      return `${name} takes a whole number up to 9999, not "${value}"`
    if (kind === 'position' && Number(value) < 1) return `${name} counts characters from 1`
    if (kind === 'character' && chars(value).length !== 1) return `${name} takes one character, not "${value}"`
    if (kind === 'text' && value === '') return `${name} takes a text that is not empty`
  }
  return undefined
}

const DIGITS: Readonly<Record<number, RegExp>> = { 2: /^[01]+$/, 10: /^\d+$/, 16: /^[\da-fA-F]+$/ }
const PREFIX: Readonly<Record<number, string>> = { 2: '0b', 10: '', 16: '0x' }
const BASE_NAMES: Readonly<Record<number, string>> = { 2: 'binary', 10: 'decimal', 16: 'hexadecimal' }

function convert(value: string, from: 2 | 10 | 16, to: 2 | 10 | 16): StepResult {
  if (DIGITS[from]?.test(value) !== true)
    return { problem: `the value has characters that are no ${BASE_NAMES[from]} digits` }
  return { value: BigInt(`${PREFIX[from]}${value}`).toString(to).toUpperCase() }
}

function reversePairs(value: string): StepResult {
  const all = chars(value)
  if (all.length % 2 !== 0)
    return { problem: `the value has an odd number of digits (${all.length}), so its pairs cannot be turned` }
  const pairs: string[] = []
  for (let index = 0; index < all.length; index += 2) pairs.unshift(`${all[index]}${all[index + 1]}`)
  return { value: pairs.join('') }
}

function chars(value: string): readonly string[] {
  return Array.from(value)
}
