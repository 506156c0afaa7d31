import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { describe, expect, it } from 'vitest'
import { clientOptions } from '../../test/support/graph.ts'
import { CLOUD_ROOTS } from '../directory/clouds.ts'
import { publicOnly } from './addresses.ts'
import { GraphClient } from './client.ts'
import { TokenError } from './errors.ts'

/** A name server that gives the same addresses for every name, and notes what it was asked. */
function nameServer(addresses: readonly string[], asked: string[] = []): LookupFunction {
  return (hostname, _, callback) => {
    asked.push(hostname)
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
}

function failingNameServer(code: string): LookupFunction {
  return (hostname, _, callback) => {
    callback(Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code }), [])
  }
}

function resolve(lookup: LookupFunction, all: boolean): Promise<string | LookupAddress[]> {
  return new Promise((done, fail) => {
    lookup('graph.microsoft.com', { all }, (error, found) => (error === null ? done(found) : fail(error)))
  })
}

describe('look-up of Microsoft names', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
    '::ffff:127.0.0.1',
    '::ffff:169.254.169.254',
  ])('T16: %s is refused, also among public addresses', async (address) => {
    for (const all of [true, false]) {
      await expect(resolve(publicOnly(nameServer([address])), all)).rejects.toMatchObject({ code: 'EPRIVATEADDRESS' })
      const mixed = publicOnly(nameServer(['20.190.128.1', address]))
      await expect(resolve(mixed, all)).rejects.toMatchObject({ code: 'EPRIVATEADDRESS' })
    }
  })

  it.each(['20.190.128.1', '172.32.0.1', '2603:1006:2000::1'])('T16: %s is accepted', async (address) => {
    await expect(resolve(publicOnly(nameServer([address])), true)).resolves.toMatchObject([{ address }])
    await expect(resolve(publicOnly(nameServer([address])), false)).resolves.toBe(address)
  })

  it('T16: a client of the global cloud sends nothing to a private address and says why', async () => {
    const asked: string[] = []
    const lookup = nameServer(['127.0.0.1'], asked)
    await using client = new GraphClient(clientOptions({ ...CLOUD_ROOTS.global, lookup }))

    const failure = await client.checkToken(new AbortController().signal).catch((error: unknown) => error)

    expect(asked).toEqual(['login.microsoftonline.com'])
    expect(failure).toBeInstanceOf(TokenError)
    expect(failure).toMatchObject({ code: 'unreachable', retry: 'never' })
    expect(String(failure)).toContain('EPRIVATEADDRESS')
  })

  it.each(['ENOTFOUND', 'EAI_AGAIN'])('T16: %s is tried again, then told as unreachable', async (code) => {
    const limits = { backoffMs: 1, maxBackoffMs: 1 }
    const lookup = failingNameServer(code)
    await using client = new GraphClient(clientOptions({ ...CLOUD_ROOTS.global, lookup, limits }))

    const failure = await client.checkToken(new AbortController().signal).catch((error: unknown) => error)

    expect(failure).toMatchObject({ code: 'unreachable', retry: 'later' })
    expect(String(failure)).toContain(code)
  })
})
