// The config file over the API: applied, tried, and written out.
import { type ConfigFile, parseConfigFile } from '../../contract/config-file.ts'
import type { ConfigurationChange } from '../../contract/configuration.ts'
import { writeConfiguration } from '../../registry/connection-views.ts'
import type { ConnectionSecrets } from '../../registry/prepare-configuration.ts'
import type { AnswerOf, Handlers } from '../handler.ts'
import type { API } from '../../contract/api/api.ts'
import type { HttpParts } from '../parts.ts'

export const configurationRoutes = {
  applyConfiguration: async (parts, { body, actor, signal }) => {
    const { file: document, prune, dryRun } = body
    const file = parseConfigFile(document, await parts.actions.connectionNames())
    const secrets = new Map(Object.entries(body.secrets).map(([name, given]) => [name, secretsOf(name, given)]))
    const { changes, warnings } = await parts.actions.configure({ document, secrets, prune, dryRun, actor, signal })
    const plans = dryRun && body.plans ? await plansOf(parts, { changes, file, signal }) : []
    return { changes: [...changes], plans, warnings: [...warnings] }
  },

  getConfiguration: async ({ engine }) => ({ file: await writeConfiguration(engine.db) }),
} satisfies Pick<Handlers, 'applyConfiguration' | 'getConfiguration'>

type Plans = AnswerOf<(typeof API)['applyConfiguration']>['plans']

function secretsOf(
  connection: string,
  given: {
    readonly secret?: string | readonly string[] | undefined
    readonly certificate?: string | readonly string[] | undefined
  },
): ConnectionSecrets {
  const at = `connections.${connection}.certificate`
  const certificates = [given.certificate ?? []].flat().map((text) => ({ text, at }))
  return { secrets: [given.secret ?? []].flat(), certificates }
}

/** What the next run of each source would do that plans everybody anew. */
async function plansOf(
  { actions }: HttpParts,
  made: { readonly changes: readonly ConfigurationChange[]; readonly file: ConfigFile; readonly signal: AbortSignal },
): Promise<Plans> {
  const plans: Plans = []
  for (const { name, action, replans } of made.changes) {
    const settings = made.file.sources[name]
    if (action !== 'change' || !replans || settings === undefined) continue
    const { document, isUnread, unreadAttributes } = await actions.preview({
      source: name,
      settings,
      signal: made.signal,
    })
    plans.push({ source: name, isUnread, document, unreadAttributes: [...unreadAttributes] })
  }
  return plans
}
