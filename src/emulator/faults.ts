// Scripted faults: what goes wrong, on which requests, how often; each counts how often it acted (graph.md 19).
import type { Clock } from '../base/clock.ts'
import type { Behaviour, BehaviourName } from './behaviour.ts'
import { type Answer, answerFault } from './faultanswers.ts'
import { spoilBody } from './faultbodies.ts'
import type { IdTokenForgery } from './forgeries.ts'
import {
  type DamageFault,
  type FaultKind,
  type FaultSpec,
  type FaultTarget,
  isDamageFault,
  isSpoilFault,
  type Spoilable,
} from './faultkinds.ts'
import { createRandom, type Random } from './random.ts'
import type { Delivery } from './wire.ts'

interface Entry {
  readonly number: number
  readonly spec: FaultSpec
  readonly random: Random | undefined
  readonly undo: () => void
  readonly firedInBehaviour: () => number
  seen: number
  fired: number
}

export interface FaultHandle {
  readonly number: number
  readonly spec: FaultSpec
  /** How often it acted. */
  readonly fired: number
  remove(): void
}

export class Faults {
  readonly #clock: Clock
  readonly #behaviours: (tenantId: string | undefined) => readonly Behaviour[]
  readonly #past = new Map<FaultKind, number>()
  #entries: Entry[] = []
  #added = 0

  constructor(options: { clock: Clock; behaviours: (tenantId: string | undefined) => readonly Behaviour[] }) {
    this.#clock = options.clock
    this.#behaviours = options.behaviours
  }

  /** Switches a fault on. Faults act in the order in which they were added; of those that answer, the first one does. */
  add(spec: FaultSpec): FaultHandle {
    const change = spec.kind === 'behaviour' ? applyBehaviour(this.#behaviours(spec.tenantId), spec.set) : undefined
    const entry: Entry = {
      number: ++this.#added,
      spec,
      random: spec.rate === undefined ? undefined : createRandom(spec.seed ?? this.#added),
      undo: change?.undo ?? (() => undefined),
      firedInBehaviour: change?.fired ?? (() => 0),
      seen: 0,
      fired: 0,
    }
    this.#entries = [...this.#entries, entry]
    return {
      number: entry.number,
      spec,
      get fired() {
        return entry.fired + entry.firedInBehaviour()
      },
      remove: () => this.#remove(entry),
    }
  }

  remove(number: number): boolean {
    const entry = this.#entries.find((candidate) => candidate.number === number)
    if (entry !== undefined) this.#remove(entry)
    return entry !== undefined
  }

  /** Switches all off. Counts of kinds are kept. */
  clear(): void {
    for (const entry of this.#entries) this.#remove(entry)
  }

  /** How often faults of this kind acted since the start, removed ones included. */
  fired(kind: FaultKind): number {
    let sum = this.#past.get(kind) ?? 0
    for (const entry of this.#entries) if (entry.spec.kind === kind) sum += entry.fired + entry.firedInBehaviour()
    return sum
  }

  /** Faults with a `count` that have not acted that often: a test that leaves one has not tested what it meant to. */
  pending(): readonly FaultSpec[] {
    return this.#entries
      .filter(({ spec, fired }) => spec.count !== undefined && fired < spec.count)
      .map(({ spec }) => spec)
  }

  list(): readonly { readonly number: number; readonly spec: FaultSpec; readonly fired: number }[] {
    return this.#entries.map((entry) => ({
      number: entry.number,
      spec: entry.spec,
      fired: entry.fired + entry.firedInBehaviour(),
    }))
  }

  /** What happens to this request before the service sees it: an answer in its place, a delay, damage to come. */
  meet(target: FaultTarget): { readonly answer?: Answer; readonly delayMs: number; readonly damage?: DamageFault } {
    if (this.#entries.length === 0) return { delayMs: 0 }
    let delayMs = 0
    let answer: Answer | undefined
    let damage: DamageFault | undefined
    for (const entry of this.#entries) {
      const { spec } = entry
      if (spec.kind === 'behaviour' || spec.kind === 'id-token' || isSpoilFault(spec) || !matches(spec, target))
        continue
      if (spec.kind === 'latency') {
        if (this.#acts(entry)) delayMs += spec.ms
      } else if (isDamageFault(spec)) {
        if (damage === undefined && !target.isInner && this.#acts(entry)) damage = spec
      } else if (answer === undefined) {
        const made = answerFault(spec, { target, now: this.#clock.now() })
        if (made !== undefined && this.#acts(entry)) answer = made
      }
    }
    return { delayMs, ...(answer === undefined ? {} : { answer }), ...(damage === undefined ? {} : { damage }) }
  }

  /** Changes the service's answer; an answer to which a fault does not apply passes and does not count. */
  spoil<R extends Spoilable>(target: FaultTarget, response: R): R {
    let spoilt = response
    for (const entry of this.#entries) {
      const { spec } = entry
      if (!isSpoilFault(spec) || !matches(spec, target)) continue
      const changed = spoilBody(spec, { target, response: spoilt })
      if (changed !== undefined && this.#acts(entry)) spoilt = { ...spoilt, ...changed }
    }
    return spoilt
  }

  /** What an id token of this tenant is made into. */
  forgery(tenantId: string): IdTokenForgery | undefined {
    for (const entry of this.#entries) {
      const { spec } = entry
      if (spec.kind !== 'id-token' || (spec.tenantId !== undefined && spec.tenantId !== tenantId)) continue
      if (this.#acts(entry)) return spec
    }
    return undefined
  }

  #acts(entry: Entry): boolean {
    entry.seen++
    const { after = 0, count = Number.POSITIVE_INFINITY, rate = 1 } = entry.spec
    if (entry.seen <= after || entry.fired >= count) return false
    if (entry.random !== undefined && entry.random.next() >= rate) return false
    entry.fired++
    return true
  }

  #remove(entry: Entry): void {
    if (!this.#entries.includes(entry)) return
    this.#entries = this.#entries.filter((other) => other !== entry)
    const { kind } = entry.spec
    this.#past.set(kind, (this.#past.get(kind) ?? 0) + entry.fired + entry.firedInBehaviour())
    entry.undo()
  }
}

/** What a damage means for a body of this size. */
export function deliveryOf(fault: DamageFault, bodyBytes: number): Delivery {
  switch (fault.kind) {
    case 'reset':
      return fault.at === 'headers'
        ? { kind: 'reset-before-headers' }
        : { kind: 'reset-in-body', keepBytes: fault.keepBytes ?? Math.floor(bodyBytes / 2) }
    case 'truncated':
      return {
        kind: 'cut',
        framing: fault.framing,
        keepBytes: fault.keepBytes ?? (fault.framing === 'gzip' ? -8 : Math.floor(bodyBytes / 2)),
      }
    case 'drip':
      return { kind: 'drip', bytes: fault.bytes ?? 1, everyMs: fault.everyMs ?? 500 }
    case 'endless':
      return { kind: 'endless', filler: ' '.repeat(65_536) }
    case 'bomb':
      return { kind: 'bomb', decodedBytes: fault.decodedBytes ?? 512 * 1024 * 1024 }
  }
}

function matches(spec: FaultSpec, target: FaultTarget): boolean {
  const where = spec.where ?? (spec.path === undefined ? 'outer' : 'both')
  if (where !== 'both' && (where === 'inner') !== target.isInner) return false
  if (spec.method !== undefined && spec.method !== target.method) return false
  if (spec.tenantId !== undefined && spec.tenantId !== target.tenantId) return false
  if (spec.path === undefined) return spec.kind === 'token-error' ? !target.isGraph : target.isGraph
  if (typeof spec.path !== 'string') {
    spec.path.lastIndex = 0
    return spec.path.test(readablePath(target))
  }
  const wanted = spec.path.split('/')
  const given = target.path.split('/')
  return wanted.length === given.length && wanted.every((part, i) => part === '*' || part === given[i])
}

/** Path and query as a person writes them. */
export function readablePath(target: { readonly path: string; readonly rawQuery: string }): string {
  const whole = target.rawQuery === '' ? target.path : `${target.path}?${target.rawQuery}`
  try {
    return decodeURIComponent(whole.replaceAll('+', ' '))
  } catch (error) {
    if (error instanceof URIError) return whole
    throw error
  }
}

function applyBehaviour(
  behaviours: readonly Behaviour[],
  set: Partial<Omit<Behaviour, 'fired'>>,
): { undo: () => void; fired: () => number } {
  // The keys of a Partial of Behaviour are its names; Object.keys forgets that.
  const names = Object.keys(set) as BehaviourName[] // oxlint-disable-line typescript/no-unsafe-type-assertion
  const count = (): number =>
    behaviours.reduce((sum, behaviour) => sum + names.reduce((n, name) => n + (behaviour.fired[name] ?? 0), 0), 0)
  const before = behaviours.map((behaviour) => ({ ...behaviour }))
  const firedBefore = count()
  for (const behaviour of behaviours) Object.assign(behaviour, set)
  let final: number | undefined
  return {
    fired: () => final ?? count() - firedBefore,
    undo() {
      final = count() - firedBefore
      behaviours.forEach((behaviour, i) => {
        for (const name of names) Object.assign(behaviour, { [name]: before[i]?.[name] })
      })
    },
  }
}
