// Names that could be mistaken for others: letters of two alphabets in one word, or characters that nobody sees. Pure.

/**
 * Alphabets whose letters look alike; other scripts are not looked at. A whole word in one of them is no mixture.
 * Source: https://www.unicode.org/reports/tr39/ (mixed-script detection).
 */
const ALPHABETS = [
  ['Latin', /\p{Script=Latin}/u],
  ['Cyrillic', /\p{Script=Cyrillic}/u],
  ['Greek', /\p{Script=Greek}/u],
  ['Armenian', /\p{Script=Armenian}/u],
  ['Cherokee', /\p{Script=Cherokee}/u],
] as const

/** A word is what is between anything but letters and their marks, as the parts of a user principal name are. */
const WORDS = /[\p{L}\p{M}]+/gu
const UNSEEN = /\p{Cf}/u

/** What is odd about a name, as the end of a sentence; `undefined`: nothing. */
export function oddityOf(name: string): string | undefined {
  for (const [word] of name.matchAll(WORDS)) {
    const mixed = ALPHABETS.filter(([, letters]) => letters.test(word)).map(([alphabet]) => alphabet)
    if (mixed.length > 1) return `mixes ${mixed.join(' and ')} letters in one word`
  }
  return UNSEEN.test(name) ? 'has characters that nobody sees' : undefined
}
