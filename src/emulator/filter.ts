// `$filter`: text to tree. What the tree may contain for which resource is decided in filterrules.ts.
import { badRequest } from './respond.ts'

export type Literal = string | number | boolean | null

export type Operator = 'eq' | 'ne' | 'ge' | 'le' | 'gt' | 'lt' | 'startsWith' | 'endsWith' | 'contains'

/** `path` is a property, a sub-property with `/`, or inside `any` what follows the variable (empty for itself). */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly left: Filter; readonly right: Filter }
  | { readonly kind: 'not'; readonly inner: Filter }
  | { readonly kind: 'compare'; readonly operator: Operator; readonly path: string; readonly value: Literal }
  | { readonly kind: 'in'; readonly path: string; readonly values: readonly Literal[] }
  | { readonly kind: 'any'; readonly path: string; readonly inner: Filter }

type Token =
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'word'; readonly value: string }
  | { readonly kind: 'mark'; readonly value: string }

const COMPARISONS: ReadonlyMap<string, Operator> = new Map([
  ['eq', 'eq'],
  ['ne', 'ne'],
  ['ge', 'ge'],
  ['le', 'le'],
  ['gt', 'gt'],
  ['lt', 'lt'],
])

const FUNCTIONS: ReadonlyMap<string, Operator> = new Map([
  ['startswith', 'startsWith'],
  ['endswith', 'endsWith'],
  ['contains', 'contains'],
])

/** Nesting that nobody writes by hand; keeps the parser's recursion bounded. */
const MAX_DEPTH = 100

/**
 * Reads an OData filter expression. Function and operator names are taken without regard to case, as Graph does.
 *
 * @throws GraphRefusal 400 `BadRequest` for what is not an expression
 */
export function parseFilter(text: string): Filter {
  const parser = new Parser(tokenize(text))
  const filter = parser.either('', 0)
  parser.expectEnd()
  return filter
}

function tokenize(text: string): Token[] {
  const pattern = /\s*(?:'((?:[^']|'')*)'|([(),])|([^\s(),']+))/gy
  const tokens: Token[] = []
  const length = text.trimEnd().length
  while (pattern.lastIndex < length) {
    const match = pattern.exec(text)
    if (match === null) throw badRequest('There is an unterminated string literal in the filter.')
    const [, quoted, mark, word] = match
    if (quoted !== undefined) tokens.push({ kind: 'text', value: quoted.replaceAll("''", "'") })
    else if (mark !== undefined) tokens.push({ kind: 'mark', value: mark })
    else if (word !== undefined) tokens.push({ kind: 'word', value: word })
  }
  return tokens
}

class Parser {
  readonly #tokens: readonly Token[]
  #next = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  expectEnd(): void {
    const rest = this.#tokens[this.#next]
    if (rest !== undefined) throw syntaxError(rest)
  }

  either(variable: string, depth: number): Filter {
    if (depth > MAX_DEPTH) throw badRequest('The filter is nested too deeply.')
    let left = this.#both(variable, depth)
    while (this.#takeWord('or')) left = { kind: 'or', left, right: this.#both(variable, depth) }
    return left
  }

  #both(variable: string, depth: number): Filter {
    let left = this.#one(variable, depth)
    while (this.#takeWord('and')) left = { kind: 'and', left, right: this.#one(variable, depth) }
    return left
  }

  #one(variable: string, depth: number): Filter {
    if (depth > MAX_DEPTH) throw badRequest('The filter is nested too deeply.')
    if (this.#takeWord('not')) return { kind: 'not', inner: this.#one(variable, depth + 1) }
    if (this.#takeMark('(')) {
      const inner = this.either(variable, depth + 1)
      this.#expectMark(')')
      return inner
    }
    const word = this.#expectWord()
    const operator = FUNCTIONS.get(word.toLowerCase())
    if (operator !== undefined && this.#takeMark('(')) {
      const path = pathOf(this.#expectWord(), variable)
      this.#expectMark(',')
      const value = this.#literal()
      this.#expectMark(')')
      // `startsWith(..) eq true` is the older spelling
      if (this.#takeWord('eq') && this.#literal() !== true) throw badRequest('Only eq true may follow a function.')
      return { kind: 'compare', operator, path, value }
    }
    if (word.endsWith('/any') && this.#takeMark('(')) return this.#any(pathOf(word.slice(0, -4), variable), depth)
    return this.#comparison(pathOf(word, variable))
  }

  #any(path: string, depth: number): Filter {
    // the variable stands before a colon, glued to the first word: `c:c`, `p:startsWith`
    const token = this.#tokens[this.#next]
    const colon = token?.kind === 'word' ? token.value.indexOf(':') : -1
    if (token === undefined || colon < 1) throw syntaxError(token)
    const rest = token.value.slice(colon + 1)
    const variable = token.value.slice(0, colon)
    const parser = new Parser([
      ...(rest === '' ? [] : [{ kind: 'word' as const, value: rest }]),
      ...this.#tokens.slice(this.#next + 1),
    ])
    const inner = parser.either(variable, depth + 1)
    parser.#expectMark(')')
    this.#next += 1 + parser.#next - (rest === '' ? 0 : 1)
    return { kind: 'any', path, inner }
  }

  #comparison(path: string): Filter {
    const word = this.#expectWord().toLowerCase()
    if (word === 'in') {
      this.#expectMark('(')
      const values = [this.#literal()]
      while (this.#takeMark(',')) values.push(this.#literal())
      this.#expectMark(')')
      return { kind: 'in', path, values }
    }
    const operator = COMPARISONS.get(word)
    if (operator === undefined) throw badRequest(`Invalid filter clause: unknown operator '${word}'.`)
    return { kind: 'compare', operator, path, value: this.#literal() }
  }

  #literal(): Literal {
    const token = this.#tokens[this.#next]
    this.#next += 1
    if (token?.kind === 'text') return token.value
    if (token?.kind !== 'word') throw syntaxError(token)
    if (token.value === 'null') return null
    if (token.value === 'true' || token.value === 'false') return token.value === 'true'
    if (/^-?\d+(\.\d+)?$/.test(token.value)) return Number(token.value)
    // dates and GUIDs stand without quotes
    if (/^[0-9A-Fa-f][0-9A-Fa-f:.TZ+-]+$/.test(token.value)) return token.value
    throw syntaxError(token)
  }

  #takeWord(word: string): boolean {
    const token = this.#tokens[this.#next]
    if (token?.kind !== 'word' || token.value.toLowerCase() !== word) return false
    this.#next += 1
    return true
  }

  #takeMark(mark: string): boolean {
    const token = this.#tokens[this.#next]
    if (token?.kind !== 'mark' || token.value !== mark) return false
    this.#next += 1
    return true
  }

  #expectWord(): string {
    const token = this.#tokens[this.#next]
    if (token?.kind !== 'word') throw syntaxError(token)
    this.#next += 1
    return token.value
  }

  #expectMark(mark: string): void {
    if (!this.#takeMark(mark)) throw syntaxError(this.#tokens[this.#next])
  }
}

function pathOf(word: string, variable: string): string {
  if (variable === '') return word
  if (word === variable) return ''
  if (word.startsWith(`${variable}/`)) return word.slice(variable.length + 1)
  throw badRequest(`Could not find a property named '${word}' inside any().`)
}

function syntaxError(token: Token | undefined) {
  const where = token === undefined ? 'at the end' : `at '${token.value}'`
  return badRequest(`Invalid filter clause: syntax error ${where}.`)
}
