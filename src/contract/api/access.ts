// First start, signing in, and what one may do about oneself: session, password, second factor.
import { z } from 'zod'
import { endpoint, id, ROLES, time } from './endpoint.ts'

export const accountName = z
  .string()
  .min(1)
  .max(100)
  .refine(
    (text) => text === text.trim() && !/\p{Cc}/u.test(text),
    'a name has no control characters and no outer spaces',
  )
/** What makes a password good is judged by the server, which knows what is too common; see `signin/password.ts`. */
export const password = z.string().min(1).max(1024)

/** Of an authenticator app, or a recovery code. */
const code = z.string().min(6).max(40)
const recoveryCodes = z.object({ recoveryCodes: z.array(z.string()) })

/** How one's own account stands; what only counts when a first code was right is not on. */
const secondFactor = z.object({
  isOn: z.boolean(),
  since: time.nullable(),
  recoveryCodesLeft: z.int(),
})

/** Who one is, and what the pages of the web need to know before they show anything. */
export const ownSession = z.object({
  account: z.object({
    /** `person`: signed in with Microsoft; the id is the user's. */
    kind: z.enum(['account', 'person']),
    id,
    name: z.string(),
    /** Null: a person without a role, who sees his own page only. */
    role: z.enum(ROLES).nullable(),
  }),
  /** To be sent back as `X-Muster-Csrf` with everything that changes something. */
  csrf: z.string(),
  expiresAt: time,
  /** Until then what is sensitive is done without another proof of who one is; null: it asks for one. */
  provenUntil: time.nullable(),
  /** Until then one's own password is set without the old one, once: a link of the console began the session. Null: the old one is asked for. */
  setsPasswordUntil: time.nullable(),
  version: z.string(),
})
export type OwnSession = z.infer<typeof ownSession>

/** An open session, as its owner and administrators see it. */
export const openSession = z.object({
  id,
  createdAt: time,
  lastSeenAt: time,
  expiresAt: time,
  address: z.string(),
  userAgent: z.string(),
  /** The one that asks. */
  isThis: z.boolean(),
})
export type OpenSession = z.infer<typeof openSession>

/** Every session that somebody has. */
export const openSessions = { kind: 'json', status: 200, body: z.object({ items: z.array(openSession) }) } as const

/** Which local account is meant. */
export const accountId = z.object({ account: id })

const tag = 'Access'

export const ACCESS = {
  getSetup: endpoint({
    method: 'GET',
    path: '/api/v1/setup',
    tag,
    summary: 'Whether this installation still waits for its first administrator; 404 when it does not.',
    role: 'anyone',
    scope: null,
    answer: { kind: 'json', status: 200, body: z.object({ isOpen: z.literal(true), version: z.string() }) },
    audit: null,
  }),
  setUp: endpoint({
    method: 'POST',
    path: '/api/v1/setup',
    tag,
    summary: 'Makes the first administrator with the code that the console has shown, and signs him in.',
    role: 'anyone',
    scope: null,
    body: z.object({ code: z.string().min(1).max(200), name: accountName, password }),
    answer: { kind: 'json', status: 201, body: ownSession },
    audit: 'account.setup',
  }),
  signIn: endpoint({
    method: 'POST',
    path: '/api/v1/session',
    tag,
    summary: 'Signs in with name and password of a local account, and the code of its second factor where it has one.',
    role: 'anyone',
    scope: null,
    body: z.object({ name: z.string().min(1).max(100), password, code: code.optional() }),
    answer: { kind: 'json', status: 201, body: ownSession },
    audit: 'session.start',
  }),
  signInByLink: endpoint({
    method: 'POST',
    path: '/api/v1/session/link',
    tag,
    summary: 'Signs in with a link that was printed on the console; it works once.',
    role: 'anyone',
    scope: null,
    body: z.object({ code: z.string().min(1).max(200) }),
    answer: { kind: 'json', status: 201, body: ownSession },
    audit: 'session.start',
  }),
  getSession: endpoint({
    method: 'GET',
    path: '/api/v1/session',
    tag,
    summary: 'Who one is.',
    role: 'signed-in',
    scope: null,
    answer: { kind: 'json', status: 200, body: ownSession },
    audit: null,
  }),
  proveAgain: endpoint({
    method: 'POST',
    path: '/api/v1/session/proof',
    tag,
    summary:
      'Proves anew who one is, as approving plans, taking runs back, revealing cards, exports of the registry and of plans, backups, changes of connections and of who may sign in ask for: with the password, and the code of the second factor where there is one.',
    role: 'account',
    scope: null,
    body: z.strictObject({ password, code: code.optional() }),
    answer: { kind: 'json', status: 200, body: ownSession },
    audit: 'session.prove',
  }),
  signOut: endpoint({
    method: 'DELETE',
    path: '/api/v1/session',
    tag,
    summary: 'Ends this session.',
    role: 'signed-in',
    scope: null,
    answer: { kind: 'nothing' },
    audit: 'session.end',
  }),
  changePassword: endpoint({
    method: 'PUT',
    path: '/api/v1/session/password',
    tag,
    summary:
      'Gives oneself another password; all other sessions of the account end. Asks for the present one (`current`), but once within ten minutes of signing in by a link of the console.',
    role: 'account',
    scope: null,
    body: z.object({ current: password.optional(), password }),
    answer: { kind: 'nothing' },
    audit: 'account.password',
  }),
  getSecondFactor: endpoint({
    method: 'GET',
    path: '/api/v1/session/second-factor',
    tag,
    summary: 'Whether one’s own account asks for a code beside the password.',
    role: 'account',
    scope: null,
    answer: { kind: 'json', status: 200, body: secondFactor },
    audit: null,
  }),
  beginSecondFactor: endpoint({
    method: 'POST',
    path: '/api/v1/session/second-factor',
    tag,
    summary: 'Draws the secret for an authenticator app. It counts once a first code was confirmed.',
    role: 'account',
    scope: null,
    body: z.object({ password }),
    answer: { kind: 'json', status: 201, body: z.object({ secret: z.string(), uri: z.string() }) },
    audit: 'second-factor.begin',
  }),
  confirmSecondFactor: endpoint({
    method: 'PUT',
    path: '/api/v1/session/second-factor',
    tag,
    summary: 'Turns the second factor on with a first code; answers the recovery codes, once. Other sessions end.',
    role: 'account',
    scope: null,
    body: z.object({ code }),
    answer: { kind: 'json', status: 200, body: recoveryCodes },
    audit: 'second-factor.on',
  }),
  renewRecoveryCodes: endpoint({
    method: 'POST',
    path: '/api/v1/session/second-factor/recovery-codes',
    tag,
    summary: 'New recovery codes; those from before do not work any more.',
    role: 'account',
    scope: null,
    body: z.object({ password, code }),
    answer: { kind: 'json', status: 200, body: recoveryCodes },
    audit: 'second-factor.recovery-codes',
  }),
  endSecondFactor: endpoint({
    method: 'POST',
    path: '/api/v1/session/second-factor/removal',
    tag,
    summary: 'Turns one’s own second factor off.',
    role: 'account',
    scope: null,
    body: z.object({ password, code }),
    answer: { kind: 'nothing' },
    audit: 'second-factor.off',
  }),
  resetSecondFactor: endpoint({
    method: 'DELETE',
    path: '/api/v1/administrators/:account/second-factor',
    tag,
    summary:
      'Takes the second factor of somebody else away who has lost it; his sessions end. One’s own goes by POST /api/v1/session/second-factor/removal.',
    role: 'administrator',
    scope: null,
    params: accountId,
    answer: { kind: 'nothing' },
    audit: 'second-factor.reset',
    needsProof: true,
  }),
  listSessions: endpoint({
    method: 'GET',
    path: '/api/v1/sessions',
    tag,
    summary: 'One’s own open sessions.',
    role: 'signed-in',
    scope: null,
    answer: openSessions,
    audit: null,
  }),
  endSession: endpoint({
    method: 'DELETE',
    path: '/api/v1/sessions/:session',
    tag,
    summary: 'Ends one of one’s own sessions; an administrator may end anybody’s.',
    role: 'signed-in',
    scope: null,
    params: z.object({ session: id }),
    answer: { kind: 'nothing' },
    audit: 'session.end',
  }),
} as const
