// Functions of expressions that choose and compare: IIF, Switch, Coalesce, And, Or, Not and the comparisons.
import { type Arguments, eager, type FunctionDefinition, parameters } from './expression-definition.ts'
import { asNumber, asText, asTruth, commonType, isEmpty, type Value, type ValueType } from './expression-values.ts'

export const CHOOSING: readonly FunctionDefinition[] = [
  {
    name: 'IIF',
    parameters: parameters('condition:truth', 'valueIfTrue:any', 'valueIfFalse:any'),
    result: (args) => typeOfAll(args.slice(1)),
    about: 'One of two values, by a condition.',
    make: ([condition, whenTrue, whenFalse]) => {
      return (evaluation) => {
        const chosen = condition !== undefined && asTruth(condition.evaluate(evaluation)) ? whenTrue : whenFalse
        return chosen?.evaluate(evaluation) ?? ''
      }
    },
  },
  {
    name: 'Switch',
    parameters: parameters('source:plain', 'defaultValue?:any'),
    repeated: parameters('key:plain', 'value:any'),
    result: (args) => typeOfAll(args.filter((_argument, index) => index % 2 === 1)),
    about: 'The value whose key equals the source, else the default. Upper and lower case differ.',
    make: ([source, otherwise, ...pairs]) => {
      return (evaluation) => {
        const value = source?.evaluate(evaluation) ?? ''
        for (let index = 0; index < pairs.length; index += 2) {
          if (isEqual(value, pairs[index]?.evaluate(evaluation) ?? ''))
            return pairs[index + 1]?.evaluate(evaluation) ?? ''
        }
        return otherwise?.evaluate(evaluation) ?? ''
      }
    },
  },
  {
    name: 'Coalesce',
    parameters: [],
    repeated: parameters('source:any'),
    result: typeOfAll,
    about: 'The first value that is not empty.',
    make: (args) => {
      return (evaluation) => {
        for (const argument of args) {
          const value = argument?.evaluate(evaluation) ?? ''
          if (!isEmpty(value)) return value
        }
        return ''
      }
    },
  },
]

export const LOGIC: readonly FunctionDefinition[] = [
  {
    name: 'And',
    parameters: parameters('condition:truth'),
    repeated: parameters('condition:truth'),
    result: 'truth',
    about: 'True when all conditions are; also written between them.',
    make: (args) => (evaluation) => args.every((a) => a !== undefined && asTruth(a.evaluate(evaluation))),
  },
  {
    name: 'Or',
    parameters: parameters('condition:truth'),
    repeated: parameters('condition:truth'),
    result: 'truth',
    about: 'True when any condition is; also written between them.',
    make: (args) => (evaluation) => args.some((a) => a !== undefined && asTruth(a.evaluate(evaluation))),
  },
  {
    name: 'Not',
    parameters: parameters('source:truth'),
    result: 'truth',
    about: 'True when the condition is false.',
    make: eager(([source = false]) => !asTruth(source)),
  },
  ...['IsNullOrEmpty', 'IsNull'].map(
    (name): FunctionDefinition => ({
      name,
      parameters: parameters('expression:any'),
      result: 'truth',
      about: 'True when there is no value.',
      make: eager(([value = '']) => isEmpty(value)),
    }),
  ),
  {
    name: 'IsPresent',
    parameters: parameters('expression:any'),
    result: 'truth',
    about: 'True when there is a value.',
    make: eager(([value = '']) => !isEmpty(value)),
  },
  comparison('=', isEqual),
  comparison('<>', (a, b) => !isEqual(a, b)),
  comparison('<', (a, b) => inOrder(a, b, (order) => order < 0)),
  comparison('<=', (a, b) => inOrder(a, b, (order) => order <= 0)),
  comparison('>', (a, b) => inOrder(a, b, (order) => order > 0)),
  comparison('>=', (a, b) => inOrder(a, b, (order) => order >= 0)),
]

function typeOfAll(args: Arguments): ValueType {
  return commonType(args.map((argument) => argument?.type ?? 'text'))
}

/** By text, as keys are compared; truth values whatever the case they are written in. */
function isEqual(a: Value, b: Value): boolean {
  const [left, right] = [asText(a), asText(b)]
  if (typeof a === 'boolean' || typeof b === 'boolean') return left.toLowerCase() === right.toLowerCase()
  return left === right
}

/** Numbers by size, texts by their characters, as dates in ISO form want it. What is empty is neither before nor after anything. */
function inOrder(a: Value, b: Value, test: (order: number) => boolean): boolean {
  if (isEmpty(a) || isEmpty(b)) return false
  if (typeof a === 'number' || typeof b === 'number') return test(asNumber(a) - asNumber(b))
  const [left, right] = [asText(a), asText(b)]
  return test(left < right ? -1 : left > right ? 1 : 0)
}

function comparison(name: string, test: (a: Value, b: Value) => boolean): FunctionDefinition {
  return {
    name,
    parameters: parameters('left:plain', 'right:plain'),
    result: 'truth',
    about: 'Compares two values; upper and lower case differ.',
    make: eager(([left = '', right = '']) => test(left, right)),
  }
}
