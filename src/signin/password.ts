// What makes a password good enough: its length, and that it is not what everybody tries first. No rules about kinds of characters.
import { ConfigError } from '../base/errors.ts'
import { COMMON_WORDS } from './common-words.ts'

const SHORTEST = 15
/** What must be left after everything that is guessed first was taken out. */
const LEAST_OWN = 6

/** @throws ConfigError at `password` */
export function requireGoodPassword(password: string, context: { readonly name: string }): void {
  const problem = problemOf(password, context)
  if (problem !== undefined) throw new ConfigError([{ at: 'password', message: problem }])
}

function problemOf(password: string, { name }: { readonly name: string }): string | undefined {
  const characters = Array.from(password.normalize('NFKC'))
  if (characters.length < SHORTEST)
    return `has ${characters.length} characters; ${SHORTEST} or more are needed, e.g. four words that do not belong together`
  if (ownPart(password, name).length < LEAST_OWN)
    return 'is made of words, names or rows of keys that are tried first; choose words that do not belong together'
  return undefined
}

/** Letters and digits that are neither common words, nor the own name, nor rows or repetitions. */
function ownPart(password: string, name: string): string {
  const plain = simplify(password)
  const context = ['muster', 'entra', 'microsoft', 'azure', ...name.split(/[^\p{L}\p{N}]+/u).map(simplify)]
  const words = [...COMMON_WORDS, ...context].filter((word) => word.length > 2).sort((a, b) => b.length - a.length)
  let rest = plain
  for (const word of words) rest = rest.replaceAll(word, ' ')
  return withoutRows(rest).replaceAll(/[^\p{L}\p{N}]/gu, '')
}

const LOOKALIKES: Readonly<Record<string, string>> = {
  '@': 'a',
  '4': 'a',
  '3': 'e',
  '1': 'l',
  '!': 'i',
  '0': 'o',
  $: 's',
  '5': 's',
  '7': 't',
}

/** One spelling: small letters, and letters where digits and signs stand for them inside words. */
function simplify(text: string): string {
  const small = text.normalize('NFKC').toLowerCase()
  return small.replaceAll(/[@4310!$57]/g, (sign, at: number) => {
    const isInWord = /\p{L}/u.test(small[at - 1] ?? '') || /\p{L}/u.test(small[at + 1] ?? '')
    return isInWord ? (LOOKALIKES[sign] ?? sign) : sign
  })
}

const ROWS = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890',
  'qwertyuiop',
  'qwertzuiop',
  'asdfghjkl',
  'zxcvbnm',
  'yxcvbnm',
  '1qaz2wsx3edc4rfv5tgb',
]

/** Takes out three or more neighbours of a row, forwards or backwards, and repetitions of one to four characters. */
function withoutRows(text: string): string {
  let rest = text.replaceAll(/(.{1,4}?)\1{2,}/gu, '$1')
  for (const row of ROWS) {
    for (const line of [row, row.split('').reverse().join('')]) {
      for (let length = line.length; length >= 3; length -= 1) {
        for (let at = 0; at + length <= line.length; at += 1) rest = rest.replaceAll(line.slice(at, at + length), ' ')
      }
    }
  }
  return rest
}
