// Random expressions, and expressions as text: what a property test of the language needs.
import * as fc from 'fast-check'
import { FUNCTIONS } from '../../src/contract/expression-functions.ts'
import type { ExpressionNode } from '../../src/contract/expression-syntax.ts'
import { ATTRIBUTE_NAMES } from '../../src/directory/attributes.ts'

/** Writes an expression so that reading it gives the same parts; operators in parentheses. */
export function printExpression(node: ExpressionNode): string {
  switch (node.kind) {
    case 'text':
      return `"${node.value.replace(/["\\]/g, '\\$&')}"`
    case 'number':
    case 'truth':
      return String(node.value)
    case 'attribute':
      return `[${node.name}]`
    case 'call': {
      const args = node.args.map((argument) => (argument === undefined ? '' : printExpression(argument)))
      if (!/^\w+$/.test(node.name)) return `(${args.join(` ${node.name} `)})`
      return `${node.name}(${args.join(', ')})`
    }
  }
}

/** The same expression without its places, so that two can be compared. */
export function withoutPlaces(node: ExpressionNode): unknown {
  if (node.kind !== 'call') return { ...node, at: 0 }
  return { ...node, at: 0, args: node.args.map((argument) => argument && withoutPlaces(argument)) }
}

const texts = fc.oneof(
  fc.constantFrom('', ' ', '.', '@', ',', '$', '${x}', '$1', '\\', '"', '(a|b)*', '[^a]', '(?<x>a)', 'true', '7', 'x'),
  fc.string({ unit: 'binary', maxLength: 8 }),
)
const attributes = fc.constantFrom(...ATTRIBUTE_NAMES.filter((name) => /^[a-z]/i.test(name)))
const OPERATORS = ['=', '<>', '<', '<=', '>', '>=', '&', '+', '-']
const names = fc.constantFrom(...FUNCTIONS.map((definition) => definition.name), ...OPERATORS)

/** Any expression that the syntax allows, most of them of wrong types. */
export const anyNode: fc.Arbitrary<ExpressionNode> = fc.letrec<{ node: ExpressionNode }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.record({ kind: fc.constant('text' as const), value: texts, at: fc.constant(0) }),
    fc.record({
      kind: fc.constant('number' as const),
      value: fc.integer({ min: -9, max: 99_999 }),
      at: fc.constant(0),
    }),
    fc.record({ kind: fc.constant('truth' as const), value: fc.boolean(), at: fc.constant(0) }),
    fc.record({ kind: fc.constant('attribute' as const), name: attributes, at: fc.constant(0) }),
    names.chain((name) => {
      const isOperator = OPERATORS.includes(name)
      const args = isOperator
        ? fc.tuple(tie('node'), tie('node'))
        : fc.array(fc.option(tie('node'), { nil: undefined, freq: 6 }), { maxLength: 5 })
      return args.map((list) => ({
        kind: 'call' as const,
        name,
        // One argument that was left out is written as none at all.
        args: !isOperator && list.length === 1 && list[0] === undefined ? [] : list,
        at: 0,
      }))
    }),
  ),
})).node

const TEXT = fc.oneof(texts, fc.string({ unit: 'binary', maxLength: 40 }))

/** An expression of right types, with its type. */
export const goodNode: fc.Arbitrary<ExpressionNode> = fc.letrec<
  Record<'text' | 'number' | 'truth' | 'list', ExpressionNode>
>((tie) => {
  const call = (name: string, ...args: fc.Arbitrary<ExpressionNode>[]) =>
    fc.tuple(...args).map((list): ExpressionNode => ({ kind: 'call', name, args: list, at: 0 }))
  const written = (value: string): ExpressionNode => ({ kind: 'text', value, at: 0 })
  const attribute = (...known: string[]) =>
    fc.constantFrom(...known).map((name): ExpressionNode => ({ kind: 'attribute', name, at: 0 }))
  const small = fc.integer({ min: -2, max: 12 }).map((value): ExpressionNode => ({ kind: 'number', value, at: 0 }))
  const position = fc.integer({ min: 1, max: 5 }).map((value): ExpressionNode => ({ kind: 'number', value, at: 0 }))
  const limits = { maxDepth: 5, depthSize: 'small' } as const
  const [text, number, truth, list] = [tie('text'), tie('number'), tie('truth'), tie('list')]
  const patterns = fc.constantFrom('a', '[a-c]+', '(a)|(b)', '.*', '^x?', '(?<n>\\w)', '\\pL+', '(a*)*').map(written)
  return {
    text: fc.oneof(
      limits,
      TEXT.map(written),
      attribute('givenName', 'surname', 'mail', 'employeeId', 'upnPrefix'),
      call('Join', text, list, text),
      call('&', text, text),
      call('Append', text, text),
      call('IIF', truth, text, number),
      call('Switch', text, text, text, text),
      call('Coalesce', text, text),
      call('Left', text, number),
      call('Right', text, number),
      call('Mid', text, small, small),
      call('ToLower', text),
      call('PCase', text),
      call('NormalizeDiacritics', text),
      call('Item', list, position),
      call('Item', list, call('Len', text)),
      call('Word', text, number, text),
      call('RegexReplace', text, patterns, fc.constantFrom('', 'x', '$0$0$0').map(written)),
      call('RegexReplace', text, patterns, call('Trim', text)),
      call('Replace', text, TEXT.filter((value) => value !== '').map(written), text),
    ),
    number: fc.oneof(
      limits,
      small,
      call('Len', text),
      call('InStr', text, text),
      call('Count', list),
      call('+', number, number),
      call('-', number, number),
      call('CNum', text),
    ),
    truth: fc.oneof(
      limits,
      attribute('accountEnabled'),
      call('IsPresent', text),
      call('=', text, number),
      call('<', text, text),
      call('And', truth, truth),
      call('Not', truth),
      call('CBool', text),
    ),
    list: fc.oneof(
      limits,
      attribute('otherMails', 'proxyAddresses', 'businessPhones'),
      call('Split', text, TEXT.filter((value) => value !== '').map(written)),
      call('ToUpper', list),
      call('Append', list, text),
      call('RemoveDuplicates', list),
    ),
  }
}).text
