// The OpenAPI 3.1 document, made of the declarations that the server checks requests with.
import { z } from 'zod'
import { API } from '../contract/api/api.ts'
import { type Answer, type Audience, type Endpoint, problem } from '../contract/api/endpoint.ts'

type Json = Readonly<Record<string, unknown>>

/** For /api/openapi.json and for docs/openapi.json. */
export function makeOpenApi(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {}
  const tags = new Set<string>()
  for (const [name, endpoint] of Object.entries<Endpoint>(API)) {
    tags.add(endpoint.tag)
    const path = endpoint.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operation(name, endpoint) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Muster',
      version,
      description:
        'Everything that the command line and the web do. Lists are paged: send `next` of one page as `cursor` of the next. ' +
        'Errors are problem documents (RFC 9457) with a stable `code`. People sign in with a session cookie and send its ' +
        '`csrf` back as `X-Muster-Csrf`; programs send `Authorization: Bearer` and an API token.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [...tags].map((tag) => ({ name: tag })),
    paths,
    components: {
      schemas: { Problem: schemaOf(problem, 'output') },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An API token; what it may is named by its scopes.' },
        terminal: {
          type: 'http',
          scheme: 'bearer',
          description: 'A terminal token (mtt_…): good for identifying people, and for nothing else.',
        },
        session: { type: 'apiKey', in: 'cookie', name: '__Host-muster-session', description: 'A signed-in person.' },
      },
    },
  }
}

function operation(name: string, endpoint: Endpoint): Json {
  const { tag, summary, role, scope, params, query, body, answer, isIdempotent, needsProof } = endpoint
  const parameters = [
    ...parametersOf('path', params),
    ...parametersOf('query', query),
    ...(isIdempotent === true ? [IDEMPOTENCY_KEY] : []),
  ]
  return {
    operationId: name,
    tags: [tag],
    summary,
    description: `${whoMay({ role, scope })}${needsProof === undefined ? '' : NEEDS_PROOF[needsProof === true ? 'always' : needsProof]}`,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
    responses: { ...responsesOf(answer), default: PROBLEM },
    security: securityOf({ role, scope }),
  }
}

const NEEDS_PROOF = {
  always:
    ' A session must have been proved within ten minutes (403 `proof-needed`, see `proveAgain`); tokens are not asked.',
  'unless-dry-run':
    ' Without `dryRun` a session must have been proved within ten minutes (403 `proof-needed`, see `proveAgain`); tokens are not asked.',
  'where-sign-in-changes':
    ' Where it changes through which connection people sign in, a session must have been proved within ten minutes (403 `proof-needed`, see `proveAgain`); tokens do not change that (409 `connection-of-sign-in`).',
  'where-a-terminal-gets-more':
    ' Where it adds a way, something told or registering cards, or changes how cards are read, a session must have been proved within ten minutes (403 `proof-needed`, see `proveAgain`).',
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key with the same request gives the first answer once more for 24 hours.',
  schema: { type: 'string', maxLength: 200 },
}

const PROBLEM = {
  description: 'A problem',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

function securityOf({ role, scope }: Pick<Endpoint, 'role' | 'scope'>): readonly Json[] {
  if (role === 'anyone') return []
  if (role === 'terminal') return [{ terminal: [] }]
  return [{ session: [] }, ...(scope === null ? [] : [{ token: [] }])]
}

function whoMay({ role, scope }: Pick<Endpoint, 'role' | 'scope'>): string {
  const people = AUDIENCES[role] ?? `Least role: ${role}.`
  return `${people} ${scope === null ? 'Not for API tokens.' : `Scope of a token: ${scope}.`}`
}

function parametersOf(place: 'path' | 'query', fields: Endpoint['params']): readonly Json[] {
  if (fields === undefined) return []
  return Object.entries(fields.shape).map(([name, field]) => ({
    name,
    in: place,
    required: place === 'path' || !z.safeParse(field, undefined).success,
    schema: schemaOf(field, 'input'),
  }))
}

function responsesOf(answer: Answer): Json {
  switch (answer.kind) {
    case 'nothing':
      return { 204: { description: 'Done' } }
    case 'json':
      return {
        [answer.status]: {
          description: 'Done',
          content: { 'application/json': { schema: schemaOf(answer.body, 'output') } },
        },
      }
    case 'events':
      return {
        200: {
          description: 'Server-sent events; the data of each is such a document.',
          content: { 'text/event-stream': { schema: schemaOf(answer.body, 'output') } },
        },
      }
    case 'file':
      return {
        200: {
          description: 'A file',
          content: Object.fromEntries(answer.types.map((type) => [type, { schema: { type: 'string' } }])),
        },
      }
    default:
      return answer satisfies never
  }
}

/** JSON Schema of 2020-12 is what OpenAPI 3.1 has. What it cannot say (our own checks) is left out. */
function schemaOf(schema: z.core.$ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' })
  return rest
}

const AUDIENCES: Readonly<Record<string, string>> = {
  anyone: 'Nobody has to be signed in.',
  'signed-in': 'Everybody who has signed in, about himself.',
  account: 'Local accounts, about themselves.',
  person: 'People who signed in with Microsoft, about themselves.',
  terminal: 'Terminals, with a token of their own.',
} satisfies Record<Audience, string>
