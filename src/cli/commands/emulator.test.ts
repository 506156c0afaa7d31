import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { describe, expect, it } from 'vitest'
import { runEmulator } from './emulator.ts'

const SMALL = { users: 12, groups: 3, memberships: 20, seed: 4, port: 0 }

async function started(tls: boolean) {
  const controller = new AbortController()
  let run: Promise<void> | undefined
  const line = await new Promise<string>((resolve, reject) => {
    run = runEmulator({ ...SMALL, tls, stdout: resolve, signal: controller.signal })
    run.catch(reject)
  })
  const addresses: Record<string, string> = JSON.parse(line)
  return {
    addresses,
    line,
    stop: async () => {
      controller.abort()
      await run
    },
  }
}

describe('muster emulator', () => {
  it('prints one JSON line with what a caller needs, serves a tenant of the asked size, and ends with its signal', async () => {
    const { addresses, line, stop } = await started(false)

    expect(line).not.toContain('\n')
    expect(Object.keys(addresses)).toEqual([
      'authorityUrl',
      'graphUrl',
      'adminUrl',
      'tenantId',
      'clientId',
      'clientSecret',
      'adminKey',
    ])
    const granted = await fetch(`${addresses['authorityUrl']}/${addresses['tenantId']}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: addresses['clientId'] ?? '',
        client_secret: addresses['clientSecret'] ?? '',
        scope: `${addresses['graphUrl']}/.default`,
      }),
    })
    const token = /"access_token":"([^"]+)"/.exec(await granted.text())?.[1]
    const counted = await fetch(`${addresses['graphUrl']}/v1.0/users/$count`, {
      headers: { authorization: `Bearer ${token}`, ConsistencyLevel: 'eventual' },
    })
    expect(await counted.text()).toBe('12')
    const state = await fetch(`${addresses['adminUrl']}/state`, {
      headers: { 'x-admin-key': addresses['adminKey'] ?? '' },
    })
    expect(state.status).toBe(200)

    await stop()
    await expect(fetch(`${addresses['graphUrl']}/v1.0/users`)).rejects.toThrow('fetch failed')
  })

  it('with TLS writes the authority to trust to a file', async () => {
    const { addresses, stop } = await started(true)
    const ca = await readFile(addresses['caFile'] ?? '', 'utf8')

    const status = await new Promise((resolve, reject) => {
      const sent = request(`${addresses['graphUrl']}/v1.0/users`, { agent: new Agent({ ca }) }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      sent.on('error', reject).end()
    })

    expect([addresses['graphUrl']?.slice(0, 8), status]).toEqual(['https://', 401])
    await stop()
  })

  it('refuses more memberships than there is room for', async () => {
    const { signal } = new AbortController()

    await expect(
      runEmulator({ ...SMALL, memberships: 37, tls: false, stdout: () => undefined, signal }),
    ).rejects.toThrow(RangeError)
  })

  it('says which port is taken, and what to do', async () => {
    const { addresses, stop } = await started(false)
    const port = Number(new URL(addresses['graphUrl']!).port)
    const controller = new AbortController()

    const second = runEmulator({ ...SMALL, port, tls: false, stdout: () => undefined, signal: controller.signal })

    await expect(second).rejects.toMatchObject({
      code: 'cannot-listen',
      message: `Cannot listen on 127.0.0.1:${port}: another program listens there already; name another port, or 0 for any free one`,
    })
    await stop()
  })
})
