import { describe, expect, it } from 'vitest'
import { emulate, stillClock } from '../../test/support/emulated.ts'
import { createMovableClock } from './clock.ts'
import { Throttle } from './throttle.ts'

function bucket(users: number) {
  const clock = createMovableClock(stillClock)
  const throttle = new Throttle(
    { clock, tenantId: 'tenant', appId: 'app', userCount: () => users },
    { enabled: true, scale: 1 },
  )
  return { clock, throttle, ask: () => throttle.refusal({ requestId: 'r' }) }
}

describe('throttling by resource units (graph.md 14)', () => {
  it('14.1: the bucket holds 3,500, 5,000 or 8,000 units by the size of the tenant', () => {
    expect([49, 50, 500, 501].map((users) => bucket(users).throttle.limit())).toEqual([3_500, 5_000, 5_000, 8_000])
  })

  it('14.1: lets the limit pass in ten seconds, refuses the excess, and refills evenly', () => {
    const { clock, throttle, ask } = bucket(10)
    throttle.charge(3_500)

    const refused = ask()
    clock.advance(1_000)

    expect(refused?.headers['Retry-After']).toBe('1')
    expect(ask()).toBeUndefined()
    throttle.charge(350)
    expect(ask()).toBeDefined()
  })

  it('14.3: a refusal names scope, reason and seconds, with the documented body', () => {
    const { throttle, ask } = bucket(10)
    throttle.charge(7_000)

    const refused = ask()

    expect(refused?.headers).toMatchObject({
      'Retry-After': '11',
      'x-ms-throttle-scope': 'Tenant_Application/ReadWrite/app/tenant',
      'x-ms-throttle-information': 'ResourceUnitLimitExceeded',
      'x-ms-throttle-limit-percentage': '1.8',
    })
    expect(JSON.parse(refused?.body ?? '')).toMatchObject({
      error: { code: 'TooManyRequests', innerError: { code: '429', status: '429', 'request-id': 'r' } },
    })
  })

  it('14.3: who comes back when Retry-After has passed gets through', () => {
    const { clock, throttle, ask } = bucket(10)
    throttle.charge(7_000)
    const seconds = Number(ask()?.headers['Retry-After'])

    clock.advance(seconds * 1000)

    expect(ask()).toBeUndefined()
  })

  it('6.4: requests made while throttled count, so hammering keeps the door shut', () => {
    const patient = bucket(10)
    const hammering = bucket(10)
    for (const { throttle } of [patient, hammering]) throttle.charge(3_500)

    for (let i = 0; i < 20; i++) {
      for (let n = 0; n < 30; n++) hammering.ask()
      hammering.clock.advance(50)
      patient.clock.advance(50)
    }

    expect(patient.ask()).toBeUndefined()
    expect(hammering.ask()).toBeDefined()
  })

  it('14.3: the percentage shows only from 80 % on', () => {
    const { clock, throttle } = bucket(10)

    expect(throttle.charge(2_700)).toEqual({ 'x-ms-resource-unit': '2700' })
    expect(throttle.charge(200)['x-ms-throttle-limit-percentage']).toBe('0.8')
    clock.advance(11_000)
    expect(throttle.charge(100)).toEqual({ 'x-ms-resource-unit': '100' })
  })

  it('can be switched off and scaled while running', async () => {
    const { emulator, call } = emulate({ throttling: { scale: 0.0004 } })
    const statuses = async (count: number) => {
      const seen = []
      for (let i = 0; i < count; i++) seen.push((await call('/organization')).status)
      return seen
    }

    expect(await statuses(4)).toEqual([200, 200, 429, 429])
    emulator.throttling.enabled = false
    expect(await statuses(3)).toEqual([200, 200, 200])
  })

  it('11: requests in a batch are charged and refused one by one; the batch itself is 200 and free', async () => {
    const { emulator, json } = emulate({ throttling: { scale: 0.0004 } })
    const requests = ['1', '2', '3', '4'].map((id) => ({ id, method: 'GET', url: '/organization' }))

    const { responses } = await json('/$batch', { method: 'POST', body: { requests } })

    const statuses = responses.map((inner: { status: number }) => inner.status).sort()
    expect(statuses).toEqual([200, 200, 429, 429])
    const refused = responses.find((inner: { status: number }) => inner.status === 429)
    expect(refused.headers['Retry-After']).toBe('6')
    expect(refused.body.error.code).toBe('TooManyRequests')
    const outer = emulator.requests.find((entry) => entry.path === '/$batch')
    expect([outer?.status, outer?.resourceUnits]).toEqual([200, 0])
    expect(emulator.requests.filter((entry) => entry.batch === outer?.number)).toHaveLength(4)
  })
})
