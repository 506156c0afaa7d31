// Reading the JSON that comes to the administration interface.

export type Input = Readonly<Record<string, unknown>>

/** What was sent cannot be used; the message says what is wrong with it. */
export class BadInput extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'BadInput'
  }
}

/** An empty body is an empty object. @throws BadInput */
export function parseInput(body: Uint8Array): Input {
  if (body.length === 0) return {}
  try {
    return asRecord(JSON.parse(new TextDecoder().decode(body)), 'the body')
  } catch (error) {
    if (error instanceof SyntaxError) throw new BadInput('the body is not JSON')
    throw error
  }
}

export function text(input: Input, name: string): string {
  const value = input[name]
  if (typeof value !== 'string' || value === '') throw new BadInput(`${name} must be a text`)
  return value
}

export function optionalText(input: Input, name: string): string | undefined {
  return input[name] === undefined ? undefined : text(input, name)
}

export function number(input: Input, name: string): number {
  const value = input[name]
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw new BadInput(`${name} must be a number, 0 or more`)
  return value
}

export function flag(input: Input, name: string): boolean {
  const value = input[name]
  if (typeof value !== 'boolean') throw new BadInput(`${name} must be true or false`)
  return value
}

export function textList(input: Input, name: string): readonly string[] {
  const value = input[name]
  if (!Array.isArray(value)) throw new BadInput(`${name} must be a list of texts`)
  return value.map((entry: unknown) => {
    if (typeof entry !== 'string') throw new BadInput(`${name} must be a list of texts`)
    return entry
  })
}

export function record(input: Input, name: string): Input {
  return asRecord(input[name], name)
}

function asRecord(value: unknown, name: string): Input {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadInput(`${name} must be an object`)
  return Object.fromEntries(Object.entries(value))
}
