// How a function of expressions is described: its parameters and result, checked when saved, and how it is evaluated.
import type { ExpressionProblem } from './expression-syntax.ts'
import type { Evaluation, Value, ValueType } from './expression-values.ts'

export type Evaluator = (evaluation: Evaluation) => Value

/** An argument with everything that is known before any object is looked at. */
export interface Argument {
  readonly type: ValueType
  /** Its value where it is written out. */
  readonly constant: string | number | boolean | undefined
  readonly at: number
  readonly evaluate: Evaluator
}
export type Arguments = readonly (Argument | undefined)[]

export interface Parameter {
  readonly name: string
  /** `plain` is anything but a list. A text takes numbers and truth values too, a list takes one value. */
  readonly type: ValueType | 'plain' | 'any'
  readonly optional?: true
}

export interface FunctionDefinition {
  /** As it is written in messages; case does not matter in expressions. */
  readonly name: string
  readonly parameters: readonly Parameter[]
  /** Parameters that may follow again and again, once at least. */
  readonly repeated?: readonly Parameter[]
  readonly result: ValueType | ((args: Arguments) => ValueType)
  /** Given a list as first argument, it works on each value and gives a list. */
  readonly perValue?: true
  /** What it does, in a sentence for the editor. */
  readonly about: string
  readonly make: (args: Arguments) => Evaluator | ExpressionProblem
}

/** For functions that always look at all of their arguments; one that was left out is an empty text. */
export function eager(run: (values: readonly Value[], evaluation: Evaluation) => Value): FunctionDefinition['make'] {
  return (args) => {
    const evaluators = args.map((argument) => argument?.evaluate ?? leftOut)
    return (evaluation) => {
      const values: Value[] = []
      for (const evaluate of evaluators) values.push(evaluate(evaluation))
      return run(values, evaluation)
    }
  }
}

const leftOut = (): Value => ''

/** `name:type`, with `?` where it may be left out. */
export function parameters(...written: readonly string[]): readonly Parameter[] {
  return written.map((text) => {
    const [, name = '', optional, type = ''] = /^(\w+)(\?)?:(text|number|truth|list|plain|any)$/.exec(text) ?? []
    const kind = TYPES.find((known) => known === type)
    if (kind === undefined) throw new TypeError(`not a parameter: ${text}`)
    return optional === undefined ? { name, type: kind } : { name, type: kind, optional: true }
  })
}

const TYPES = ['text', 'number', 'truth', 'list', 'plain', 'any'] as const
