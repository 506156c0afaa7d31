// The one canonical form in which names, aliases and numbers are compared (spec: after NFKC and case folding).
// JavaScript computes it and the database stores it, so that both always agree and the unique index is exact.

/**
 * The form in which two values count as the same: decomposed by compatibility, case folded, composed again (NFKC), until it
 * no longer changes. Folding composed text would tell two spellings of one Greek letter apart (Unicode 3.13, D145: U+0345).
 * Idempotent. Outer white space is trimmed. Never shown to anybody: values are kept as given.
 *
 * Case folding is `toUpperCase` then `toLowerCase`, so that `ß`/`SS`, `ſ`/`S`, the Kelvin sign and final sigma fall together.
 * A dotted capital I folds to `i`, so that Turkish spellings of one name meet.
 */
export function canonical(text: string): string {
  let value = foldOnce(text).trim()
  for (let round = 0; round < 4; round++) {
    const next = foldOnce(value).trim()
    if (next === value) return value
    value = next
  }
  return value
}

/** As {@link canonical}, with outer white space kept: for a part of a text, where a space at its edge is meant. */
export function foldPart(text: string): string {
  let value = foldOnce(text)
  for (let round = 0; round < 4; round++) {
    const next = foldOnce(value)
    if (next === value) return value
    value = next
  }
  return value
}

function foldOnce(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase()
  return text
    .normalize('NFKD')
    .toUpperCase()
    .toLowerCase()
    .replaceAll('i\u0307', 'i')
    .replaceAll('ς', 'σ')
    .normalize('NFKC')
}

const ASCII = /^[\x20-\x7e]*$/
