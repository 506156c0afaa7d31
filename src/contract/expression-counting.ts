// Functions of expressions on numbers and on several values.
import { eager, type FunctionDefinition, parameters } from './expression-definition.ts'
import { lengthOf } from './expression-texts.ts'
import { asList, asNumber, asText, asTruth, Failure, isList, type Value, wholeNumber } from './expression-values.ts'

export const NUMBERS: readonly FunctionDefinition[] = [
  {
    name: 'Len',
    parameters: parameters('source:text'),
    result: 'number',
    about: 'How many characters a text has.',
    make: eager(([source = '']) => lengthOf(asText(source))),
  },
  {
    name: 'InStr',
    parameters: parameters('source:text', 'find:text', 'start?:number', 'compareType?:number'),
    result: 'number',
    about: 'Where a text occurs in another one, counted from 1; 0 when it does not.',
    make: eager(([source = '', find = '', start = '', compare = '']) => {
      const ignoresCase = compare !== '' && asNumber(compare) === 1
      const fold = (value: Value) => (ignoresCase ? asText(value).toLowerCase() : asText(value))
      const from = start === '' ? 1 : wholeNumber(start, 'start')
      if (from < 1) throw new Failure('start counts characters from 1')
      const text = Array.from(fold(source))
      const skipped = text.slice(0, from - 1).join('').length
      const found = fold(source).indexOf(fold(find), skipped)
      return found === -1 ? 0 : lengthOf(fold(source).slice(0, found)) + 1
    }),
  },
  {
    name: 'Count',
    parameters: parameters('attribute:list'),
    result: 'number',
    about: 'How many values there are.',
    make: eager(([list = '']) => asList(list).length),
  },
  {
    name: 'CNum',
    parameters: parameters('source:plain'),
    result: 'number',
    about: 'The number that a text writes.',
    make: eager(([source = '']) => (typeof source === 'boolean' ? Number(source) : asNumber(source))),
  },
  {
    name: 'CBool',
    parameters: parameters('source:plain'),
    result: 'truth',
    about: 'The truth value that a text writes; a number is true unless it is 0.',
    make: eager(([source = '']) => asTruth(source)),
  },
  {
    name: 'CStr',
    parameters: parameters('source:plain'),
    result: 'text',
    about: 'A number or a truth value as text.',
    make: eager(([source = '']) => asText(source)),
  },
  sum('+', (a, b) => a + b),
  sum('-', (a, b) => a - b),
]

export const LISTS: readonly FunctionDefinition[] = [
  {
    name: 'Join',
    parameters: parameters('separator:text'),
    repeated: parameters('source:any'),
    result: 'text',
    about: 'All values one after the other with a separator between them; empty ones are left out.',
    make: eager((values) => joined(asText(values[0] ?? ''), values)),
  },
  {
    name: 'Split',
    parameters: parameters('source:text', 'delimiter:text'),
    result: 'list',
    about: 'The parts of a text between delimiters, each without outer spaces.',
    make: (args) => {
      const [, delimiter] = args
      if (delimiter?.constant === '') return { problem: 'Split takes a delimiter that is not empty', at: delimiter.at }
      return eager(([source = '', by = '']) => {
        if (by === '') throw new Failure('the delimiter is empty')
        const text = asText(source)
        return text === '' ? [] : text.split(asText(by)).map((part) => part.trim())
      })(args)
    },
  },
  {
    name: 'Item',
    parameters: parameters('attribute:list', 'index:number'),
    result: 'text',
    about: 'One of several values, counted from 1; empty when there are fewer.',
    make: (args) => {
      const [, index] = args
      if (typeof index?.constant === 'number' && (index.constant < 1 || !Number.isInteger(index.constant)))
        return { problem: 'Item counts from 1', at: index.at }
      return eager(([list = '', position = 0]) => {
        const at = wholeNumber(position, 'the position')
        if (at < 1) throw new Failure('counts from 1')
        return asList(list)[at - 1] ?? ''
      })(args)
    },
  },
  {
    name: 'RemoveDuplicates',
    parameters: parameters('attribute:list'),
    result: 'list',
    about: 'Each value once.',
    make: eager(([list = '']) => [...new Set(asList(list))]),
  },
  {
    name: 'Word',
    parameters: parameters('source:text', 'wordNumber:number', 'delimiters:text'),
    result: 'text',
    about: 'One word of a text, counted from 1; each of the delimiters ends a word. Empty when there are fewer.',
    make: eager(([source = '', position = 0, delimiters = '']) => {
      const ends = new Set(asText(delimiters))
      const words: string[] = []
      let word = ''
      for (const character of asText(source)) {
        if (!ends.has(character)) word += character
        else if (word !== '') {
          words.push(word)
          word = ''
        }
      }
      if (word !== '') words.push(word)
      return words[wholeNumber(position, 'the position') - 1] ?? ''
    }),
  },
]

function sum(name: string, add: (a: number, b: number) => number): FunctionDefinition {
  return {
    name,
    parameters: parameters('left:number', 'right:number'),
    result: 'number',
    about: 'Adds or takes away.',
    make: eager(([left = 0, right = 0]) => add(asNumber(left), asNumber(right))),
  }
}

/** All but the first of `values`, with a separator between those that are not empty. */
function joined(separator: string, values: readonly Value[]): string {
  let text = ''
  const add = (part: string) => {
    if (part !== '') text = text === '' ? part : text + separator + part
  }
  for (const [index, value] of values.entries()) {
    if (index === 0) continue
    if (isList(value)) value.forEach(add)
    else add(asText(value))
  }
  return text
}
