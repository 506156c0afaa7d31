// The filter of a source as settings write it: groups of clauses, all within a group, any of the groups. What cannot be understood
// is refused here; what a filter makes of people is for the plan and the safeguard.
import { z } from 'zod'
import { foldPart } from '../directory/canonical.ts'
import { attributeMistake } from './attribute.ts'
import { parsePattern } from './pattern.ts'

/** The operators, in the order in which they are offered. */
export const OPERATORS = ['eq', 'ne', 'contains', 'startsWith', 'endsWith', 'matches', 'present', 'absent'] as const

const attribute = z.string().superRefine((name, context) => {
  const problem = attributeMistake(name)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

const BLANK: Readonly<Record<'eq' | 'ne' | 'part', string>> = {
  eq: 'an empty text is never equal to anything; write absent: true',
  ne: 'an empty text is unequal to everything, so everybody would meet this; write present: true',
  part: 'an empty text is part of every value, so everybody with a value would meet this; write present: true',
}
const comparable = (why: 'eq' | 'ne') =>
  z.union([z.string().refine((text) => text.trim() !== '', BLANK[why]), z.number(), z.boolean()])
const part = z.string().refine((text) => foldPart(text) !== '', BLANK.part)
const pattern = z.string().superRefine((text, context) => {
  const parsed = parsePattern(text, { ignoreCase: true })
  if (parsed.kind === 'refused') context.addIssue({ code: 'custom', message: parsed.problem })
})

const clause = z
  .strictObject({
    attribute,
    eq: comparable('eq').optional(),
    ne: comparable('ne').optional(),
    contains: part.optional(),
    startsWith: part.optional(),
    endsWith: part.optional(),
    /** Fits a part of the value; `^` and `$` tie it to the ends. Case is ignored. */
    matches: pattern.optional(),
    present: z.literal(true).optional(),
    absent: z.literal(true).optional(),
  })
  .refine(
    (c) => OPERATORS.filter((operator) => c[operator] !== undefined).length === 1,
    'a clause has an attribute and exactly one operator',
  )
/** One condition on one attribute. */
export type Clause = z.output<typeof clause>

export const filter = z.strictObject({
  any: z
    .array(z.strictObject({ all: z.array(clause).min(1, 'a group without clauses would mean everybody') }))
    .min(1, 'a filter without groups would mean everybody'),
})
/** Who is taken: those who meet all clauses of any group. */
export interface Filter {
  readonly any: readonly { readonly all: readonly Clause[] }[]
}
