// What makes a password good enough: its length, and that it is not what everybody tries first. No rules about kinds of characters.
import { setImmediate } from 'node:timers/promises'
import { ConfigError } from '../base/errors.ts'
import type { Queries } from '../database/connect.ts'
import { type CommonPasswords, readCommonPasswords } from './common-words.ts'

const SHORTEST = 15
/** What must be left after everything that is guessed first was taken out. */
const LEAST_OWN = 6

/** @throws ConfigError at `password` */
export async function requireGoodPassword(
  db: Queries,
  password: string,
  { name }: { readonly name: string },
): Promise<void> {
  // What an organization calls itself stands on its door.
  const { rows } = await db.query<{ name: string }>('select name from connections union select name from sources')
  const names = ['muster', name, ...rows.map((row) => row.name)]
  const problem = passwordProblem(password, { names, common: await commonSpelled() })
  if (problem !== undefined) throw new ConfigError([{ at: 'password', message: problem }])
}

let common: Promise<readonly Common[]> | undefined

/** Kept once they were spelled, some megabytes: each time anew nothing else was answered for a third of a second. */
export function commonSpelled(): Promise<readonly Common[]> {
  common ??= readCommonPasswords().then(spellCommon)
  return common
}

interface Context {
  /** His own, and what connections and sources are called. */
  readonly names: readonly string[]
  readonly common: readonly Common[]
}

/** What is wrong with a password, for whoever chooses it. */
export function passwordProblem(password: string, { names, common }: Context): string | undefined {
  const characters = Array.from(password.normalize('NFKC'))
  if (characters.length < SHORTEST)
    return `has ${characters.length} characters; ${SHORTEST} or more are needed, e.g. four words that do not belong together`
  // As it is typed and with letters for the signs that stand for them: an exclamation mark is one or the other.
  const isGuessed = SPELLINGS.some((spell, i) => {
    const { parts, whole } = common[i] ?? { parts: [], whole: new Set<string>() }
    const plain = spell(password)
    const own = names.flatMap((name) => name.split(/[^\p{L}\p{N}]+/u)).map(spell)
    // What is said again adds nothing, and where two of it meet other words may seem to stand.
    const once = plain.replaceAll(/(.{3,}?)\1+/gu, '$1 ')
    const words = [...parts, ...own]
    return whole.has(plain) || [plain, once].some((text) => ownPart(text, words).length < LEAST_OWN)
  })
  if (isGuessed)
    return 'is made of words, names or rows of keys that are tried first; choose words that do not belong together'
  return undefined
}

/** In one spelling. */
interface Common {
  readonly parts: readonly string[]
  readonly whole: ReadonlySet<string>
}

/** Words between which others get their turn: some milliseconds. */
const SPELLED_AT_ONCE = 1_000

/** In every spelling that passwords are compared in. */
export async function spellCommon({ parts, whole }: CommonPasswords): Promise<readonly Common[]> {
  const all: Common[] = []
  for (const spell of SPELLINGS) {
    const set = new Set<string>()
    for (let at = 0; at < whole.length; at += SPELLED_AT_ONCE) {
      for (const word of whole.slice(at, at + SPELLED_AT_ONCE)) set.add(spell(word))
      await setImmediate()
    }
    all.push({ parts: parts.map(spell), whole: set })
  }
  return all
}

/** Letters and digits that are neither common words, nor names, nor years, rows or repetitions. */
function ownPart(plain: string, words: readonly string[]): string {
  let rest = plain
  // The longest first: of "administrator" nothing is left, where "admin" would leave the rest of it.
  for (const word of new Set(words.toSorted((a, b) => b.length - a.length)))
    if (word.length > 2) rest = rest.replaceAll(word, ' ')
  rest = rest.replaceAll(/(?<!\d)(19|20)\d\d(?!\d)/g, ' ')
  return withoutRows(rest).replaceAll(/[^\p{L}\p{N}]/gu, '')
}

const SPELLINGS: readonly ((text: string) => string)[] = [small, simplify]

function small(text: string): string {
  return text.normalize('NFKC').toLowerCase()
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
  const plain = small(text)
  return plain.replaceAll(/[@4310!$57]/g, (sign, at: number) => {
    const isInWord = /\p{L}/u.test(plain[at - 1] ?? '') || /\p{L}/u.test(plain[at + 1] ?? '')
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
