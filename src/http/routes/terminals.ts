// Routes of terminals: what administrators do with them, and what they do themselves.
import type { Terminal, Way } from '../../contract/api/terminals.ts'
import { ConfigError, ConflictError } from '../../base/errors.ts'
import type { Identity, TerminalIdentity } from '../../signin/identity.ts'
import { signInConnections } from '../../registry/sign-in-rule.ts'
import { passwordConnections } from '../../signin/terminal-connections.ts'
import { identifyShown, NOT_AS_IT_WAS, readCard } from '../../signin/terminal-identify.ts'
import {
  endDeviceCode,
  readDeviceCode,
  startDeviceCode,
  type TerminalMicrosoftParts,
} from '../../signin/terminal-device-code.ts'
import { identifyByPassword } from '../../signin/terminal-password.ts'
import type { RefusalFacts } from '../../signin/terminal-refusals.ts'
import { mayRegisterBy, registerCard } from '../../signin/terminal-registration.ts'
import {
  changeTerminal,
  createTerminal,
  findTerminal,
  type ListedTerminal,
  listTerminals,
  renewTerminal,
  revokeTerminal,
} from '../../signin/terminals.ts'
import { MAX_KEY_LENGTH, valueProblem } from '../../sync/map/value.ts'
import { tokenInvalid } from '../guard.ts'
import type { Handlers } from '../handler.ts'
import type { HttpParts } from '../parts.ts'
import { HttpError } from '../problem.ts'

export const terminalRoutes = {
  listTerminals: async ({ engine }) => ({ items: (await listTerminals(engine.db)).map(presentTerminal) }),
  createTerminal: async ({ engine }, { body, actor }) => {
    const { token, listed } = await createTerminal(engine, body, actor)
    return { ...presentTerminal(listed), token }
  },
  changeTerminal: async ({ engine }, { params, body: { seen, ...change }, actor, checkProof }) =>
    presentTerminal(await changeTerminal(engine, { id: Number(params.terminal), change, seen, checkProof }, actor)),
  renewTerminal: async ({ engine }, { params, body, actor }) => {
    const { token, listed } = await renewTerminal(engine, { id: Number(params.terminal), days: body.days }, actor)
    return { ...presentTerminal(listed), token }
  },
  revokeTerminal: async ({ engine }, { params, actor }) => {
    await revokeTerminal(engine, Number(params.terminal), actor)
    return undefined
  },

  getTerminal: async ({ engine, terminals, version }, { identity, client }) => {
    const { id, name, may, tells, unknownCard, expiresAt } = terminalOf(identity)
    terminals.noteUse(id, { at: engine.clock.now(), address: client.address })
    const connections = may.includes('deviceCode') ? await signInConnections(engine.db) : []
    const withPassword = may.includes('password') ? await passwordConnections(engine.db) : []
    return {
      name,
      may: [...may],
      tells: [...tells],
      unknownCard,
      expiresAt: expiresAt?.toISOString() ?? null,
      connections: connections.map((connection) => connection.name),
      passwordConnections: withPassword.map((connection) => connection.name),
      version,
    }
  },
  authenticate: async (parts, { body, identity, client, stopping, noteRefused }) => {
    const { engine, terminals, cards, passwords } = parts
    const { db, vault, clock } = engine
    const terminal = await terminalFor(parts, identity, body.by)
    requireWay(terminal, body.by)
    terminals.noteUse(terminal.id, { at: clock.now(), address: client.address })
    if (body.by === 'password') {
      // What Microsoft says of a password counts, is noted and is taken back also for a terminal that has hung up.
      const typed = { terminal, typed: body, signal: stopping }
      const { answer, refusal } = await passwords.pass(terminal.id, () => identifyByPassword(microsoftAt(parts), typed))
      if (answer.kind === 'refused') await noteRefused(answer.reason, known(refusal))
      return answer
    }
    const shown = body
    const identify = (as: TerminalIdentity) =>
      identifyShown({ db, vault, clock, terminals, cards }, { terminal: as, shown })
    let answer = await identify(terminal)
    for (let nth = 0; answer === NOT_AS_IT_WAS && nth < 3; nth += 1) {
      const changed = await lookAgain(parts, terminal)
      requireWay(changed, shown.by)
      answer = await identify(changed)
    }
    if (answer === NOT_AS_IT_WAS)
      throw new ConflictError('terminal-changed', 'The terminal was changed while this was looked at; ask again')
    if (answer.kind === 'refused') await noteRefused(answer.reason)
    return answer
  },
  startDeviceCode: async (parts, { body, identity, client, noteRefused, signal }) => {
    const terminal = terminalOf(identity)
    requireWay(terminal, 'deviceCode')
    parts.terminals.noteUse(terminal.id, { at: parts.engine.clock.now(), address: client.address })
    const begun = await startDeviceCode(microsoftAt(parts), { terminal, connection: body.connection, signal })
    if (begun.kind === 'refused') {
      await noteRefused(begun.reason, known(begun.facts))
      throw new ConflictError(begun.reason, begun.message)
    }
    const { kind: _, expiresAt, ...told } = begun
    return { ...told, expiresAt: expiresAt.toISOString() }
  },
  getDeviceCode: async (parts, { params, identity, noteRefused, stopping }) => {
    const terminal = terminalOf(identity)
    requireWay(terminal, 'deviceCode')
    // A terminal that hangs up while Microsoft says who it is asks again, and is told.
    const asked = { terminal, flow: params.flow, signal: stopping }
    const { answer, refusal } = await readDeviceCode(microsoftAt(parts), asked)
    if (answer.kind === 'refused' && refusal !== undefined) await noteRefused(answer.reason, known(refusal))
    return answer
  },
  endDeviceCode: async ({ engine, terminals }, { params, identity }) => {
    await endDeviceCode({ ...engine, terminals }, { terminal: terminalOf(identity), flow: params.flow })
    return undefined
  },
  registerCard: async ({ engine, terminals }, { body, identity, actor, noteRefused }) => {
    const terminal = terminalOf(identity)
    if (!terminal.may.some((way) => mayRegisterBy(terminal, way))) {
      throw new HttpError(403, 'way-not-allowed', {
        message: `Nobody registers cards at ${JSON.stringify(terminal.name)}; an administrator can allow it under Settings › Terminals`,
      })
    }
    const card = readCard(terminal, body.card)
    const problem =
      card === undefined ? 'is no card as the reader of this terminal writes them' : valueProblem(card, MAX_KEY_LENGTH)
    if (card === undefined || problem !== undefined)
      throw new ConfigError([{ at: 'body.card', message: problem ?? 'cannot be kept' }])
    try {
      await registerCard({ ...engine, terminals }, { terminal, code: body.registration, card }, actor)
    } catch (error) {
      if (error instanceof ConflictError) await noteRefused(error.code)
      throw error
    }
    return undefined
  },
} satisfies Partial<Handlers>

/** As the audit keeps it: of two people there are two. */
function known(facts: RefusalFacts | undefined): { facts?: Readonly<Record<string, unknown>>; about?: string } {
  if (facts === undefined) return {}
  const { tenantId, objectId } = facts
  return { facts: { ...facts }, ...(objectId === undefined ? {} : { about: `${tenantId} ${objectId}` }) }
}

/** What signing in with Microsoft at a terminal works with. */
function microsoftAt({ engine, terminals, microsoft }: HttpParts): TerminalMicrosoftParts {
  return { ...engine, terminals, ...microsoft }
}

/** A card is looked up together with the terminal, so that this one may be as it was last seen; for all else it is looked at again. */
async function terminalFor(parts: HttpParts, identity: Identity, way: Way): Promise<TerminalIdentity> {
  if (identity.kind !== 'remembered-terminal') return terminalOf(identity)
  const { terminal } = identity
  return way === 'card' && terminal.may.includes(way) ? terminal : lookAgain(parts, terminal)
}

/** The terminal as it is now. @throws HttpError `token-invalid` where its token is none any more */
async function lookAgain({ engine, terminals }: HttpParts, terminal: TerminalIdentity): Promise<TerminalIdentity> {
  const found = await findTerminal(engine, terminal.digest)
  if (found === undefined) {
    terminals.forget(terminal)
    throw tokenInvalid('terminal')
  }
  terminals.remember(found)
  return found
}

/** @throws HttpError `forbidden`; the guard lets nobody else through */
function terminalOf(identity: Identity): TerminalIdentity {
  if (identity.kind === 'terminal') return identity
  throw new HttpError(403, 'forbidden', { message: 'This is for terminals' })
}

/** @throws HttpError `way-not-allowed` */
function requireWay({ name, may }: TerminalIdentity, way: TerminalIdentity['may'][number]): void {
  if (may.includes(way)) return
  throw new HttpError(403, 'way-not-allowed', {
    message: `The terminal ${JSON.stringify(name)} may not identify people by ${way}; an administrator can allow it under Settings › Terminals`,
  })
}

function presentTerminal(terminal: ListedTerminal): Terminal {
  const { name, may, tells, unknownCard, cardTransform, prefix, createdBy, lastAddress } = terminal
  return {
    id: String(terminal.id),
    name,
    may: [...may],
    tells: [...tells],
    unknownCard,
    cardTransform,
    prefix,
    createdBy,
    createdAt: terminal.createdAt.toISOString(),
    expiresAt: terminal.expiresAt?.toISOString() ?? null,
    lastUsedAt: terminal.lastUsedAt?.toISOString() ?? null,
    lastAddress,
  }
}
