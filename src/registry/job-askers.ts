// Who asked for a job. One that waits is the same for all who ask for it: done once, as each of them wanted it, until nobody is left.
import type { Actor } from './audit.ts'

/** One who asked, with what he asked for; as a row keeps him. */
export interface Asker {
  readonly kind: Actor['kind']
  readonly name: string
  readonly id: number | null
  readonly full: boolean
}

export type JobTrigger = 'manual' | 'schedule' | 'api'

/** What a job is for all who asked for it. */
export interface Asked {
  readonly full: boolean
  readonly trigger: JobTrigger
  /** For whom it is done: who asked last, and a schedule where nobody else did. */
  readonly actor: Actor
  /** The others, the first one first. */
  readonly alsoAsked: readonly Actor[]
}

export function askerOf(actor: Actor, full: boolean): Asker {
  return { kind: actor.kind, name: actor.name, id: actor.id ?? null, full }
}

/** Whoever asks again stands last, and keeps what he asked for before; a schedule stands first, as it does for a person no more than he for it. */
export function withAsker(askers: readonly Asker[], asker: Asker): readonly Asker[] {
  const before = askers.find((one) => isSame(one, asker))
  const others = askers.filter((one) => one !== before)
  const kept = { ...asker, full: asker.full || before?.full === true }
  return asker.kind === 'schedule' ? [kept, ...others] : [...others, kept]
}

export function withoutAsker(askers: readonly Asker[], actor: Actor): readonly Asker[] {
  const gone = askerOf(actor, false)
  return askers.filter((one) => !isSame(one, gone))
}

/** Full when one of them wants that, and by hand when one of them is a person. Undefined where nobody is left. */
export function askedBy(askers: readonly Asker[]): Asked | undefined {
  const actors = askers.map(actorOf)
  const actor = actors.pop()
  if (actor === undefined) return undefined
  const triggers = askers.map(({ kind }) => triggerOf(kind))
  const trigger = (['manual', 'api'] as const).find((one) => triggers.includes(one)) ?? 'schedule'
  return { full: askers.some(({ full }) => full), trigger, actor, alsoAsked: actors }
}

function actorOf({ kind, name, id }: Asker): Actor {
  return { kind, name, id: id ?? undefined }
}

function triggerOf(kind: Actor['kind']): JobTrigger {
  if (kind === 'schedule') return 'schedule'
  return kind === 'token' ? 'api' : 'manual'
}

/** Names change and are given to others; an id stays. */
function isSame(a: Asker, b: Asker): boolean {
  return a.kind === b.kind && (a.id === null || b.id === null ? a.id === b.id && a.name === b.name : a.id === b.id)
}
