// The syntax of expressions: functions, attributes in square brackets, texts in double quotes, numbers, true and false, comparisons
// and And, Or, Not. The words are those of provisioning expressions in Entra:
// https://learn.microsoft.com/entra/identity/app-provisioning/functions-for-customizing-application-data (seen 2026-11).

/** Longest expression, in characters. */
export const MAX_EXPRESSION_LENGTH = 2_000
/** How deep parentheses and functions may stand in each other. */
const MAX_NESTING = 30

/** A part of an expression. `at`: where it begins, as an offset from 0. Operators are calls by their sign. */
export type ExpressionNode =
  | { readonly kind: 'text'; readonly value: string; readonly at: number }
  | { readonly kind: 'number'; readonly value: number; readonly at: number }
  | { readonly kind: 'truth'; readonly value: boolean; readonly at: number }
  | { readonly kind: 'attribute'; readonly name: string; readonly at: number }
  | {
      readonly kind: 'call'
      readonly name: string
      /** `undefined` where an argument was left out between two commas. */
      readonly args: readonly (ExpressionNode | undefined)[]
      readonly at: number
    }

/** A mistake and where it stands, as an offset from 0. */
export interface ExpressionProblem {
  readonly problem: string
  readonly at: number
}

export type ReadExpression =
  | { readonly kind: 'read'; readonly node: ExpressionNode }
  | ({ readonly kind: 'refused' } & ExpressionProblem)

/** Reads an expression without asking whether its functions and attributes exist; ends at the first mistake. */
export function readExpression(text: string): ReadExpression {
  if (text.length > MAX_EXPRESSION_LENGTH) {
    return refused(`the expression is longer than ${MAX_EXPRESSION_LENGTH} characters`, MAX_EXPRESSION_LENGTH)
  }
  try {
    const reader = new Reader(tokensOf(text), text.length)
    return { kind: 'read', node: reader.whole() }
  } catch (error) {
    if (error instanceof Mistake) return refused(error.message, error.at)
    throw error
  }
}

function refused(problem: string, at: number): ReadExpression {
  return { kind: 'refused', problem, at }
}

/** Thrown and caught in this file only. */
class Mistake extends Error {
  readonly at: number
  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

type Token =
  | { readonly kind: 'text' | 'attribute' | 'name' | 'sign'; readonly value: string; readonly at: number }
  | { readonly kind: 'number'; readonly value: number; readonly at: number }

const SPACE = /\s+/y
const NAME = /[A-Za-z_]\w*/y
const NUMBER = /\d{1,15}(?:\.\d{1,15})?/y
const SIGN = /<>|<=|>=|[()=<>,&+-]/y
const TEXT = /"((?:[^"\\]|\\[\s\S])*)"/y
const ATTRIBUTE = /\[([^[\]]*)\]/y

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found !== null) at = pattern.lastIndex
    return found
  }
  while (at < text.length) {
    if (take(SPACE) !== null) continue
    const start = at
    const quoted = take(TEXT)
    if (quoted !== null) {
      // Only \" and \\ are escapes, so that \d of a regular expression may be written as it is.
      tokens.push({ kind: 'text', value: (quoted[1] ?? '').replace(/\\(["\\])/g, '$1'), at: start })
      continue
    }
    const attribute = take(ATTRIBUTE)
    if (attribute !== null) {
      tokens.push({ kind: 'attribute', value: (attribute[1] ?? '').trim(), at: start })
      continue
    }
    const number = take(NUMBER)
    if (number !== null) {
      tokens.push({ kind: 'number', value: Number(number[0]), at: start })
      continue
    }
    const name = take(NAME)
    if (name !== null) {
      tokens.push({ kind: 'name', value: name[0], at: start })
      continue
    }
    const sign = take(SIGN)
    if (sign === null) throw new Mistake(unreadable(text.slice(start)), start)
    tokens.push({ kind: 'sign', value: sign[0], at: start })
  }
  return tokens
}

function unreadable(rest: string): string {
  if (rest.startsWith('"')) return 'the text has no closing "'
  if (rest.startsWith('[')) return 'the attribute has no closing ]'
  if (/^['‘’“”„]/.test(rest)) return 'texts stand in straight double quotes, as "text"'
  if (rest.startsWith('%'))
    return 'attributes stand in square brackets here, as [givenName]; percent signs are for templates'
  return `the character ${JSON.stringify(Array.from(rest)[0])} has no meaning here`
}

const COMPARISONS: readonly string[] = ['=', '<>', '<', '<=', '>', '>=']
/** Words that stand for a value. The two of VBA are what InStr takes. */
const CONSTANTS: Readonly<Record<string, boolean | number>> = {
  true: true,
  false: false,
  vbbinarycompare: 0,
  vbtextcompare: 1,
}

/** Recursive descent; Or binds weakest, then And, Not, comparisons, &, + and -. */
class Reader {
  readonly #tokens: readonly Token[]
  readonly #end: number
  #next = 0
  #depth = 0

  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens
    this.#end = end
  }

  whole(): ExpressionNode {
    if (this.#tokens.length === 0) throw new Mistake('the expression is empty', 0)
    const node = this.#or()
    const rest = this.#tokens[this.#next]
    if (rest !== undefined) throw new Mistake(`${shown(rest)} does not belong here`, rest.at)
    return node
  }

  #or(): ExpressionNode {
    let left = this.#and()
    while (this.#takeWord('or')) left = call('Or', [left, this.#and()], left.at)
    return left
  }

  #and(): ExpressionNode {
    let left = this.#not()
    while (this.#takeWord('and')) left = call('And', [left, this.#not()], left.at)
    return left
  }

  #not(): ExpressionNode {
    const token = this.#tokens[this.#next]
    const after = this.#tokens[this.#next + 1]
    const isPrefix = token?.kind === 'name' && token.value.toLowerCase() === 'not' && !isSign(after, '(')
    if (!isPrefix) return this.#comparison()
    this.#next += 1
    return this.#deeper(token.at, () => call('Not', [this.#not()], token.at))
  }

  #comparison(): ExpressionNode {
    const left = this.#joined()
    const sign = this.#takeSign(COMPARISONS)
    if (sign === undefined) return left
    const node = call(sign.value, [left, this.#joined()], left.at)
    const again = this.#tokens[this.#next]
    if (again?.kind === 'sign' && COMPARISONS.includes(again.value))
      throw new Mistake('a comparison cannot be compared again; use And between two of them', again.at)
    return node
  }

  #joined(): ExpressionNode {
    let left = this.#sum()
    for (let sign = this.#takeSign(['&']); sign !== undefined; sign = this.#takeSign(['&']))
      left = call('&', [left, this.#sum()], left.at)
    return left
  }

  #sum(): ExpressionNode {
    let left = this.#operand()
    for (let sign = this.#takeSign(['+', '-']); sign !== undefined; sign = this.#takeSign(['+', '-']))
      left = call(sign.value, [left, this.#operand()], left.at)
    return left
  }

  #operand(): ExpressionNode {
    const token = this.#tokens[this.#next]
    if (token === undefined) throw new Mistake('the expression ends where a value is expected', this.#end)
    this.#next += 1
    switch (token.kind) {
      case 'text':
        return { kind: 'text', value: token.value, at: token.at }
      case 'number':
        return { kind: 'number', value: token.value, at: token.at }
      case 'attribute':
        if (token.value === '')
          throw new Mistake('the brackets are empty; an attribute is written as [givenName]', token.at)
        return { kind: 'attribute', name: token.value, at: token.at }
      case 'name':
        return this.#named(token.value, token.at)
      case 'sign':
        if (token.value === '(') {
          return this.#deeper(token.at, () => {
            const inner = this.#or()
            this.#close(token.at)
            return inner
          })
        }
        if (token.value === '-') return this.#negative(token.at)
        throw new Mistake(`a value is expected here, not ${token.value}`, token.at)
    }
  }

  #negative(at: number): ExpressionNode {
    const token = this.#tokens[this.#next]
    if (token?.kind !== 'number') throw new Mistake('a minus sign stands before a number or between two', at)
    this.#next += 1
    return { kind: 'number', value: -token.value, at }
  }

  #named(name: string, at: number): ExpressionNode {
    const opening = this.#tokens[this.#next]
    if (opening !== undefined && isSign(opening, '(')) {
      this.#next += 1
      return this.#deeper(at, () => call(name, this.#arguments(opening.at), at))
    }
    const word = name.toLowerCase()
    const constant = Object.hasOwn(CONSTANTS, word) ? CONSTANTS[word] : undefined
    if (typeof constant === 'boolean') return { kind: 'truth', value: constant, at }
    if (typeof constant === 'number') return { kind: 'number', value: constant, at }
    throw new Mistake(
      `"${name}" is neither a function nor a value: attributes are written as [${name}], texts as "${name}", functions as ${name}(…)`,
      at,
    )
  }

  #arguments(opened: number): readonly (ExpressionNode | undefined)[] {
    if (this.#takeSign([')']) !== undefined) return []
    const args: (ExpressionNode | undefined)[] = []
    for (;;) {
      const token = this.#tokens[this.#next]
      args.push(isSign(token, ',') || isSign(token, ')') ? undefined : this.#or())
      if (this.#takeSign([',']) !== undefined) continue
      this.#close(opened)
      return args
    }
  }

  #close(opened: number): void {
    if (this.#takeSign([')']) !== undefined) return
    const token = this.#tokens[this.#next]
    if (token === undefined)
      throw new Mistake(`the parenthesis opened at character ${opened + 1} is not closed`, this.#end)
    throw new Mistake(`, or ) is expected here, not ${shown(token)}`, token.at)
  }

  #deeper(at: number, read: () => ExpressionNode): ExpressionNode {
    this.#depth += 1
    if (this.#depth > MAX_NESTING) throw new Mistake(`functions stand more than ${MAX_NESTING} deep in each other`, at)
    const node = read()
    this.#depth -= 1
    return node
  }

  #takeSign(values: readonly string[]): { readonly value: string } | undefined {
    const token = this.#tokens[this.#next]
    if (token?.kind !== 'sign' || !values.includes(token.value)) return undefined
    this.#next += 1
    return token
  }

  #takeWord(word: string): boolean {
    const token = this.#tokens[this.#next]
    if (token?.kind !== 'name' || token.value.toLowerCase() !== word) return false
    this.#next += 1
    return true
  }
}

function call(name: string, args: readonly (ExpressionNode | undefined)[], at: number): ExpressionNode {
  return { kind: 'call', name, args, at }
}

function isSign(token: Token | undefined, value: string): boolean {
  return token?.kind === 'sign' && token.value === value
}

function shown(token: Token): string {
  if (token.kind === 'text') return 'a text'
  if (token.kind === 'attribute') return `[${token.value}]`
  return String(token.value)
}
