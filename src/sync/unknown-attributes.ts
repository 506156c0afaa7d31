// Whether a tenant has the attributes that settings name, asked when they are saved: a name with a mistake in it is told at its
// field then, and not by a run that fails in the night.
import type { Clock } from '../base/clock.ts'
import { assert, ConfigError, type ConfigProblem, RunError } from '../base/errors.ts'
import { type AttributePlace, attributePlaces } from '../contract/attribute-places.ts'
import type { SourceSettings } from '../contract/sources.ts'
import type { SettingsWarning } from '../contract/warnings.ts'
import { isDirectoryExtension } from '../directory/attributes.ts'
import type { GraphClient } from '../graph/client.ts'
import { TokenError } from '../graph/errors.ts'
import type { WantedConfiguration } from '../registry/configuration.ts'
import { listConnections } from '../registry/connections.ts'
import { differences } from '../registry/differences.ts'
import { listSources } from '../registry/sources.ts'
import { accessOfForm, type UnsavedAccess } from '../registry/unsaved-connection.ts'
import type { Engine } from './engine.ts'

/** Somebody waits in front of a form. */
const ASK_MS = 5_000

interface SettingsToAsk {
  /** What stands before the paths of its settings. */
  readonly place: string
  readonly settings: SourceSettings
  /** The settings that are saved; undefined of a new source. */
  readonly before: SourceSettings | undefined
}

/**
 * Asks Graph for the attributes that settings name and no documentation does: directory extensions, which every tenant registers
 * for itself. Without one of them, or with settings that are saved already, nothing is asked. Takes at most five seconds.
 *
 * @param asked.source the name that it is saved under
 * @returns what could not be asked for; and attributes that there are no more though the saved settings name them: these keep
 * nobody from saving something else, least of all from switching the source off
 * @throws ConfigError with every new attribute that the tenant does not have, by its path inside the settings
 */
export async function requireAttributes(
  engine: Engine,
  asked: { readonly source: string | undefined; readonly settings: SourceSettings; readonly signal: AbortSignal },
): Promise<readonly SettingsWarning[]> {
  const { source, settings, signal } = asked
  const connection = (await listConnections(engine.db)).find(({ name }) => name === settings.connection)
  // That there is none is told by those who save.
  if (connection === undefined) return []
  const before = (await listSources(engine.db)).find(({ name }) => name === source)?.settings
  const openGraph = () => engine.openGraph(connection)
  return refusing(await ask(engine, { sources: [{ place: '', settings, before }], openGraph, signal }))
}

/**
 * As {@link requireAttributes}, for a config file with the connections as it says them. At most five seconds for each connection.
 *
 * @param asked.openGraphWith a client for a connection that is not saved
 */
export async function requireAttributesOfFile(
  engine: Engine,
  asked: {
    readonly wanted: WantedConfiguration
    readonly openGraphWith: (access: UnsavedAccess) => GraphClient
    readonly signal: AbortSignal
  },
): Promise<readonly SettingsWarning[]> {
  const { wanted, openGraphWith, signal } = asked
  const { db, vault } = engine
  const saved = new Map((await listSources(db)).map(({ name, settings }) => [name, settings]))
  const connections = new Map((await listConnections(db)).map((connection) => [connection.name, connection]))
  const sources = [...wanted.sources].map(([name, settings]) => ({
    place: `sources.${name}.`,
    settings,
    before: saved.get(name),
  }))
  const told: Remarks[] = []
  for (const name of new Set(sources.map(({ settings }) => settings.connection))) {
    const inFile = wanted.connections.get(name)
    const onFile = connections.get(name)
    const openGraph = async () => {
      if (inFile !== undefined) return openGraphWith(await accessOfForm(db, { vault, name, wanted: inFile }))
      assert(onFile !== undefined, 'a config file names no connection that there is not')
      return engine.openGraph(onFile)
    }
    const theirs = sources.filter(({ settings }) => settings.connection === name)
    told.push(await ask(engine, { sources: theirs, openGraph, signal }))
  }
  return refusing({
    problems: told.flatMap(({ problems }) => problems),
    warnings: told.flatMap(({ warnings }) => warnings),
  })
}

interface Remarks {
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly SettingsWarning[]
}

function refusing({ problems, warnings }: Remarks): readonly SettingsWarning[] {
  if (problems.length > 0) throw new ConfigError(problems)
  return warnings
}

interface Asking {
  /** All of one connection. */
  readonly sources: readonly SettingsToAsk[]
  readonly openGraph: () => Promise<GraphClient>
  readonly signal: AbortSignal
}

async function ask({ clock, log }: Pick<Engine, 'clock' | 'log'>, asking: Asking): Promise<Remarks> {
  const places = asking.sources.flatMap(placesToAsk)
  if (places.length === 0) return { problems: [], warnings: [] }
  const names = [...new Set(places.map(({ attribute }) => attribute))]
  const answer = await within(clock, asking, (graph, signal) => graph.unknownAttributes({ names, signal }))
  if (answer.kind === 'unasked') {
    log.info('attributes of settings were not checked', { code: answer.code })
    return { problems: [], warnings: places.map((place) => remark(place, unchecked(place.attribute, answer.reason))) }
  }
  const unknown = places.filter(({ attribute }) => answer.value.includes(attribute))
  return {
    problems: unknown.filter(({ isSaved }) => !isSaved).map((place) => remark(place, missing(place))),
    warnings: unknown.filter(({ isSaved }) => isSaved).map((place) => remark(place, gone(place))),
  }
}

function placesToAsk({ place, settings, before }: SettingsToAsk) {
  if (before !== undefined && differences(before, settings).length === 0) return []
  const known = before?.connection === settings.connection ? extensionsIn(before) : []
  const saved = new Set(known.map(({ attribute }) => attribute))
  return extensionsIn(settings).map((one) => ({ ...one, at: `${place}${one.at}`, isSaved: saved.has(one.attribute) }))
}

function extensionsIn(settings: SourceSettings): readonly AttributePlace[] {
  return attributePlaces(settings).filter(({ attribute }) => isDirectoryExtension(attribute))
}

function remark({ at, character }: AttributePlace, message: string): SettingsWarning {
  return { at, message: character === undefined ? message : `${message} (at character ${character})` }
}

function missing({ attribute }: AttributePlace): string {
  return `Microsoft Entra has no attribute "${attribute}" in this tenant; compare it with the extension properties of the application that registered it`
}

function gone({ attribute }: AttributePlace): string {
  return `Microsoft Entra has no attribute "${attribute}" in this tenant any more, so runs that ask for it may fail`
}

function unchecked(attribute: string, reason: string): string {
  return `Whether the tenant has the attribute "${attribute}" was not checked: ${reason.replace(/\.$/, '')}. The next run asks for it`
}

type Asked<T> =
  | { readonly kind: 'answered'; readonly value: T }
  /** For people, and for programs. */
  | { readonly kind: 'unasked'; readonly reason: string; readonly code: string }

async function within<T>(
  clock: Clock,
  { openGraph, signal }: Asking,
  work: (graph: GraphClient, signal: AbortSignal) => Promise<T>,
): Promise<Asked<T>> {
  const limit = new AbortController()
  const ended = new AbortController()
  const waiting = clock.sleep(ASK_MS, ended.signal).then(
    () => limit.abort(new Error('it took too long')),
    () => {},
  )
  let graph: GraphClient | undefined
  try {
    graph = await openGraph()
    return { kind: 'answered', value: await work(graph, AbortSignal.any([signal, limit.signal])) }
  } catch (error) {
    signal.throwIfAborted()
    if (limit.signal.aborted)
      return { kind: 'unasked', reason: `Microsoft did not answer within ${ASK_MS / 1_000} s`, code: 'timeout' }
    if (error instanceof TokenError) return { kind: 'unasked', reason: error.reason, code: error.code }
    if (error instanceof RunError) return { kind: 'unasked', reason: error.message, code: error.code }
    if (error instanceof ConfigError) return { kind: 'unasked', reason: error.message, code: 'config' }
    throw error
  } finally {
    ended.abort(new Error('it has ended'))
    await waiting
    await graph?.stop()
  }
}
