// Routes of signing in with Microsoft, of one's own page, and of who gets which role.
import { randomInt } from 'node:crypto'
import { ConflictError } from '../../base/errors.ts'
import type { Endpoint } from '../../contract/api/endpoint.ts'
import type { OwnPage } from '../../contract/api/sign-in.ts'
import { signedOutUriOf } from '../../contract/registration.ts'
import { requireConnectionById } from '../../registry/connections.ts'
import { isPinOwn, listRegisteredCards, resetPin } from '../../registry/edit-credentials.ts'
import { listSignInPlaces, signInConnections } from '../../registry/sign-in-rule.ts'
import { requireUserView } from '../../registry/user-view.ts'
import { endSession } from '../../signin/administer.ts'
import { type Identity, type PersonIdentity, sessionIdOf } from '../../signin/identity.ts'
import { beginMicrosoft, beginProof, type BegunMicrosoft } from '../../signin/microsoft.ts'
import { endSessionUrl } from '../../signin/oidc.ts'
import { addRoleMapping, listRoleMappings, removeRoleMapping } from '../../signin/roles.ts'
import { roleProblemOf } from '../../signin/sessions.ts'
import { listSightings } from '../../signin/sightings.ts'
import { drawPin, pinLength } from '../../sync/pin.ts'
import { OWN_PIN_LIMIT } from '../flood.ts'
import type { Call, Handlers } from '../handler.ts'
import { type HttpParts, microsoftParts } from '../parts.ts'
import { HttpError } from '../problem.ts'
import { publicUrlOf, REDIRECT_PATH, redirectUriOf, requirePublicUrl } from '../public-url.ts'

export const signInRoutes = {
  getSignInOptions: async ({ engine, publicUrl }, { client }) => {
    if (publicUrlOf(publicUrl, client.origin) === undefined) return { microsoft: [] }
    const usable = await signInConnections(engine.db)
    return { microsoft: usable.map(({ name }) => ({ name })) }
  },
  beginMicrosoft: async (parts, asked) =>
    sendToMicrosoft(
      asked,
      await beginMicrosoft(microsoftParts(parts), {
        ...asked.body,
        ...wayOf(parts, asked),
        replaces: sessionIdOf(asked.identity),
      }),
    ),
  proveAtMicrosoft: async (parts, asked) => {
    const identity = personOf(asked.identity)
    const way = { ...asked.body, ...wayOf(parts, asked), identity }
    return sendToMicrosoft(asked, await beginProof(microsoftParts(parts), way))
  },
  signOutOfMicrosoft: async (parts, { identity, actor, client, signal }) => {
    const person = personOf(identity)
    const connection = await requireConnectionById(parts.engine.db, person.connectionId)
    await endSession(parts.engine, { session: person.sessionId, identity: person }, actor)
    client.setSession(undefined)
    const base = publicUrlOf(parts.publicUrl, client.origin)
    if (base === undefined) return { url: null }
    const returnTo = signedOutUriOf(`${base}${REDIRECT_PATH}`)
    return { url: (await endSessionUrl(parts.microsoft.oidc, { connection, returnTo, signal })) ?? null }
  },

  getOwnPage: async (parts, { identity }) => ownPageOf(parts, personOf(identity)),
  listOwnDevices: async ({ engine }, { identity }) => {
    const asked = { userId: personOf(identity).id, now: engine.clock.now() }
    const sightings = await listSightings(engine.db, asked)
    return { items: sightings.map((seen) => ({ ...seen, lastAt: seen.lastAt.toISOString() })) }
  },
  drawOwnPin: async ({ engine, ownPins }, { identity, actor }) => {
    const { id: userId } = personOf(identity)
    // Before the registry is held: what is refused keeps nobody waiting.
    const seconds = ownPins.take(String(userId))
    if (seconds > 0) throw tooManyPins(seconds)
    const draw = (people: number) => drawPin(pinLength(people), (below) => randomInt(below))
    return { pin: await resetPin(engine.db, { ...engine, actor, userId, draw }) }
  },

  getSignInSettings: async (parts, { client }) => {
    const publicUrl = publicUrlOf(parts.publicUrl, client.origin) ?? null
    const places = await listSignInPlaces(parts.engine.db)
    return {
      publicUrl,
      redirectUri: redirectUriOf(parts.publicUrl, client.origin) ?? null,
      connections: places.map(({ connection, signInWithMicrosoft, sources, lacks }) => ({
        name: connection,
        signInWithMicrosoft,
        sources: [...sources],
        lacks: [...lacks, ...(publicUrl === null ? (['public-url'] as const) : [])],
      })),
    }
  },
  listRoleMappings: async ({ engine }) => ({
    items: (await listRoleMappings(engine.db)).map((mapping) => ({ ...mapping, id: String(mapping.id) })),
  }),
  createRoleMapping: async ({ engine }, { body, actor }) => {
    const made = await addRoleMapping(engine, body, actor)
    return { ...made, id: String(made.id) }
  },
  removeRoleMapping: async ({ engine }, { params, actor }) => {
    await removeRoleMapping(engine, Number(params.mapping), actor)
    return undefined
  },
} satisfies Partial<Handlers>

/** The endpoints that ask for it are for people only. */
function personOf(identity: Identity): PersonIdentity {
  if (identity.kind === 'person') return identity
  throw new HttpError(403, 'forbidden', { message: 'This is for people who signed in with Microsoft' })
}

function tooManyPins(seconds: number): HttpError {
  const minutes = Math.ceil(seconds / 60)
  return new HttpError(429, 'too-many-requests', {
    message: `You have drawn ${OWN_PIN_LIMIT.burst} new PINs of late; the last one works. You can draw another one in ${minutes} min`,
    headers: { 'retry-after': String(seconds) },
  })
}

async function ownPageOf({ engine }: HttpParts, person: PersonIdentity): Promise<OwnPage> {
  const view = await requireUserView(engine.db, person.id, engine)
  const connection = await requireConnectionById(engine.db, person.connectionId)
  const registered = await listRegisteredCards(engine.db, person.id)
  const { id, userName, fullName, email, department, aliases, cards, groups, pin } = view
  return {
    id,
    userName,
    fullName,
    email,
    department,
    aliases: aliases.filter(({ isHeld }) => isHeld).map(({ value }) => value),
    connection: connection.name,
    role: person.role,
    // What went wrong concerns whoever looks after the connection, and is in the audit.
    roleProblem: (await roleProblemOf(engine.db, person.sessionId)) === null ? null : 'groups-not-told',
    groups: groups.map(({ name, path }) => ({ name, path })),
    cards: cards.map(({ id: cardId, value, isHeld, origin, createdAt }) => ({
      value,
      isHeld,
      since: createdAt,
      registeredAt: registered.get(Number(cardId)) ?? null,
      isOfSource: origin === 'source',
    })),
    pin: {
      isSet: pin?.isHeld === true,
      since: pin?.since ?? null,
      isOwn: await isPinOwn(engine.db, person.id),
    },
  }
}

type Leaving = Pick<Call<Endpoint>, 'client' | 'noteRefused' | 'signal'>

/** From which browser to Microsoft, and where to it comes back. */
function wayOf(parts: HttpParts, { client, signal }: Leaving) {
  const redirectUri = `${requirePublicUrl(parts.publicUrl, client.origin)}${REDIRECT_PATH}`
  return { redirectUri, address: client.address, browser: client.flow, signal }
}

async function sendToMicrosoft({ client, noteRefused }: Leaving, begun: BegunMicrosoft): Promise<{ url: string }> {
  if (begun.kind === 'refused') {
    await noteRefused(begun.reason, begun.refusal)
    throw new ConflictError(begun.reason, begun.message)
  }
  client.setFlow(begun)
  return { url: begun.url }
}
