// Sources: their list, their settings, and what other settings would do, shown before they are saved.
import { objectName } from '../../contract/connection-settings.ts'
import { parseWithProblems } from '../../contract/problems.ts'
import { type SettingsWarning, warningsOf } from '../../contract/warnings.ts'
import { parseSettings, writeSettings } from '../../contract/written-settings.ts'
import type { SourceSettings } from '../../contract/sources.ts'
import type { SourceView } from '../../contract/api/sources.ts'
import { ATTRIBUTE_CHOICES } from '../../directory/attribute-labels.ts'
import { ConfigError, NotFoundError } from '../../base/errors.ts'
import { presentItem } from '../../registry/present-items.ts'
import { changeSource, checkSourceSettings, createSource, removeSource } from '../../registry/edit-sources.ts'
import { listConnections } from '../../registry/connections.ts'
import { listSourceLines } from '../../registry/source-list.ts'
import { requireSource, whenChanged } from '../../registry/sources.ts'
import { previewMapping } from '../../sync/mapping-preview.ts'
import type { Engine } from '../../sync/engine.ts'
import { requireAttributes } from '../../sync/unknown-attributes.ts'
import type { Handlers } from '../handler.ts'

export const sourceRoutes = {
  listSources: async ({ engine }) => ({
    items: [...(await listSourceLines(engine.db, { now: engine.clock.now() }))],
  }),

  getSource: ({ engine }, { params }) => view(engine, params.source),

  createSource: async ({ engine }, { body, actor, checkProof, signal }) => {
    const { name, settings } = parseNamed(body)
    const unchecked = await requireAttributes(engine, { source: undefined, settings, signal })
    await createSource(engine.db, { ...engine, actor, checkProof, name, settings })
    return view(engine, name, unchecked)
  },

  changeSource: async ({ engine }, { params: { source: name }, body, actor, checkProof, signal }) => {
    const { name: newName, settings } = parseNamed({ name: body.name ?? name, settings: body.settings })
    const seen = body.updatedAt
    const unchecked = await requireAttributes(engine, { source: name, settings, signal })
    await changeSource(engine.db, { ...engine, actor, checkProof, name, newName, settings, seen })
    return view(engine, newName, unchecked)
  },

  listSourceSettings: async ({ actions }, { params: { source } }) => ({
    items: [...(await actions.listSourceSettings({ source }))],
  }),

  getSourceSettings: ({ actions }, { params: { source, number } }) =>
    actions.getSourceSettings({ source, number: Number(number) }),

  restoreSourceSettings: async (
    { engine, actions },
    { params: { source, number }, body, actor, checkProof, signal },
  ) => {
    const asked = { source, number: Number(number), seen: body.updatedAt }
    const warnings = await actions.restoreSourceSettings({ ...asked, actor, checkProof, signal })
    return { ...(await view(engine, source)), warnings: [...warnings] }
  },

  removeSource: async ({ engine }, { params: { source: name }, actor }) => {
    await removeSource(engine.db, { ...engine, actor, name })
    return undefined
  },

  getImpact: async ({ engine, actions }, { params: { source }, body, signal }) => {
    const settings = parseSettings(body.settings)
    await requireSource(engine.db, source)
    await checkSourceSettings(engine.db, settings)
    const unchecked = await requireAttributes(engine, { source, settings, signal })
    const preview = await actions.preview({ source, newName: body.name, settings, signal })
    return {
      ...preview,
      items: preview.items.map(presentItem),
      unreadAttributes: [...preview.unreadAttributes],
      warnings: [...(await warnings(engine, settings)), ...unchecked],
    }
  },

  checkSettings: async ({ engine }, { body }) => {
    const settings = parseSettings(body.settings)
    await checkSourceSettings(engine.db, settings)
    return { settings: writeSettings(settings), warnings: await warnings(engine, settings) }
  },

  mapUsers: async ({ engine }, { body, signal }) => ({
    users: [...(await previewMapping(engine, { ...body, signal }))],
  }),

  listAttributes: async () => ({ items: [...ATTRIBUTE_CHOICES] }),
} satisfies Pick<
  Handlers,
  | 'listSources'
  | 'getSource'
  | 'createSource'
  | 'changeSource'
  | 'listSourceSettings'
  | 'getSourceSettings'
  | 'restoreSourceSettings'
  | 'removeSource'
  | 'getImpact'
  | 'checkSettings'
  | 'mapUsers'
  | 'listAttributes'
>

/** @throws ConfigError with the mistakes of both */
function parseNamed(body: { readonly name: string; readonly settings: unknown }): {
  readonly name: string
  readonly settings: SourceSettings
} {
  const named = parseWithProblems(objectName, body.name)
  if (named.kind === 'ok') return { name: named.value, settings: parseSettings(body.settings) }
  const problems = named.problems.map((problem) => ({ ...problem, at: 'name' }))
  try {
    parseSettings(body.settings)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new ConfigError([...problems, ...error.problems])
  }
  throw new ConfigError(problems)
}

async function warnings(engine: Engine, settings: SourceSettings): Promise<SourceView['warnings']> {
  const connection = (await listConnections(engine.db)).find(({ name }) => name === settings.connection)
  return [...warningsOf(settings, { signInWithMicrosoft: connection?.signInWithMicrosoft })]
}

/** @param unchecked what is to be known beside what the settings themselves tell */
async function view(
  { db, clock }: Pick<Engine, 'db' | 'clock'>,
  name: string,
  unchecked: readonly SettingsWarning[] = [],
): Promise<SourceView> {
  const { settings, connection } = await requireSource(db, name)
  const { createdAt, updatedAt } = await whenChanged(db, name)
  const [line] = await listSourceLines(db, { now: clock.now(), name })
  if (line === undefined) throw new NotFoundError('source', name)
  return {
    ...line,
    settings: writeSettings(settings),
    warnings: [...warningsOf(settings, connection), ...unchecked],
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  }
}
