// The settings while they are edited: the document that is saved, read and changed by paths such as `users.options.graceDays` or
// `users.filter.any[0].all`, the same that mistakes name.
import { createContext, useContext } from 'react'

/** A mistake or a warning, and the path of the setting that it is about. */
export interface Remark {
  readonly at: string
  readonly message: string
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }
export type JsonBlock = { readonly [key: string]: Json }

type Step = string | number

function stepsOf(path: string): readonly Step[] {
  return [...path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, key, place]) =>
    place === undefined ? (key ?? '') : Number(place),
  )
}

function readAt(document: Json, path: string): Json | undefined {
  let value: Json | undefined = document
  for (const step of stepsOf(path)) {
    if (typeof value !== 'object' || value === null) return undefined
    value = isList(value) ? value[Number(step)] : value[step]
  }
  return value
}

/** @returns a document with another value at the path; `undefined` takes the key out */
export function writeAt(document: Json, path: string, value: Json | undefined): Json {
  return write(document, stepsOf(path), value)
}

function write(document: Json | undefined, steps: readonly Step[], value: Json | undefined): Json {
  const [step, ...rest] = steps
  if (step === undefined) return value ?? null
  if (document !== undefined && isList(document)) {
    return document.map((entry, place) => (place === Number(step) ? write(entry, rest, value) : entry))
  }
  const block = blockOf(document)
  if (rest.length === 0 && value === undefined) {
    return Object.fromEntries(Object.entries(block).filter(([key]) => key !== String(step)))
  }
  return { ...block, [step]: write(block[step], rest, value) }
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

export function blockOf(value: Json | undefined): JsonBlock {
  return typeof value === 'object' && value !== null && !isList(value) ? value : {}
}

export function listOf(value: Json | undefined): readonly Json[] {
  return isList(value) ? value : []
}

export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}

export interface Draft {
  readonly settings: JsonBlock
  readonly problems: readonly Remark[]
  /** While there are mistakes, those of the settings before. */
  readonly warnings: readonly Remark[]
  /** The settings as they were last without mistakes; undefined where they never were. */
  readonly sound: JsonBlock | undefined
  /** Somebody pressed Save: what was left empty is told now. */
  readonly isTried: boolean
  readonly isReadOnly: boolean
  /** Settings that are changed so that they are saved with a recent proof of who one is only. */
  readonly needProof: ReadonlySet<string>
  readonly set: (path: string, value: Json | undefined) => void
  /** Says whether something is typed at a setting that is no part of it yet. It is neither saved nor given up without a word. */
  readonly setUnfinished: (path: string, isUnfinished: boolean) => void
}

export const DraftContext = createContext<Draft | undefined>(undefined)

export function useDraft(): Draft {
  const draft = useContext(DraftContext)
  if (draft === undefined) throw new Error('useDraft is used outside of the editor')
  return draft
}

export interface SettingState {
  readonly value: Json | undefined
  readonly set: (value: Json | undefined) => void
  /** See {@link Draft.setUnfinished}. */
  readonly setUnfinished: (isUnfinished: boolean) => void
  readonly problem: string | null
  readonly warning: string | null
  readonly isReadOnly: boolean
  /** See {@link Draft.needProof}. */
  readonly needsProof: boolean
}

/** One setting: its value, what is wrong with it, how it is changed. */
export function useSetting(path: string): SettingState {
  const draft = useDraft()
  const value = readAt(draft.settings, path)
  const isEmpty = value === undefined || value === '' || (isList(value) && value.length === 0)
  const problem = draft.problems.find(({ at }) => at === path)
  return {
    value,
    set: (next) => draft.set(path, next),
    setUnfinished: (isUnfinished) => draft.setUnfinished(path, isUnfinished),
    problem: problem === undefined || (isEmpty && !draft.isTried) ? null : problem.message,
    warning: draft.warnings.find(({ at }) => at === path)?.message ?? null,
    isReadOnly: draft.isReadOnly,
    needsProof: draft.needProof.has(path),
  }
}

/** Whether something is wrong with these settings: then they are shown, also where another one makes them idle. */
export function useProblemsIn(paths: readonly string[]): boolean {
  const { problems } = useDraft()
  return problems.some(({ at }) => paths.some((path) => isWithin(at, path)))
}

function isWithin(at: string, path: string): boolean {
  return at === path || at.startsWith(`${path}.`) || at.startsWith(`${path}[`)
}
