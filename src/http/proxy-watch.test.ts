// A proxy that nobody named in MUSTER_TRUSTED_PROXIES (O12) is told of where an administrator looks: overview and log.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aServer, type TestServer } from '../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'
import { silentLog } from '../base/log.ts'
import type { Overview } from '../contract/api/installation.ts'

const HTTPS = 'https://muster.example'
const FORWARDED = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' }
let test: TestDatabase
let world: SyncWorld
let http: TestServer | undefined
let warned: string[]
beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db)
  await test.db.query('update setup set done_at = now()')
})
afterEach(async () => {
  await http?.stop()
  http = undefined
})
afterAll(async () => {
  await world.stop()
  await test.drop()
})

/** A server; asks from an address, and tells what the overview says of its proxy. */
async function reached(publicUrl: string | undefined, trustedProxies: readonly string[] = []) {
  warned = []
  const log = {
    ...silentLog,
    warn: (message: string, fields?: { readonly code?: string | undefined }) =>
      void warned.push(`${fields?.code}: ${message}`),
  }
  const server = await aServer({ ...world.engine, log }, { publicUrl, trustedProxies })
  http = server
  const token = await server.withToken('read', 'administer')
  const from = async (remoteAddress: string, headers: Record<string, string> = {}) =>
    (await server.server.inject({ url: '/api/v1/sign-in/options', remoteAddress, headers })).statusCode
  const told = async (headers: Record<string, string> = {}) =>
    (await token('GET', '/api/v1/overview', undefined, headers))
      .json<Overview>()
      .concerns.filter(({ code }) => code === 'proxy-not-trusted')
  const toldOfSilent = async () =>
    (await token('GET', '/api/v1/overview')).json<Overview>().concerns.filter(({ code }) => code === 'proxy-says-http')
  return { from, told, toldOfSilent }
}

const warnings = () => warned.filter((line) => line.startsWith('proxy-not-trusted:'))

describe('O12: a proxy that is not trusted', () => {
  it('is told of at once where people come by https and no proxy is named, with the address once it is seen', async () => {
    const { from, told } = await reached(HTTPS)
    const before = await told()
    await from('192.0.2.7')
    const plain = await told()
    await from('192.0.2.7', FORWARDED)

    expect(before).toMatchObject([{ level: 'warning', at: '/settings/installation' }])
    expect(before[0]?.remedy).toContain('Set MUSTER_TRUSTED_PROXIES of this server to the address of the proxy, have')
    expect(plain).toEqual(before)
    expect((await told())[0]?.message).toContain('come from 192.0.2.7.')
    expect((await told())[0]?.remedy).toContain('the address of the proxy, 192.0.2.7 if that is it')
    expect(warnings()).toHaveLength(1)
    expect(warnings()[0]).not.toContain('192.0.2.7')
  })

  it('is told of where another one is named, once it forwards something, in the log once', async () => {
    const { from, told } = await reached(HTTPS, ['192.0.2.1'])
    const before = [await told(), warnings()]
    await from('192.0.2.7', { forwarded: 'for=203.0.113.9;proto=https' })
    await from('192.0.2.7', FORWARDED)

    expect(before).toEqual([[], []])
    expect((await told())[0]?.message).toContain('192.0.2.7')
    expect(warnings()).toHaveLength(1)
  })

  it('is none where the named one forwards https, whatever others send beside it', async () => {
    const { from, told } = await reached(HTTPS, ['192.0.2.1'])
    await from('198.51.100.9', FORWARDED)
    const stranger = await told()
    await from('192.0.2.1', FORWARDED)
    await from('198.51.100.9', FORWARDED)

    expect(stranger).toHaveLength(1)
    expect(await told()).toEqual([])
  })

  it('that is trusted and does not say https is told of by itself, in the log once, until it does', async () => {
    const { from, told, toldOfSilent } = await reached(HTTPS, ['192.0.2.1'])
    await from('192.0.2.1')
    await from('192.0.2.7', { 'x-forwarded-for': '203.0.113.9' })
    const before = await toldOfSilent()
    await from('192.0.2.1', { 'x-forwarded-for': '203.0.113.9' })
    await from('192.0.2.1', { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'http' })
    const after = await toldOfSilent()
    await from('192.0.2.1', FORWARDED)

    expect(before).toEqual([])
    expect(after).toMatchObject([{ level: 'warning', at: '/settings/installation' }])
    expect(after[0]?.message).toContain('the proxy at 192.0.2.1 does not say so')
    expect(warned.filter((line) => line.startsWith('proxy-says-http:'))).toHaveLength(1)
    expect([...(await toldOfSilent()), ...(await told())]).toEqual([])
  })

  it.each([undefined, 'http://localhost:8080'])('is no matter where people come by http: %s', async (publicUrl) => {
    const { from, told } = await reached(publicUrl)
    await from('192.0.2.7', FORWARDED)

    expect(await told()).toEqual([])
    expect(warnings()).toEqual([])
  })
})
