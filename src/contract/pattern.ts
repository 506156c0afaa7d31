// Regular expressions that administrators write: RE2's syntax, in a time that grows with the length of the text and never beyond.
// No look-around and no back references, because those are what makes other engines run for hours on a hostile text.
// Syntax: https://github.com/google/re2/wiki/Syntax (seen 2026-11).
import { RE2JS, RE2JSException } from 're2js'

/** Longest regular expression. RE2 itself bounds what repetitions such as `{30}` make of it. */
const MAX_PATTERN_LENGTH = 200

/** A compiled regular expression. */
export type Pattern = RE2JS

export type ParsedPattern =
  | { readonly kind: 'parsed'; readonly pattern: Pattern }
  | { readonly kind: 'refused'; readonly problem: string }

/** Compiles a regular expression; refuses what RE2 does not understand, in a sentence for the administrator. */
export function parsePattern(text: string, options: { readonly ignoreCase: boolean }): ParsedPattern {
  if (text.length > MAX_PATTERN_LENGTH)
    return { kind: 'refused', problem: `the regular expression is longer than ${MAX_PATTERN_LENGTH} characters` }
  if (text === '') return { kind: 'refused', problem: 'the regular expression is empty, so it would fit every text' }
  try {
    return { kind: 'parsed', pattern: RE2JS.compile(text, options.ignoreCase ? RE2JS.CASE_INSENSITIVE : 0) }
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    const why = error.message.replace(/^error parsing regexp: /, '')
    const hint = /unsupported Perl syntax/.test(why) ? ' (look-ahead, look-behind and the like are not available)' : ''
    return { kind: 'refused', problem: `the regular expression is not understood: ${why}${hint}` }
  }
}
