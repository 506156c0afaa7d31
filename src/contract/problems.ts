// Turns what zod found into sentences for administrators: every mistake with its place, unions reduced to the branch
// that was most likely meant, unknown keys with a suggestion.
import { z } from 'zod'
import type { ConfigProblem } from '../base/errors.ts'
import { nearest } from './nearest.ts'

type Found = z.core.$ZodIssue
type Path = readonly PropertyKey[]

/**
 * Parses `document`; on failure answers every mistake found, in the order of the document's keys as the schema lists them.
 * Text is repeated in a message only where a word out of a short list was expected, so that no secret reaches the screen.
 */
export function parseWithProblems<Schema extends z.ZodType>(
  schema: Schema,
  document: unknown,
): { kind: 'ok'; value: z.output<Schema> } | { kind: 'problems'; problems: readonly ConfigProblem[] } {
  const result = schema.safeParse(document)
  if (result.success) return { kind: 'ok', value: result.data }
  const problems = result.error.issues.flatMap((issue) => explain(issue, { schema, document, base: [] }))
  return { kind: 'problems', problems: dropImplied(problems).map(({ at, message }) => ({ at, message })) }
}

interface Place {
  readonly schema: z.ZodType
  readonly document: unknown
  readonly base: Path
}
interface Told extends ConfigProblem {
  /** For a missing key: its name; for an unknown key: the name suggested. One of the two explains the other. */
  readonly missing?: string
  readonly meant?: string | undefined
}

function explain(issue: Found, place: Place): Told[] {
  const path = [...place.base, ...issue.path]
  if (issue.code === 'invalid_union') {
    if (hasOwnWords(issue)) return [{ at: pathText(path), message: issue.message }]
    const branches = flatBranches(issue.errors)
    const best = bestOf(branches)
    if (best === undefined) return [{ at: pathText(path), message: 'does not fit any of the accepted forms' }]
    const allowed = literalsOf(branches)
    if (best.every((inner) => inner.path.length === 0 && inner.code === 'invalid_value')) {
      return [{ at: pathText(path), message: mustBeOneOf(allowed, at(place.document, path)) }]
    }
    return best.flatMap((inner) => {
      const told = explain(inner, { ...place, base: path })
      const hint =
        inner.code === 'custom' && inner.path.length === 0 ? near(at(place.document, path), allowed) : undefined
      return hint === undefined
        ? told
        : told.map((t) => ({ ...t, message: `${t.message}; or did you mean "${hint}"?` }))
    })
  }
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(place.schema, path)
    return issue.keys.map((key) => {
      const meant = nearest(key, known)
      const message =
        meant === undefined
          ? `unknown key${known.length > 0 && known.length <= 24 ? `; known here: ${known.join(', ')}` : ''}`
          : `unknown key; did you mean "${meant}"?`
      return { at: pathText([...path, key]), message, meant }
    })
  }
  const value = at(place.document, path)
  const last = path.at(-1)
  if (value === undefined && issue.code !== 'custom') {
    return [{ at: pathText(path), message: 'is missing', ...(last === undefined ? {} : { missing: String(last) }) }]
  }
  return [{ at: pathText(path), message: sentence(issue, value) }]
}

function sentence(issue: Found, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kindName(issue.expected)}, but is ${describe(value)}`
    case 'invalid_value':
      return mustBeOneOf(issue.values.map(String), value)
    case 'too_big':
      if (issue.origin === 'string') return `is too long (at most ${issue.maximum} characters)`
      return `must be at most ${issue.maximum}, but is ${describeNumber(value)}`
    case 'too_small':
      if (hasOwnWords(issue)) return issue.message
      if (issue.origin === 'string') return 'must not be empty'
      return `must be at least ${issue.minimum}, but is ${describeNumber(value)}`
    case 'invalid_key':
      return `the name cannot be used: ${issue.issues.map((inner) => inner.message).join('; ')}`
    case 'custom':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_element':
    case 'unrecognized_keys':
    case 'invalid_union':
      return issue.message
  }
}

/** Zod's own texts begin with these; whatever else stands there was written by us. */
function hasOwnWords(issue: Found): boolean {
  return !/^(?:Too small|Too big|Invalid)/.test(issue.message)
}

/** Unions inside unions are one choice for the reader. */
function flatBranches(branches: readonly (readonly Found[])[]): readonly (readonly Found[])[] {
  return branches.flatMap((branch) => {
    const [only] = branch
    const nested = branch.length === 1 && only?.code === 'invalid_union' && only.path.length === 0
    return nested ? flatBranches(only.errors) : [branch]
  })
}

function bestOf(branches: readonly (readonly Found[])[]): readonly Found[] | undefined {
  let best: readonly Found[] | undefined
  let bestCost = Number.POSITIVE_INFINITY
  for (const branch of branches) {
    const cost = costOf(branch)
    if (cost < bestCost) {
      best = branch
      bestCost = cost
    }
  }
  return best
}

/** How far a branch is from what was written: a wrong kind of value weighs most, a wrong word inside least. */
function costOf(branch: readonly Found[]): number {
  let cost = 0
  for (const issue of branch) {
    if (issue.code === 'invalid_union') {
      cost += 1 + Math.min(...issue.errors.map(costOf)) / (issue.path.length + 1)
    } else if (issue.path.length === 0 && issue.code === 'invalid_type') cost += 1_000
    else if (issue.path.length === 0 && issue.code === 'invalid_value') cost += 500
    else if (issue.code === 'unrecognized_keys') cost += 3 * issue.keys.length
    else if (issue.code === 'invalid_type') cost += 5
    else cost += 1
  }
  return cost
}

function literalsOf(branches: readonly (readonly Found[])[]): readonly string[] {
  return branches.flatMap((branch) =>
    branch.flatMap((issue) =>
      issue.code === 'invalid_value' && issue.path.length === 0 ? issue.values.map(String) : [],
    ),
  )
}

function mustBeOneOf(allowed: readonly string[], value: unknown): string {
  const list = allowed.length === 1 ? `must be ${allowed[0]}` : `must be one of ${allowed.join(', ')}`
  const hint = near(value, allowed)
  const shown = typeof value === 'string' && value.length <= 40 ? JSON.stringify(value) : describe(value)
  return `${list}, but is ${shown}${hint === undefined ? '' : `; did you mean "${hint}"?`}`
}

function near(value: unknown, allowed: readonly string[]): string | undefined {
  return typeof value === 'string' ? nearest(value, allowed) : undefined
}

function kindName(expected: string): string {
  const names: Readonly<Record<string, string>> = {
    string: 'text',
    int: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a block of keys',
    record: 'a block of keys',
  }
  return names[expected] ?? expected
}

function describe(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a block of keys'
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  return 'text'
}

/** A number of an address comes as text, and is one where its size is wrong. */
function describeNumber(value: unknown): string {
  return typeof value === 'string' ? value.trim() : describe(value)
}

/** A missing key is not told where an unknown key beside it is obviously its misspelling. */
function dropImplied(problems: readonly Told[]): Told[] {
  const meant = new Set(problems.flatMap((p) => (p.meant === undefined ? [] : [parentOf(p.at) + p.meant])))
  return problems.filter((p) => p.missing === undefined || !meant.has(parentOf(p.at) + p.missing))
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('.') + 1)
}

function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? String(part) : `${text}.${String(part)}`
  }, '')
}

/** The value at a path of a document that nothing has checked; `undefined` where there is none. */
export function at(document: unknown, path: Path): unknown {
  let value = document
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Reflect.get(value, part)
  }
  return value
}

/** The keys that any form of the value at `path` accepts. */
function keysAt(schema: z.core.$ZodType, path: Path): string[] {
  let here = formsOf(schema)
  for (const part of path) here = here.flatMap((form) => child(form, part))
  return [...new Set(here.flatMap((form) => (form instanceof z.ZodObject ? Object.keys(form.shape) : [])))]
}

function child(form: z.core.$ZodType, part: PropertyKey): z.core.$ZodType[] {
  if (form instanceof z.ZodObject) {
    const next: unknown = Reflect.get(form.shape, part)
    return next instanceof z.ZodType ? formsOf(next) : []
  }
  if (form instanceof z.ZodArray) return formsOf(form.element)
  if (form instanceof z.ZodRecord) return formsOf(form.valueType)
  return []
}

function formsOf(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return formsOf(schema.def.innerType)
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return formsOf(schema.def.innerType)
  if (schema instanceof z.ZodPipe) return formsOf(schema.def.in)
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => formsOf(option))
  return [schema]
}
