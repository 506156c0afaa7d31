// The installation as a whole: overview, issues, exports, the settings of this server, and one user now.
import { z } from 'zod'
import { ConflictError } from '../../base/errors.ts'
import { REMEDIES } from '../../contract/remedies.ts'
import { withTransaction } from '../../database/transaction.ts'
import { recordAudit } from '../../registry/audit.ts'
import { listExpiring } from '../../registry/connections.ts'
import { countIssues } from '../../registry/issues.ts'
import { listLastChanges, listPeopleOnDays, listWaiting } from '../../registry/overview.ts'
import { listSourceLines } from '../../registry/source-list.ts'
import { listTerminalEnds } from '../../registry/terminal-ends.ts'
import { requireUserView } from '../../registry/user-view.ts'
import { listRefusals } from '../../sync/alerting.ts'
import { askForRun } from '../../sync/asking.ts'
import { listOrphans } from '../../signin/makers.ts'
import { listGuessing } from '../../signin/terminal-guessing.ts'
import { listCodesTried } from '../../signin/wrong-codes.ts'
import { keyVersionOf } from '../../vault/keys.ts'
import { concernsFor } from '../concerns.ts'
import { readCursor, writeCursor } from '../cursor.ts'
import type { Handlers } from '../handler.ts'

const DAY_MS = 86_400_000
/** Credentials are told of when they end within so many days. */
const EXPIRY_DAYS = 60
/** Their tokens last a year, or as an administrator says. */
const TERMINAL_EXPIRY_DAYS = 30
const LAST_CHANGES = 10
const FILE_TYPES = { csv: 'text/csv', json: 'application/json', ndjson: 'application/x-ndjson' } as const

export const installationRoutes = {
  getOverview: async ({ engine: { db, clock }, actions, figures, installation, proxies }, { identity }) => {
    const now = clock.now()
    const expiring = (await listExpiring(db, new Date(now.getTime() + EXPIRY_DAYS * DAY_MS)))
      .map(({ connection, kind, expiresAt }) => ({
        connection,
        kind: kind === 'secret' ? 'client secret' : 'certificate',
        expiresAt: expiresAt.toISOString(),
        days: Math.floor((expiresAt.getTime() - now.getTime()) / DAY_MS),
      }))
      .toSorted((a, b) => a.days - b.days)
    const facts = {
      sources: [...(await listSourceLines(db, { now }))],
      waiting: [...(await listWaiting(db, now))],
      expiring,
      undelivered: [...(await actions.listUndelivered())],
    }
    const counted = await figures.read()
    return {
      ...counted,
      ...facts,
      concerns: concernsFor(identity, {
        ...facts,
        issues: counted.issues,
        guessing: await listGuessing(db, now),
        codesTried: await listCodesTried(db, now),
        refused: await listRefusals(db, now),
        terminalEnds: await listTerminalEnds(db, new Date(now.getTime() + TERMINAL_EXPIRY_DAYS * DAY_MS)),
        orphans: await listOrphans(db, now),
        untrustedProxy: proxies.untrusted(),
        silentProxy: proxies.silent(),
        isCopy: await actions.isCopy(),
        now,
        silenceHours: installation.alertSilenceHours,
      }),
      lastChanges: [...(await listLastChanges(db, LAST_CHANGES))],
      // What is noted of today is a quarter of an hour old, and would contradict the figure above it.
      people: (await listPeopleOnDays(db, now)).map(({ day, active }) => ({
        day,
        active: day === now.toISOString().slice(0, 10) ? counted.users.active : active,
      })),
    }
  },

  listIssues: async ({ engine, actions }, { query }) => {
    const { source, code, limit } = query
    const [after] = readCursor(query.cursor, z.tuple([z.number()])) ?? []
    const found = await actions.listIssues({ source, code, after, limit: limit + 1 })
    const items = found.slice(0, limit).map((issue) => ({
      ...issue,
      id: String(issue.id),
      remedy: REMEDIES[issue.code],
      openedAt: issue.openedAt.toISOString(),
      seenAt: issue.seenAt.toISOString(),
      nextTryAt: issue.nextTryAt?.toISOString() ?? null,
    }))
    const last = items.at(-1)
    const next = found.length > limit && last !== undefined ? writeCursor([Number(last.id)]) : null
    // Counted once for whoever goes through the pages, and not at all where one page has them all.
    const total =
      after !== undefined ? null : next === null ? items.length : await countIssues(engine.db, { source, code })
    return { items, next, total }
  },

  exportRegistry: async ({ actions, engine }, { params: { kind }, query: { format, csvDialect }, actor }) => {
    // Before the first byte: who has read it stands there also when he breaks off.
    await withTransaction(engine.db, (tx) =>
      recordAudit(tx, engine, { actor, action: 'registry.export', subject: kind, details: { format, csvDialect } }),
    )
    return {
      type: FILE_TYPES[format],
      fileName: `muster-${kind}.${format}`,
      write: (destination, signal) => actions.export({ kind, format, dialect: csvDialect }, { destination, signal }),
    }
  },

  getKeys: async ({ actions }) => actions.listKeys(),

  getBackup: async ({ actions, engine }, { actor }) => ({
    type: 'application/octet-stream',
    fileName: `muster-${engine.clock.now().toISOString().slice(0, 19).replaceAll(':', '')}Z.backup`,
    write: async (destination, signal) => {
      await actions.backup({ actor, destination, signal })
    },
  }),

  takeOver: async ({ actions }, { actor }) => ({ wasCopy: await actions.takeOver({ actor }) }),

  getSettings: async ({ engine, actions, version, installation }) => ({
    version,
    database: installation.database,
    keyVersion: await keyVersionOf(engine.db),
    startedAt: installation.startedAt.toISOString(),
    settings: [...installation.settings],
    undelivered: [...(await actions.listUndelivered())],
  }),

  syncThisUser: async (parts, { params, actor }) => {
    const { source, objectId, userName } = await requireUserView(parts.engine.db, Number(params.user), parts.engine)
    if (source === null || objectId === null)
      throw new ConflictError('not-synchronized', `${userName} belongs to no source, so there is nothing to read anew`)
    return askForRun(parts, { source, kind: 'sync', full: false, user: objectId, actor })
  },
} satisfies Pick<
  Handlers,
  | 'getOverview'
  | 'listIssues'
  | 'exportRegistry'
  | 'getBackup'
  | 'takeOver'
  | 'getKeys'
  | 'getSettings'
  | 'syncThisUser'
>
