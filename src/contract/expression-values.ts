// What expressions compute with: texts, numbers, truth values and lists of texts, how one becomes the other, and their bounds.

/** A kind of value, known when the expression is saved. */
export type ValueType = 'text' | 'number' | 'truth' | 'list'
export type Value = string | number | boolean | readonly string[]

/** Longest text, in characters. */
export const MAX_VALUE_LENGTH = 10_000
/** Most values of a list, and most characters of all of them together. */
export const MAX_LIST_LENGTH = 1_000
const MAX_LIST_CHARACTERS = 100_000
/** Work that regular expressions may do for one object: size of the program times characters looked at. About 0.1 s at the most, and only for a hostile text. */
const MAX_MATCHING_WORK = 400_000

/** Why an expression has no value for one object: never repeats the value. Thrown inside expressions only, see `evaluateExpression`. */
export class Failure extends Error {
  /** The function that failed, once it is known. */
  readonly functionName: string | undefined
  constructor(message: string, functionName?: string) {
    super(message)
    this.functionName = functionName
  }
}

/** What an evaluation reads and how much it may still spend. */
export class Evaluation {
  readonly read: (attribute: string) => readonly string[]
  #work = MAX_MATCHING_WORK

  /** @param read the values of an attribute, trimmed, blank ones left out; none where it is null */
  constructor(read: (attribute: string) => readonly string[]) {
    this.read = read
  }

  /** @throws Failure when regular expressions have worked more than one object is worth */
  spend(work: number): void {
    this.#work -= work
    if (this.#work < 0) throw new Failure('the text is too long for this regular expression')
  }
}

/** The value, when it is within the bounds. @throws Failure */
export function bounded(value: Value): Value {
  if (typeof value === 'string') {
    if (value.length > MAX_VALUE_LENGTH) throw new Failure(`the result is longer than ${MAX_VALUE_LENGTH} characters`)
    return value
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER)
      throw new Failure('the number is too large')
    return value
  }
  if (typeof value === 'boolean') return value
  if (value.length > MAX_LIST_LENGTH) throw new Failure(`the result has more than ${MAX_LIST_LENGTH} values`)
  let characters = 0
  for (const item of value) {
    characters += item.length
    if (item.length > MAX_VALUE_LENGTH || characters > MAX_LIST_CHARACTERS) throw new Failure('the result is too long')
  }
  return value
}

/** Of a list the first value, for a text stands for one. */
export function asText(value: Value): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return value[0] ?? ''
}

/** @throws Failure */
export function asNumber(value: Value): number {
  if (typeof value === 'number') return value
  const text = asText(value).trim()
  if (!/^-?\d{1,15}(?:\.\d{1,15})?$/.test(text)) throw new Failure('the text is not a number')
  return Number(text)
}

/** @param what names the argument in the message. @throws Failure */
export function wholeNumber(value: Value, what: string): number {
  const number = asNumber(value)
  if (!Number.isInteger(number)) throw new Failure(`${what} is not a whole number`)
  return number
}

/** @throws Failure */
export function asTruth(value: Value): boolean {
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return value !== 0
  const text = asText(value).trim().toLowerCase()
  if (text !== 'true' && text !== 'false' && text !== '') throw new Failure('the text is neither true nor false')
  return text === 'true'
}

export function asList(value: Value): readonly string[] {
  if (isList(value)) return value
  const text = asText(value)
  return text === '' ? [] : [text]
}

/** Null attributes are empty texts, and lists without values. */
export function isEmpty(value: Value): boolean {
  return value === '' || (isList(value) && value.every((item) => item === ''))
}

export function isList(value: Value): value is readonly string[] {
  return typeof value === 'object'
}

/** The kind of what is sometimes the one and sometimes the other. */
export function commonType(types: readonly ValueType[]): ValueType {
  if (types.includes('list')) return 'list'
  const [first] = types
  return first !== undefined && types.every((type) => type === first) ? first : 'text'
}
