// Terminals: devices and other systems that identify people. What administrators do with them, and what they do themselves.
import { z } from 'zod'
import { SIGN_IN_REFUSALS, type SignInRefusal } from '../sign-in-refusals.ts'
import { parseTransform } from '../transform.ts'
import { endpoint, id, time } from './endpoint.ts'

/** How somebody can be identified at a terminal. */
export const WAYS = ['card', 'pin', 'userNamePin', 'deviceCode', 'password'] as const
export type Way = (typeof WAYS)[number]

/** What a terminal may be told of somebody, beside id, user name and full name. */
export const TELLS = [
  'groups',
  'language',
  'email',
  'phone',
  'department',
  'costCenter',
  'personalNumber',
  'storage',
] as const
export type Told = (typeof TELLS)[number]

/**
 * In the order of what they let happen. What becomes of a card that nobody has: nothing, or whoever identifies himself at the terminal in another way may register it.
 * Not by a code on another device, unless that is said as well: who is talked into typing one would give somebody a card for good.
 */
export const UNKNOWN_CARDS = ['refuse', 'register', 'registerAlsoByCode'] as const
export type UnknownCards = (typeof UNKNOWN_CARDS)[number]

const terminalName = z
  .string()
  .min(1)
  .max(100)
  .refine(
    (text) => text === text.trim() && !/\p{Cc}/u.test(text),
    'a name has no control characters and no outer spaces',
  )

const cardTransform = z
  .string()
  .trim()
  .min(1)
  .max(500)
  .superRefine((text, context) => {
    const parsed = parseTransform(text)
    if (parsed.kind === 'refused') context.addIssue({ code: 'custom', message: parsed.problem })
  })

const settings = z.strictObject({
  name: terminalName,
  may: z.array(z.enum(WAYS)).min(1, 'a terminal that may identify in no way could do nothing'),
  tells: z.array(z.enum(TELLS)),
  unknownCard: z.enum(UNKNOWN_CARDS),
  /** How its reader writes cards, as a card transformation of a source; null: as the registry has them. */
  cardTransform: cardTransform.nullable(),
})

/** A terminal as it is listed; its token is shown once, when it is made or renewed. */
export const terminal = settings.extend({
  id,
  /** The first characters of its token, to recognize it by. */
  prefix: z.string(),
  createdBy: z.string(),
  createdAt: time,
  expiresAt: time.nullable(),
  lastUsedAt: time.nullable(),
  lastAddress: z.string().nullable(),
})
export type Terminal = z.infer<typeof terminal>

/** Days until a token ends; null: it does not end by itself. */
const days = z.int().min(1).max(3650).nullable()
const withToken = terminal.extend({ token: z.string() })
const params = z.object({ terminal: id })

const secret = z.string().min(1).max(200)

/** Who was identified: beside the first three only what the terminal may be told, null where he has none. */
const identifiedUser = z.object({
  id,
  userName: z.string(),
  fullName: z.string().nullable(),
  groups: z.array(z.object({ id, path: z.string() })).optional(),
  language: z.string().nullable().optional(),
  email: z.string().nullable().optional(),
  phone: z.string().nullable().optional(),
  department: z.string().nullable().optional(),
  costCenter: z.string().nullable().optional(),
  personalNumber: z.string().nullable().optional(),
  storage: z.string().nullable().optional(),
})
export type IdentifiedUser = z.infer<typeof identifiedUser>

const identified = z.object({
  kind: z.literal('identified'),
  by: z.enum(WAYS),
  user: identifiedUser,
  /** With this the user may register one card that nobody has, here and soon; null where this terminal does not. */
  registration: z.object({ code: z.string(), expiresAt: time }).nullable(),
})

/** Nobody was identified, and why; `message` is for the person, in English. */
const refused = z.object({
  kind: z.literal('refused'),
  reason: z.enum(['unknown-card', 'wrong-pin', 'wrong-user-name-or-pin', 'expired', ...SIGN_IN_REFUSALS]),
  message: z.string(),
  /** The card may be registered by whoever identifies himself here in another way. */
  mayRegister: z.boolean(),
})

const identification = z.discriminatedUnion('kind', [identified, refused])
export type Identification = z.infer<typeof identification>

/** Why a sign-in with Microsoft, by device code or password, ended without anybody. */
export type MicrosoftRefusal = SignInRefusal | 'expired'

/** `pending`: ask again after so long. */
const deviceCodeAnswer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('pending'), intervalSeconds: z.int() }),
  identified,
  refused,
])
export type DeviceCodeAnswer = z.infer<typeof deviceCodeAnswer>

const flow = z.object({ flow: z.string().min(1).max(100) })

const tag = 'Terminals'

export const TERMINALS = {
  listTerminals: endpoint({
    method: 'GET',
    path: '/api/v1/terminals',
    tag,
    summary: 'The terminals, also those whose tokens have ended by themselves.',
    role: 'administrator',
    scope: 'administer',
    answer: { kind: 'json', status: 200, body: z.object({ items: z.array(terminal) }) },
    audit: null,
  }),
  createTerminal: endpoint({
    method: 'POST',
    path: '/api/v1/terminals',
    tag,
    summary: 'Makes a terminal. Its token is shown in this answer and never again.',
    role: 'administrator',
    scope: null,
    body: settings.extend({ days }),
    answer: { kind: 'json', status: 201, body: withToken },
    audit: 'terminal.create',
    needsProof: true,
  }),
  changeTerminal: endpoint({
    method: 'PATCH',
    path: '/api/v1/terminals/:terminal',
    tag,
    summary: 'Changes what a terminal may do and what it is told; counts at once.',
    role: 'administrator',
    scope: null,
    params,
    body: settings.partial().extend({
      /** Its settings as they were told: refused with `changed-meanwhile` where they are others by now. */
      seen: settings.optional(),
    }),
    answer: { kind: 'json', status: 200, body: terminal },
    audit: 'terminal.change',
    needsProof: 'where-a-terminal-gets-more',
  }),
  renewTerminal: endpoint({
    method: 'POST',
    path: '/api/v1/terminals/:terminal/token',
    tag,
    summary: 'Gives a terminal another token, shown in this answer alone. The one before ends at once.',
    role: 'administrator',
    scope: null,
    params,
    body: z.strictObject({ days }),
    answer: { kind: 'json', status: 201, body: withToken },
    audit: 'terminal.renew',
    needsProof: true,
  }),
  revokeTerminal: endpoint({
    method: 'DELETE',
    path: '/api/v1/terminals/:terminal',
    tag,
    summary: 'Ends a terminal and its token at once.',
    role: 'administrator',
    scope: 'administer',
    params,
    answer: { kind: 'nothing' },
    audit: 'terminal.revoke',
  }),

  getTerminal: endpoint({
    method: 'GET',
    path: '/api/v1/terminal',
    tag,
    summary: 'Which terminal asks, and what it may do.',
    role: 'terminal',
    scope: null,
    answer: {
      kind: 'json',
      status: 200,
      body: settings.pick({ name: true, may: true, tells: true, unknownCard: true }).extend({
        expiresAt: time.nullable(),
        /** Through which connections people may sign in with Microsoft here, by name. */
        connections: z.array(z.string()),
        /** Those whose people may type their Microsoft passwords here. */
        passwordConnections: z.array(z.string()),
        version: z.string(),
      }),
    },
    audit: null,
  }),
  authenticate: endpoint({
    method: 'POST',
    path: '/api/v1/terminal/authenticate',
    tag,
    summary: 'Identifies a person. Who is not identified is an answer too; 429 says how long to wait after too many.',
    role: 'terminal',
    scope: null,
    body: z.discriminatedUnion('by', [
      z.strictObject({ by: z.literal('card'), card: secret }),
      z.strictObject({ by: z.literal('pin'), pin: secret }),
      z.strictObject({
        by: z.literal('userNamePin'),
        /** The user name or an alias: both are of one name space. */
        userName: secret,
        pin: secret,
      }),
      z.strictObject({
        by: z.literal('password'),
        /** At Microsoft; or a name of the registry, where the user name there is the one at Microsoft. */
        userName: secret,
        password: z.string().min(1).max(256),
        /** The name of a connection; left out: the only one, or the one of the user name's domain. */
        connection: z.string().max(200).optional(),
      }),
    ]),
    answer: { kind: 'json', status: 200, body: identification },
    audit: 'terminal.identify',
  }),
  startDeviceCode: endpoint({
    method: 'POST',
    path: '/api/v1/terminal/device-code',
    tag,
    summary: 'Begins a sign-in with Microsoft on another device: show the code, and the address as text and QR.',
    role: 'terminal',
    scope: null,
    /** The name of a connection; left out where there is one. */
    body: z.strictObject({ connection: z.string().max(200).optional() }),
    answer: {
      kind: 'json',
      status: 201,
      body: z.object({
        flow: z.string(),
        userCode: z.string(),
        verificationUri: z.string(),
        expiresAt: time,
        intervalSeconds: z.int(),
      }),
    },
    audit: 'terminal.identify',
  }),
  getDeviceCode: endpoint({
    method: 'GET',
    path: '/api/v1/terminal/device-code/:flow',
    tag,
    summary: 'How a sign-in by device code stands. Asked oftener than `intervalSeconds`, it answers what it knows.',
    role: 'terminal',
    scope: null,
    params: flow,
    answer: { kind: 'json', status: 200, body: deviceCodeAnswer },
    audit: 'terminal.identify',
  }),
  endDeviceCode: endpoint({
    method: 'DELETE',
    path: '/api/v1/terminal/device-code/:flow',
    tag,
    summary: 'Ends a sign-in by device code that the person walked away from.',
    role: 'terminal',
    scope: null,
    params: flow,
    answer: { kind: 'nothing' },
    audit: 'terminal.identify',
  }),
  registerCard: endpoint({
    method: 'POST',
    path: '/api/v1/terminal/cards',
    tag,
    summary: 'Gives a card that nobody has to who was identified here in another way within two minutes; works once.',
    role: 'terminal',
    scope: null,
    body: z.strictObject({ registration: secret, card: secret }),
    answer: { kind: 'nothing' },
    audit: 'card.add',
  }),
} as const
