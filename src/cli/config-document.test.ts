import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError } from '../base/errors.ts'
import { parseConfigFile } from '../contract/config-file.ts'
import { readConfigDocument, readSecrets } from './config-document.ts'

const ID = '11111111-2222-3333-4444-555555555555'
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-config-`))
})
afterAll(() => rm(folder, { recursive: true }))

async function read(content: string | Buffer): Promise<unknown> {
  const path = join(folder, 'muster.yaml')
  await writeFile(path, content)
  return readConfigDocument(path)
}

async function problemsOf(work: Promise<unknown>): Promise<string[]> {
  try {
    await work
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((p) => `${p.at}: ${p.message}`)
    throw error
  }
  return []
}

describe('readConfigDocument', () => {
  it('reads YAML 1.2 and JSON alike', async () => {
    expect(await read('a: [1, yes, "x"]\nb: { c: null }\n')).toEqual({ a: [1, 'yes', 'x'], b: { c: null } })
    expect(await read('{"a": [1, "yes"], "b": {"c": null}}')).toEqual({ a: [1, 'yes'], b: { c: null } })
    expect(await read('')).toBeNull()
  })

  it.each([
    ['a key that stands twice', 'a: 1\na: 2\n', /must be unique at line 2/],
    ['a key that stands twice in JSON', '{"a": 1, "a": 2}', /must be unique/],
    ['bad indentation', 'a:\n  b: 1\n c: 2\n', /line 3/],
    ['a tag of somebody else', 'a: !ruby/object 1\n', /Unresolved tag/],
    ['two documents', 'a: 1\n---\nb: 2\n', /multiple documents/],
    ['an unclosed bracket', '{"a": [1, 2', /line 1/],
    ['text that is not UTF-8', Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe]), /not UTF-8/],
    ['a file that is too large', `a: "${'x'.repeat(5_000_000)}"`, /too large/],
  ])('tells %s', async (_what, content, expected) => {
    expect((await problemsOf(read(content))).join('\n')).toMatch(expected)
  })

  it('T8: aliases that unfold to billions of nodes are refused', async () => {
    let content = 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n'
    for (let i = 1; i < 12; i++)
      content += `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]\n`

    expect((await problemsOf(read(content))).join('\n')).toContain('unfold to too much')
  })

  it('T11: a __proto__ key stays a key and changes nothing else', async () => {
    const document = await read('{"__proto__": {"polluted": true}, "a": 1}')

    expect(Reflect.get({}, 'polluted')).toBeUndefined()
    expect(Object.getPrototypeOf(document)).toBe(Object.prototype)
  })

  it('tells a file that is not there', async () => {
    expect(await problemsOf(readConfigDocument(join(folder, 'none.yaml')))).toEqual([
      `: cannot read ${join(folder, 'none.yaml')}: there is no such file`,
    ])
  })
})

describe('readSecrets', () => {
  const connection = (credential: object) => ({ tenantId: ID, clientId: ID, ...credential })

  it('reads from the environment and from files beside the config file, without the line end', async () => {
    await writeFile(join(folder, 'b.secret'), 'from a file\r\n')
    await writeFile(join(folder, 'c.pem'), 'PEM')
    const file = parseConfigFile(
      {
        connections: {
          a: connection({ clientSecret: { env: 'A_SECRET' } }),
          b: connection({ clientSecret: { file: 'b.secret' }, certificate: { file: join(folder, 'c.pem') } }),
        },
      },
      new Set(),
    )

    const secrets = await readSecrets(file, {
      configPath: join(folder, 'muster.yaml'),
      environment: { A_SECRET: 'from the environment' },
    })

    expect(secrets.get('a')).toEqual({ secrets: ['from the environment'], certificates: [] })
    expect(secrets.get('b')).toEqual({
      secrets: ['from a file'],
      certificates: [{ text: 'PEM', at: 'connections.b.certificate.file' }],
    })
  })

  it('tells every secret that is not there, and none that is', async () => {
    await writeFile(join(folder, 'empty.secret'), '\n')
    const file = parseConfigFile(
      {
        connections: {
          a: connection({ clientSecret: { env: 'MISSING' } }),
          b: connection({ clientSecret: { env: 'EMPTY' } }),
          c: connection({ clientSecret: { file: 'none.secret' } }),
          d: connection({ clientSecret: { file: 'empty.secret' } }),
          e: connection({ clientSecret: { env: 'GOOD' } }),
        },
      },
      new Set(),
    )

    const problems = await problemsOf(
      readSecrets(file, {
        configPath: join(folder, 'muster.yaml'),
        environment: { EMPTY: ' ', GOOD: 'hunter2hunter2' },
      }),
    )

    expect(problems).toEqual([
      'connections.a.clientSecret.env: the environment variable MISSING is not set',
      'connections.b.clientSecret.env: the environment variable EMPTY is empty',
      `connections.c.clientSecret.file: cannot read ${join(folder, 'none.secret')}: there is no such file`,
      `connections.d.clientSecret.file: the file ${join(folder, 'empty.secret')} is empty`,
    ])
  })
})
