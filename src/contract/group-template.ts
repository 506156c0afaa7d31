// Templates of groups from attributes, `%companyName%|%department%`: a template for the name of each level, from the top.
import { parseTemplate, type TemplatePart } from './template.ts'

export type ParsedGroupTemplate =
  /** `levels`: what the name of each level is made of; none is empty. */
  | { readonly kind: 'parsed'; readonly levels: readonly (readonly TemplatePart[])[] }
  /** `at`: offset in the text, from 0. */
  | { readonly kind: 'refused'; readonly problem: string; readonly at: number }

/**
 * Reads a template of groups. A `|` in its text begins the next level; written `\|` it is part of the name, as it always is in
 * the value of an attribute. Refuses what `parseTemplate` refuses, and a level without a name.
 */
export function parseGroupTemplate(template: string): ParsedGroupTemplate {
  const parsed = parseTemplate(template)
  if (parsed.kind === 'refused') return parsed
  const levels: TemplatePart[][] = [[]]
  for (const part of parsed.parts) {
    if ('attribute' in part) {
      levels.at(-1)?.push(part)
      continue
    }
    for (const [index, text] of splitText(part.text).entries()) {
      if (index > 0) levels.push([])
      if (text !== '') levels.at(-1)?.push({ text })
    }
  }
  if (levels.some(hasNoName))
    return { kind: 'refused', problem: 'a path is names separated by |, none of them empty', at: 0 }
  return { kind: 'parsed', levels }
}

function hasNoName(level: readonly TemplatePart[]): boolean {
  return level.every((part) => 'text' in part && part.text.trim() === '')
}

/** Between separators; a pair of backslashes before a `|` is one backslash, as in a path. */
function splitText(text: string): readonly string[] {
  const pieces: string[] = []
  let piece = ''
  let at = 0
  for (const { 0: mark, index } of text.matchAll(/\\*\|/g)) {
    const slashes = mark.length - 1
    piece += text.slice(at, index) + '\\'.repeat(Math.floor(slashes / 2))
    at = index + mark.length
    if (slashes % 2 === 1) {
      piece += '|'
      continue
    }
    pieces.push(piece)
    piece = ''
  }
  return [...pieces, piece + text.slice(at)]
}
