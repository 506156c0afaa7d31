// Work on texts that several functions of expressions share. Characters are Unicode's, not halves of surrogate pairs.
import { type Evaluation, Failure, MAX_VALUE_LENGTH } from './expression-values.ts'
import type { Pattern } from './pattern.ts'

/** `count` characters from the `start`-th, counted from 0. */
export function cut(text: string, start: number, count: number): string {
  if (!SURROGATE.test(text)) return text.slice(start, start + count)
  return Array.from(text)
    .slice(start, start + count)
    .join('')
}
const SURROGATE = /[\uD800-\uDFFF]/

export function lengthOf(text: string): number {
  return SURROGATE.test(text) ? Array.from(text).length : text.length
}

/** All occurrences of a text by another one, without regard to what either means elsewhere. @throws Failure */
export function replaceText(source: string, old: string, replacement: string): string {
  if (old === '') return source
  const parts = source.split(old)
  // Measured before it is made: a long text for each of many occurrences would be a very long one.
  if (source.length + (parts.length - 1) * (replacement.length - old.length) > MAX_VALUE_LENGTH) throw tooLong()
  return parts.join(replacement)
}

interface Match {
  readonly start: number
  readonly end: number
  /** By number or name; null where the group took no part. */
  readonly group: (
    name: string | number,
  ) => { readonly start: number; readonly end: number; readonly text: string } | null
}

/** All matches of a pattern by what `expand` makes of each. @throws Failure */
export function replaceMatches(
  evaluation: Evaluation,
  options: { readonly source: string; readonly pattern: Pattern; readonly expand: (match: Match) => string },
): string {
  const { source } = options
  let result = ''
  let at = 0
  for (const match of eachMatch(evaluation, options)) {
    result += source.slice(at, match.start) + options.expand(match)
    at = match.end
    if (result.length > MAX_VALUE_LENGTH) throw tooLong()
  }
  return result + source.slice(at)
}

/** The first match of a pattern. @throws Failure */
export function firstMatch(
  evaluation: Evaluation,
  options: { readonly source: string; readonly pattern: Pattern },
): Match | undefined {
  for (const match of eachMatch(evaluation, options)) return match
  return undefined
}

function* eachMatch(
  evaluation: Evaluation,
  { source, pattern }: { readonly source: string; readonly pattern: Pattern },
): Generator<Match> {
  const size = pattern.programSize()
  const matcher = pattern.matcher(source)
  let from = 0
  for (;;) {
    // Each search may look at all the rest of the text, so that many matches of a greedy pattern cost the square of its length.
    evaluation.spend(size * (source.length - from + 1))
    if (!matcher.find()) return
    from = matcher.end()
    yield {
      start: matcher.start(),
      end: from,
      group: (name) => {
        const text = matcher.group(name)
        return text === null ? null : { text, start: matcher.start(name), end: matcher.end(name) }
      },
    }
  }
}

function tooLong(): Failure {
  return new Failure(`the result is longer than ${MAX_VALUE_LENGTH} characters`)
}

/** A replacement with `$1`, `${name}`, `$0` and `$$`, as .NET writes them. */
export type Replacement = readonly (string | { readonly group: string | number })[]

/** Reads a replacement; refuses groups that the pattern does not have. */
export function readReplacement(text: string, pattern: Pattern): Replacement | { readonly problem: string } {
  const names = Object.keys(pattern.namedGroups())
  const parts: (string | { readonly group: string | number })[] = []
  let at = 0
  for (const found of text.matchAll(/\$(?:\$|(\d{1,2})|\{(\w+)\})/g)) {
    parts.push(text.slice(at, found.index))
    at = found.index + found[0].length
    const name = found[1] ?? found[2]
    if (name === undefined) {
      parts.push('$')
      continue
    }
    const group = /^\d+$/.test(name) ? Number(name) : name
    if (typeof group === 'number' ? group > pattern.groupCount() : !names.includes(group))
      return { problem: `the regular expression has no group ${name}` }
    parts.push({ group })
  }
  parts.push(text.slice(at))
  return parts.filter((part) => part !== '')
}

export function expandReplacement(replacement: Replacement, match: Match): string {
  let text = ''
  for (const part of replacement) {
    text += typeof part === 'string' ? part : (match.group(part.group)?.text ?? '')
    if (text.length > MAX_VALUE_LENGTH) throw tooLong()
  }
  return text
}

/** Latin letters with marks become the letters alone; other scripts stay, where a mark makes another letter. */
export function normalizeDiacritics(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text
  return text
    .normalize('NFD')
    .replace(/(\p{Script=Latin})[\u0300-\u036F]+/gu, '$1')
    .normalize('NFC')
    .replace(/[æÆœŒøØßẞłŁđĐðÐþÞıħĦ]/g, (letter) => LETTERS[letter] ?? letter)
}

/** Letters that do not come apart into a letter and a mark; ø as Microsoft writes it. */
const LETTERS: Readonly<Record<string, string>> = {
  æ: 'ae',
  Æ: 'AE',
  œ: 'oe',
  Œ: 'OE',
  ø: 'oe',
  Ø: 'OE',
  ß: 'ss',
  ẞ: 'SS',
  ł: 'l',
  Ł: 'L',
  đ: 'd',
  Đ: 'D',
  ð: 'd',
  Ð: 'D',
  þ: 'th',
  Þ: 'TH',
  ı: 'i',
  ħ: 'h',
  Ħ: 'H',
}

/** Each word with a capital and small letters. Without separators a word ends where letters, digits and apostrophes end. */
export function properCase(text: string, separators: string | undefined): string {
  const known = separators === undefined ? undefined : new Set(separators)
  let startsWord = true
  let result = ''
  for (const character of text) {
    const parts = known === undefined ? !/[\p{L}\p{M}\p{N}'’]/u.test(character) : known.has(character)
    result += startsWord ? character.toUpperCase() : character.toLowerCase()
    startsWord = parts
  }
  return result
}
