// Expressions as settings write them: read, checked for functions, attributes and types, and made ready to be evaluated for 100,000
// people. Pure. An expression cannot loop, reaches nothing but the object's attributes, and everything it makes is bounded.
import { attributeKind, attributesOf } from '../directory/attributes.ts'
import { attributeMistake } from './attribute.ts'
import type { Argument, Arguments, Evaluator, FunctionDefinition, Parameter } from './expression-definition.ts'
import { findFunction, FUNCTIONS, REFUSED_FUNCTIONS } from './expression-functions.ts'
import { type ExpressionNode, type ExpressionProblem, readExpression } from './expression-syntax.ts'
import {
  asList,
  asText,
  bounded,
  Evaluation,
  Failure,
  isList,
  type Value,
  type ValueType,
} from './expression-values.ts'
import { nearest } from './nearest.ts'

/** An expression that was checked. */
export interface Expression {
  /** `list`: it may give several values. */
  readonly type: ValueType
  /** The Entra attributes that it is made of, each once. */
  readonly attributes: readonly string[]
  readonly evaluate: Evaluator
}

export type ParsedExpression =
  | { readonly kind: 'parsed'; readonly expression: Expression }
  /** One mistake at least; `at` is an offset in the text, from 0. */
  | { readonly kind: 'refused'; readonly problems: readonly ExpressionProblem[] }

/** More mistakes than these are not told at once. */
const MOST_PROBLEMS = 20

/** Reads and checks an expression: functions, numbers and types of arguments, attributes, regular expressions. */
export function parseExpression(text: string): ParsedExpression {
  const read = readExpression(text)
  if (read.kind === 'refused') return { kind: 'refused', problems: [{ problem: read.problem, at: read.at }] }
  const problems: ExpressionProblem[] = []
  const attributes = new Set<string>()
  const checked = check(read.node, { problems, attributes })
  if (checked === undefined || problems.length > 0)
    return { kind: 'refused', problems: problems.slice(0, MOST_PROBLEMS) }
  return {
    kind: 'parsed',
    expression: { type: checked.type, attributes: [...attributes], evaluate: checked.evaluate },
  }
}

export type Evaluated =
  /** Trimmed, blank ones left out; none: the expression is empty for this object. */
  | { readonly kind: 'values'; readonly values: readonly string[] }
  /** Names the function and why, never a value. */
  | { readonly kind: 'failed'; readonly problem: string }

/**
 * Evaluates an expression for one object; never throws.
 *
 * @param read values of an attribute or offered combination, trimmed, blank ones left out
 */
export function evaluateExpression(expression: Expression, read: (attribute: string) => readonly string[]): Evaluated {
  try {
    const value = expression.evaluate(new Evaluation(read))
    const texts = isList(value) ? value : [asText(value)]
    return { kind: 'values', values: texts.map((text) => text.trim()).filter((text) => text !== '') }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return {
      kind: 'failed',
      problem: error.functionName === undefined ? error.message : `${error.functionName}: ${error.message}`,
    }
  }
}

interface Checking {
  readonly problems: ExpressionProblem[]
  readonly attributes: Set<string>
}

/** `undefined`: something in it is wrong, and has been noted. */
function check(node: ExpressionNode, checking: Checking): Argument | undefined {
  switch (node.kind) {
    case 'text':
    case 'number':
    case 'truth': {
      const { value, at } = node
      return { type: node.kind, constant: value, at, evaluate: () => value }
    }
    case 'attribute':
      return checkAttribute(node.name, { at: node.at, checking })
    case 'call':
      return checkCall(node, checking)
  }
}

function checkAttribute(
  name: string,
  { at, checking }: { readonly at: number; readonly checking: Checking },
): Argument | undefined {
  const problem = attributeMistake(name)
  if (problem !== undefined) {
    checking.problems.push({ problem, at })
    return undefined
  }
  for (const part of attributesOf(name)) checking.attributes.add(part)
  const type = { several: 'list', truth: 'truth', one: 'text' } as const
  return { type: type[attributeKind(name)], constant: undefined, at, evaluate: readerOf(name) }
}

function readerOf(name: string): Evaluator {
  switch (attributeKind(name)) {
    case 'several':
      return (evaluation) => bounded(evaluation.read(name))
    case 'truth':
      return (evaluation) => {
        const text = evaluation.read(name)[0]
        return text === undefined ? '' : text === 'true'
      }
    case 'one':
      return (evaluation) => bounded(evaluation.read(name)[0] ?? '')
  }
}

type Call = Extract<ExpressionNode, { readonly kind: 'call' }>

function checkCall(node: Call, checking: Checking): Argument | undefined {
  const definition = findFunction(node.name)
  // Its arguments are checked as well, so that all mistakes are told at once.
  const before = checking.problems.length
  const given = node.args.map((argument) => (argument === undefined ? undefined : check(argument, checking)))
  const isArgumentWrong = checking.problems.length > before
  if (definition === undefined) {
    checking.problems.push({ problem: unknownFunction(node.name), at: node.at })
    return undefined
  }
  const problem = countProblem(definition, given.length)
  if (problem !== undefined) checking.problems.push({ problem, at: node.at })
  if (problem !== undefined || isArgumentWrong) return undefined
  // Empty places at the end say nothing, but Replace tells its two forms apart by their number.
  const wrong = argumentProblems(definition, given, node.at)
  checking.problems.push(...wrong)
  return wrong.length > 0 ? undefined : make(definition, { given, node, checking })
}

interface MakeOptions {
  readonly given: Arguments
  readonly node: Call
  readonly checking: Checking
}

function make(definition: FunctionDefinition, { given, node, checking }: MakeOptions): Argument | undefined {
  const [first] = given
  const eachValue = definition.perValue === true && first?.type === 'list'
  let current: Value = ''
  const args = eachValue ? [{ ...first, type: 'text' as const, evaluate: () => current }, ...given.slice(1)] : given
  const made = definition.make(args)
  if (typeof made !== 'function') {
    checking.problems.push(made)
    return undefined
  }
  const evaluate = named(definition, made)
  const type = typeof definition.result === 'function' ? definition.result(given) : definition.result
  if (!eachValue) return { type, constant: undefined, at: node.at, evaluate }
  return {
    type: 'list',
    constant: undefined,
    at: node.at,
    evaluate: (evaluation) =>
      bounded(
        asList(first.evaluate(evaluation)).map((item) => {
          current = item
          return asText(evaluate(evaluation))
        }),
      ),
  }
}

/** Bounds what a function makes, and tells which one failed. */
function named(definition: FunctionDefinition, evaluate: Evaluator): Evaluator {
  return (evaluation) => {
    try {
      return bounded(evaluate(evaluation))
    } catch (error) {
      if (error instanceof Failure && error.functionName === undefined)
        throw new Failure(error.message, definition.name)
      throw error
    }
  }
}

function unknownFunction(name: string): string {
  const refused = Object.hasOwn(REFUSED_FUNCTIONS, name.toLowerCase())
    ? REFUSED_FUNCTIONS[name.toLowerCase()]
    : undefined
  if (refused !== undefined) return refused
  const names = FUNCTIONS.map((definition) => definition.name)
  const near = nearest(name, names)
  return `there is no function "${name}"; ${near === undefined ? `there are ${names.join(', ')}` : `did you mean "${near}"?`}`
}

function countProblem(definition: FunctionDefinition, count: number): string | undefined {
  const { parameters, repeated } = definition
  const least = parameters.filter((parameter) => parameter.optional !== true).length
  const isRight =
    repeated === undefined
      ? count >= least && count <= parameters.length
      : count >= parameters.length + repeated.length && (count - parameters.length) % repeated.length === 0
  if (isRight) return undefined
  const names = parameters.map((parameter) => (parameter.optional === true ? `[${parameter.name}]` : parameter.name))
  const more = repeated === undefined ? [] : [...repeated.map((parameter) => `${parameter.name}1`), '…']
  const takes = [...names, ...more].join(', ')
  return `${definition.name} takes (${takes}), not ${count} argument${count === 1 ? '' : 's'}`
}

function argumentProblems(definition: FunctionDefinition, given: Arguments, at: number): ExpressionProblem[] {
  return given.flatMap((argument, index): ExpressionProblem[] => {
    const parameter = parameterAt(definition, index)
    if (parameter === undefined) return []
    if (argument === undefined) {
      return parameter.optional === true
        ? []
        : [{ problem: `${definition.name} needs a value for ${parameter.name}`, at }]
    }
    if (accepts(parameter, argument.type) || (definition.perValue === true && index === 0)) return []
    const expected = KINDS[parameter.type]
    const problem = `${definition.name} takes ${expected} for ${parameter.name}, not ${KINDS[argument.type]}${hint(parameter, argument.type)}`
    return [{ problem, at: argument.at }]
  })
}

function parameterAt({ parameters, repeated }: FunctionDefinition, index: number): Parameter | undefined {
  const own = parameters[index]
  if (own !== undefined || repeated === undefined) return own
  return repeated[(index - parameters.length) % repeated.length]
}

function accepts(parameter: Parameter, type: ValueType): boolean {
  switch (parameter.type) {
    case 'any':
    case 'list':
      return true
    case 'plain':
    case 'text':
      return type !== 'list'
    case 'number':
    case 'truth':
      return type === parameter.type
  }
}

const KINDS: Readonly<Record<Parameter['type'], string>> = {
  text: 'a text',
  number: 'a number',
  truth: 'a condition',
  list: 'several values',
  plain: 'one value',
  any: 'a value',
}

function hint(parameter: Parameter, type: ValueType): string {
  if (type === 'list') return '; Item(…, 1) takes the first of them, Join puts them together'
  if (parameter.type === 'number' && type === 'text') return '; CNum(…) makes a number of a text'
  if (parameter.type === 'truth') return '; compare it, as [country] = "US", or use IsPresent(…) or CBool(…)'
  return ''
}
