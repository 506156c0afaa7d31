// Templates: text with attributes in percent signs, `%givenName%.%surname%`. A doubled percent sign is one percent sign.
import { attributeMistake } from './attribute.ts'

/** A part of a template: text as it is, or the value of an attribute. */
export type TemplatePart = { readonly text: string } | { readonly attribute: string }

export type ParsedTemplate =
  | { readonly kind: 'parsed'; readonly parts: readonly TemplatePart[] }
  /** `at`: offset in the text, from 0. */
  | { readonly kind: 'refused'; readonly problem: string; readonly at: number }

/** Reads a template; refuses unknown attributes, a percent sign without its partner, and text without any attribute. */
export function parseTemplate(template: string): ParsedTemplate {
  const parts: TemplatePart[] = []
  let text = ''
  for (let at = 0; at < template.length; ) {
    const next = template.indexOf('%', at)
    if (next === -1) {
      text += template.slice(at)
      break
    }
    text += template.slice(at, next)
    const end = template.indexOf('%', next + 1)
    if (end === -1) return { kind: 'refused', problem: 'a % has no partner; write %% for a percent sign', at: next }
    const attribute = template.slice(next + 1, end)
    at = end + 1
    if (attribute === '') {
      text += '%'
      continue
    }
    const problem = attributeMistake(attribute)
    if (problem !== undefined) return { kind: 'refused', problem, at: next + 1 }
    if (text !== '') parts.push({ text })
    text = ''
    parts.push({ attribute })
  }
  if (text !== '') parts.push({ text })
  if (!parts.some((part) => 'attribute' in part)) {
    return { kind: 'refused', problem: 'a template names at least one attribute, as %displayName%', at: 0 }
  }
  return { kind: 'parsed', parts }
}
