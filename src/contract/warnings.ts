// What an administrator should know about settings before he saves them. Nothing here keeps him from it: mistakes are refused
// elsewhere, and what settings do to people is for the plan and the safeguard.
import { attributeReaders } from './attributes-read.ts'
import type { ConfigFile } from './config-file.ts'
import type { SourceSettings } from './sources.ts'

/** A sentence, and the setting that it is about. */
export interface SettingsWarning {
  readonly at: string
  readonly message: string
}

/** What else is known, where something else is known. */
export interface WarningFacts {
  /** Of the connection. */
  readonly signInWithMicrosoft?: boolean | undefined
}

/** The warnings about settings, in the order of the settings. */
export function warningsOf(settings: SourceSettings, facts: WarningFacts = {}): readonly SettingsWarning[] {
  return [
    ...general(settings),
    ...properties(settings),
    ...attributes(settings),
    ...options(settings, facts),
    ...safeguard(settings),
  ]
}

/** As {@link warningsOf}, of every source of a config file, by their place in it. */
export function warningsOfFile({ sources, connections }: ConfigFile): readonly SettingsWarning[] {
  return Object.entries(sources).flatMap(([name, settings]) =>
    warningsOf(settings, { signInWithMicrosoft: connections[settings.connection]?.signInWithMicrosoft }).map(
      ({ at, message }) => ({ at: `sources.${name}.${at}`, message }),
    ),
  )
}

function* general({ enabled, schedule, adoptions }: SourceSettings): Generator<SettingsWarning> {
  if (enabled && schedule.delta === null && schedule.full === null)
    yield { at: 'schedule', message: 'No schedule runs this source: it is synchronized by hand only.' }
  else if (enabled && schedule.full === null)
    yield {
      at: 'schedule.full',
      message: 'Without a full compare nothing puts right what the changes from Microsoft leave out.',
    }
  if (adoptions === 'automatic')
    yield {
      at: 'adoptions',
      message: 'Users without an object id are taken over by name or number without anybody looking at it first.',
    }
}

function* properties(settings: SourceSettings): Generator<SettingsWarning> {
  const { pin } = settings.users.properties
  if (pin !== null && pin !== 'generate')
    yield {
      at: 'users.properties.pin',
      message:
        'A PIN in an attribute can be read by every application with User.Read.All in the tenant. Generated PINs can not.',
    }
}

function* attributes(settings: SourceSettings): Generator<SettingsWarning> {
  for (const { at, attributes: names } of attributeReaders(settings)) {
    for (const name of new Set(names)) {
      const message = ATTRIBUTE_WARNINGS[name]
      if (message !== undefined) yield { at, message }
    }
  }
}

/** What has to be known of single attributes. Source: https://learn.microsoft.com/graph/api/resources/user (seen 2026-11). */
const ATTRIBUTE_WARNINGS: Readonly<Record<string, string>> = {
  employeeLeaveDateTime:
    'Microsoft shows employeeLeaveDateTime only to applications that have User-LifeCycleInfo.Read.All as well.',
}

function* options(settings: SourceSettings, facts: WarningFacts): Generator<SettingsWarning> {
  const { options: chosen, disabledAccounts } = settings.users
  if (disabledAccounts === 'import')
    yield {
      at: 'users.disabledAccounts',
      message: 'People whose account is disabled in Entra stay active here, with their cards and PINs.',
    }
  if (chosen.useAsAuthenticationServer && facts.signInWithMicrosoft === false)
    yield {
      at: 'users.options.useAsAuthenticationServer',
      message: 'Nobody can sign in with Microsoft before the connection enables it.',
    }
  if (!chosen.deactivateMissingUsers)
    yield {
      at: 'users.options.deactivateMissingUsers',
      message: 'People who are deleted in Entra stay active here and keep their cards and PINs.',
    }
  if (chosen.deactivateMissingUsers && chosen.graceDays > 0)
    yield {
      at: 'users.options.graceDays',
      message: `People who are deleted in Entra keep their cards and PINs for ${chosen.graceDays} more days.`,
    }
  if (!chosen.pairByObjectId)
    yield {
      at: 'users.options.pairByObjectId',
      message:
        'For migrations: names are tried before the link, so a name that was given to somebody else moves the link.',
    }
}

function* safeguard(settings: SourceSettings): Generator<SettingsWarning> {
  if (settings.safeguard === null)
    yield { at: 'safeguard', message: 'Nothing holds a plan for approval, however many people it removes or rewrites.' }
}
