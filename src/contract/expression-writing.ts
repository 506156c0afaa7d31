// Functions of expressions that make a text of a text: cutting, joining, letters.
import { type Arguments, eager, type FunctionDefinition, parameters } from './expression-definition.ts'
import { cut, lengthOf, normalizeDiacritics, properCase } from './expression-texts.ts'
import { asText, Failure, wholeNumber } from './expression-values.ts'

export const WRITING: readonly FunctionDefinition[] = [
  {
    name: 'Append',
    parameters: parameters('source:text', 'suffix:text'),
    result: 'text',
    perValue: true,
    about: 'A text with another one behind it.',
    make: eager(([source = '', suffix = '']) => asText(source) + asText(suffix)),
  },
  {
    name: '&',
    parameters: parameters('left:text', 'right:text'),
    result: 'text',
    about: 'Two texts one behind the other.',
    make: eager(([left = '', right = '']) => asText(left) + asText(right)),
  },
  {
    name: 'Left',
    parameters: parameters('source:text', 'numChars:number'),
    result: 'text',
    perValue: true,
    about: 'The first characters of a text; all of them when the number is negative.',
    make: eager(([source = '', count = 0]) => {
      const n = wholeNumber(count, 'numChars')
      return n < 0 ? source : cut(asText(source), 0, n)
    }),
  },
  {
    name: 'Right',
    parameters: parameters('source:text', 'numChars:number'),
    result: 'text',
    perValue: true,
    about: 'The last characters of a text; all of them when the number is negative.',
    make: eager(([source = '', count = 0]) => {
      const n = wholeNumber(count, 'numChars')
      const text = asText(source)
      return n < 0 ? text : cut(text, Math.max(0, lengthOf(text) - n), n)
    }),
  },
  {
    name: 'Mid',
    parameters: parameters('source:text', 'start:number', 'length:number'),
    result: 'text',
    perValue: true,
    about: 'Some characters of a text from a position on, counted from 1.',
    make: eager(([source = '', start = 1, length = 0]) => {
      const from = wholeNumber(start, 'start')
      const count = wholeNumber(length, 'length')
      if (from < 1) throw new Failure('start counts characters from 1')
      if (count < 0) throw new Failure('length is negative')
      return cut(asText(source), from - 1, count)
    }),
  },
  ...['ToLower', 'ToUpper'].map(
    (name): FunctionDefinition => ({
      name,
      parameters: parameters('source:text', 'culture?:text'),
      result: 'text',
      perValue: true,
      about: `A text in ${name === 'ToLower' ? 'small' : 'capital'} letters; a culture such as "tr-TR" has its own.`,
      make: (args) => {
        const culture = cultureOf(args, name)
        if (typeof culture === 'object') return culture
        return eager(([source = '']) => {
          const text = asText(source)
          if (culture === undefined) return name === 'ToLower' ? text.toLowerCase() : text.toUpperCase()
          return name === 'ToLower' ? text.toLocaleLowerCase(culture) : text.toLocaleUpperCase(culture)
        })(args)
      },
    }),
  ),
  {
    name: 'PCase',
    parameters: parameters('source:text', 'wordSeparators?:text'),
    result: 'text',
    perValue: true,
    about: 'Every word with a capital first letter and small ones after it.',
    make: (args) =>
      eager(([source = '', separators = '']) =>
        properCase(asText(source), args[1] === undefined ? undefined : asText(separators)),
      )(args),
  },
  {
    name: 'Trim',
    parameters: parameters('source:text'),
    result: 'text',
    perValue: true,
    about: 'A text without white space at its ends.',
    make: eager(([source = '']) => asText(source).trim()),
  },
  {
    name: 'StripSpaces',
    parameters: parameters('source:text'),
    result: 'text',
    perValue: true,
    about: 'A text without any spaces.',
    make: eager(([source = '']) => asText(source).replaceAll(' ', '')),
  },
  {
    name: 'NormalizeDiacritics',
    parameters: parameters('source:text'),
    result: 'text',
    perValue: true,
    about: 'Latin letters without their marks: Zoë becomes Zoe, Łukasz Lukasz, Groß Gross.',
    make: eager(([source = '']) => normalizeDiacritics(asText(source))),
  },
]

/** The culture that is written out, `undefined` without one. */
function cultureOf(args: Arguments, name: string) {
  const argument = args[1]
  if (argument === undefined) return undefined
  const problem = { problem: `${name} takes a culture such as "de-DE", written out`, at: argument.at }
  if (typeof argument.constant !== 'string') return problem
  try {
    return Intl.getCanonicalLocales(argument.constant)[0] ?? problem
  } catch (error) {
    if (error instanceof RangeError) return problem
    throw error
  }
}
