// The search for secrets itself: that it finds them in whatever they were packed, or else its silence would prove nothing.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Canaries } from './canaries.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { eachColumn } from './leaks.ts'
import { testSealing } from './world.ts'
import { plant, requireNoSecrets, secretsIn, secretsInDatabase } from './secret-shapes.ts'

const PLANTED = 'a session.of (no) looks+1'
plant('session', PLANTED)
testSealing.seal('verifier of a sign-in', 'sign-in flow:00')
testSealing.seal('code of a device', 'terminal device code')
testSealing.seal('JBSWY3DPEHPK3PXP', 'second factor:1')

const SECRET = 'q7"&/+~abcdefghijklmnopqrstuvwxyz0123456789é'
const found = (content: string | Buffer, options?: Parameters<Canaries['add']>[2]) => {
  const canaries = new Canaries()
  canaries.add('secret', SECRET, options)
  canaries.search('here', content)
  return canaries.leaks.length > 0
}

describe('a secret', () => {
  it.each<[string, string | Buffer]>([
    ['as it is', `before ${SECRET} after`],
    ['within bytes', Buffer.concat([Buffer.from([0, 255]), Buffer.from(SECRET)])],
    ['its beginning', SECRET.slice(0, 30)],
    ['its end', SECRET.slice(-30)],
    ['in hex', Buffer.from(`x${SECRET}`).toString('hex')],
    ['in capital hex', Buffer.from(SECRET).toString('hex').toUpperCase()],
    ...[0, 1, 2, 3].flatMap((offset): [string, string][] => [
      [`in base64 behind ${offset} others`, Buffer.from(`${'x'.repeat(offset)}${SECRET}y`).toString('base64')],
      [`in base64url behind ${offset} others`, Buffer.from(`${'x'.repeat(offset)}${SECRET}y`).toString('base64url')],
    ]),
    ['in a URL', `https://x.example/?a=${encodeURIComponent(SECRET)}`],
    ['in a form', new URLSearchParams({ a: SECRET }).toString()],
    ['in JSON', JSON.stringify({ a: SECRET })],
    ['in JSON in JSON', JSON.stringify({ a: JSON.stringify({ b: SECRET }) })],
    ['reversed', Array.from(SECRET).reverse().join('')],
    ['in UTF-16', Buffer.from(SECRET, 'utf16le')],
  ])('is found %s', (_how, content) => {
    expect(found(content)).toBe(true)
  })

  it('is found as a plain digest where there are few values of its kind', () => {
    const digest = createHash('sha256').update(SECRET).digest()

    expect([digest, digest.toString('hex')].map((content) => found(content, { isGuessable: true }))).toEqual([
      true,
      true,
    ])
    expect(found(digest)).toBe(false)
  })

  it('is not found in its beginning that is shown on purpose, nor where there is nothing of it', () => {
    expect(found(SECRET.slice(0, 20), { shown: 20 })).toBe(false)
    expect(found('abcdefg, and nothing else')).toBe(false)
  })
})

describe('in a database', () => {
  let test: TestDatabase
  beforeAll(async () => {
    test = await createTestDatabase()
  })
  afterAll(() => test.drop())

  it.each<[string, string, unknown[]]>([
    [
      'column public.sources.settings',
      `insert into sources (name, connection_id, enabled, priority, settings) select 'a', id, true, 1, $1 from connections`,
      [JSON.stringify({ a: SECRET })],
    ],
    [
      'column public.api_tokens.digest',
      `insert into api_tokens (name, digest, prefix, scopes, created_by, created_at) values ('a', $1, '', '{read}', 'a', now())`,
      [Buffer.from(SECRET)],
    ],
    ['column public.hiding.texts', `with made as (select 1) insert into hiding values ($1)`, [[SECRET]]],
  ])('is found in %s', async (place, sql, values) => {
    await test.db.query('create table if not exists hiding (texts text[])')
    await test.db.query(
      `insert into connections (name, tenant_id, client_id, cloud) values ('a', gen_random_uuid(), gen_random_uuid(), 'global') on conflict do nothing`,
    )
    await test.db.query(sql, values)
    const canaries = new Canaries()
    canaries.add('secret', SECRET)

    await eachColumn(test.db, (at, content) => canaries.search(at, content))

    expect(canaries.leaks.map((leak) => leak.slice(leak.indexOf(' in column') + 4))).toContain(place)
  })
})

describe('what tells a secret by its looks', () => {
  it.each([
    [
      'a token of Microsoft',
      `${['{"alg":"RS256"}', '{"oid":"1","tid":"2"}'].map((part) => Buffer.from(part).toString('base64url')).join('.')}.c2lnbmF0dXJl`,
    ],
    ['a private key', '-----BEGIN PRIVATE KEY-----'],
    ['a client secret', `abc8Q~${'x'.repeat(34)}`],
    ['an API token', `mst_${'x'.repeat(43)}`],
    ['a terminal token', `mtt_${'x'.repeat(43)}`],
    ['what was planted, without looks of its own', PLANTED],
    ['a PKCE verifier, by its being sealed', 'verifier of a sign-in'],
    ['a device code, by its being sealed', 'code of a device'],
    ['a second factor, by its being sealed', 'JBSWY3DPEHPK3PXP'],
  ])(
    'finds %s in texts, and in whatever column of a database it stands, so that dropping it fails',
    async (_kind, secret) => {
      const spoilt = await createTestDatabase()
      await spoilt.db.query('create table hiding (data jsonb, bytes bytea, texts text[])')
      const values = [
        [{ a: [secret] }, null, null],
        [null, Buffer.from(`\0${secret}`), null],
        [null, null, ['x', secret]],
      ]
      const places: string[] = []
      for (const row of values) {
        await spoilt.db.query('truncate hiding')
        await spoilt.db.query('insert into hiding values ($1, $2, $3)', row)
        places.push(...(await secretsInDatabase(spoilt.db)).map((found) => found.split(':')[0]!))
      }

      expect(places).toEqual(['public.hiding.data', 'public.hiding.bytes', 'public.hiding.texts'])
      await expect(spoilt.drop()).rejects.toThrow(/public\.hiding\.texts/)
      expect(() => requireNoSecrets('a page', `<p>${secret}</p>`)).toThrow(/a page shows a secret/)
    },
  )

  it('knows what belongs into an answer', () => {
    expect(() => requireNoSecrets('an answer', 'JBSWY3DPEHPK3PXP', ['second factor'])).not.toThrow()
    expect(() => requireNoSecrets('an answer', `JBSWY3DPEHPK3PXP ${PLANTED}`, ['second factor'])).toThrow(
      /shows a secret: session/,
    )
  })

  it('finds nothing where there is nothing', () => {
    expect(secretsIn('mst_abcdef, eyJhbGciOiJSUzI1NiJ9 alone, -----BEGIN CERTIFICATE-----')).toEqual([])
  })
})
