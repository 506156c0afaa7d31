// Alerts on their way: stored once, delivered at least once, to a real mail server and a real web server.
import { createHmac } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import {
  FAILED,
  HELD,
  type MailServer,
  startMailServer,
  startWebServer,
  type WebServer,
} from '../../test/support/sinks.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { Secret } from '../base/secret.ts'
import { createMovableClock, type MovableClock } from '../emulator/clock.ts'
import { type AlertFacts, type Sink, SinkError } from './alert.ts'
import { deliverAlerts } from './deliver.ts'
import { createMailSink } from './mail.ts'
import { listUndelivered, raiseAlert, takeDue } from './outbox.ts'
import { presentAlert } from './text.ts'
import { createWebhookSink, type WebhookSettings } from './webhook.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

let test: TestDatabase
let clock: MovableClock
let mail: MailServer
let web: WebServer
const sinks: Sink[] = []
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(async () => {
  await test.empty()
  clock = createMovableClock(systemClock)
  mail = await startMailServer()
  web = await startWebServer()
})
afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.stop()
  await mail.stop()
  await web.stop()
})

const raise = (key: string, facts: AlertFacts = HELD) => raiseAlert(test.db, { key, facts }, clock.now())

function mailSink(url = mail.url): Sink {
  const sink = createMailSink({
    url: new Secret(url),
    from: 'muster@contoso.com',
    to: ['it@contoso.com', 'on.call@contoso.com'],
  })
  sinks.push(sink)
  return sink
}

function webhook(settings: Partial<WebhookSettings> = {}): Sink {
  const sink = createWebhookSink({
    url: new Secret(web.url),
    secret: new Secret('sixteen letters!'),
    clock,
    userAgent: 'muster/test',
    ...settings,
  })
  sinks.push(sink)
  return sink
}

const deliver = (to: readonly Sink[], signal = new AbortController().signal) =>
  deliverAlerts(test.db, to, { clock, random: () => 1, log: silentLog, signal })

describe('an alert', () => {
  it('is mailed to everybody named and posted, once', async () => {
    await raise('a')

    const first = await deliver([mailSink(), webhook()])
    const second = await deliver([mailSink(), webhook()])

    expect(first).toEqual({ delivered: 2, failed: 0 })
    expect(second).toEqual({ delivered: 0, failed: 0 })
    expect(mail.mails).toHaveLength(1)
    const [received] = mail.mails
    expect(received).toMatchObject({ from: 'muster@contoso.com', to: ['it@contoso.com', 'on.call@contoso.com'] })
    expect(received!.source).toMatch(/^Subject: Muster: contoso-staff: a plan is held and waits for approval$/m)
    expect(received!.source.replace(/=\n/g, '').replace(/=3D/g, '=')).toContain(
      `muster approve 12 --hash ${'ab'.repeat(32)}`,
    )
    expect(web.posted).toHaveLength(1)
  })

  it('is signed over time and body, and tells facts to programs', async () => {
    await raise('a')

    await deliver([webhook()])

    const [{ body, headers, method, path }] = web.posted as [WebServer['posted'][number]]
    const [, seconds, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['muster-signature']))!
    expect(signature).toBe(createHmac('sha256', 'sixteen letters!').update(`${seconds}.${body}`).digest('hex'))
    expect({ method, path, type: headers['content-type'] }).toEqual({
      method: 'POST',
      path: '/alerts?key=hidden',
      type: 'application/json',
    })
    expect(JSON.parse(body)).toMatchObject({
      version: 1,
      ...HELD,
      title: presentAlert(HELD).title,
      text: presentAlert(HELD).text,
    })
  })

  it('of the same key is raised once', async () => {
    expect([await raise('a'), await raise('b'), await raise('a', FAILED)]).toEqual([true, true, false])

    expect(await deliver([webhook()])).toEqual({ delivered: 2, failed: 0 })
  })

  it('E2: taken by a process that died is delivered by the next, two minutes later', async () => {
    await raise('a')
    expect(await takeDue(test.db, 'webhook', clock.now())).toMatchObject({ tries: 1 })

    const tooEarly = await deliver([webhook()])
    clock.advance(2 * MINUTE)

    expect(tooEarly).toEqual({ delivered: 0, failed: 0 })
    expect(await deliver([webhook()])).toEqual({ delivered: 1, failed: 0 })
  })

  it('is sent by one of several processes that deliver at the same time', async () => {
    for (let i = 0; i < 20; i += 1) await raise(`a${i}`)

    await Promise.all([1, 2, 3, 4].map(() => deliver([webhook()])))

    const ids = web.posted.map((p) => JSON.parse(p.body).id)
    expect(new Set(ids).size).toBe(20)
    expect(ids).toHaveLength(20)
  })

  it('raised before there was a sink reaches it, unless it is a week old', async () => {
    await raise('old')
    clock.advance(4 * DAY)
    await raise('young')
    clock.advance(4 * DAY)

    expect(await deliver([webhook()])).toEqual({ delivered: 1, failed: 0 })
  })
})

describe('O10: a sink that fails', () => {
  it('is tried again with growing pauses up to a day, counted and told, and takes the alert in the end', async () => {
    web.answerWith(500)
    await raise('a')
    const sink = webhook()
    const pauses: number[] = []
    for (let i = 0; i < 14; i += 1) {
      expect(await deliver([sink])).toEqual({ delivered: 0, failed: 1 })
      const [line] = await listUndelivered(test.db, clock.now())
      expect(line).toMatchObject({ sink: 'webhook', count: 1, problem: 'it answered 500' })
      pauses.push(Math.round((line!.nextTryAt!.getTime() - clock.now().getTime()) / MINUTE))
      clock.advance((pauses.at(-1)! + 1) * MINUTE)
    }
    web.answerWith(200)

    expect(await deliver([sink])).toEqual({ delivered: 1, failed: 0 })
    expect(await listUndelivered(test.db, clock.now())).toEqual([])
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440, 1440, 1440])
  })

  it('is given up for an alert after a week, and that is told', async () => {
    web.answerWith(500)
    await raise('a')
    const sink = webhook()
    await deliver([sink])
    clock.advance(8 * DAY)

    expect(await deliver([sink])).toEqual({ delivered: 0, failed: 0 })
    expect(await listUndelivered(test.db, clock.now())).toEqual([
      { sink: 'webhook', count: 1, problem: 'it answered 500', nextTryAt: null },
    ])
    clock.advance(7 * DAY)
    expect(await listUndelivered(test.db, clock.now())).toEqual([])
  })

  it('keeps nothing from the others, and gets nothing twice for their sake', async () => {
    await mail.stop()
    mail = await startMailServer()
    const dead = mailSink('smtp://127.0.0.1:1')
    await raise('a')

    expect(await deliver([dead, webhook()])).toEqual({ delivered: 1, failed: 1 })
    clock.advance(HOUR)
    expect(await deliver([mailSink(), webhook()])).toEqual({ delivered: 1, failed: 0 })

    expect(web.posted).toHaveLength(1)
    expect(mail.mails).toHaveLength(1)
  })

  it('holds up nobody: one that never answers ends with the signal, and keeps the alert', async () => {
    mail.hang()
    await raise('a')
    const stop = new AbortController()
    const delivering = deliver([mailSink()], stop.signal)
    stop.abort(new Error('time is over'))

    expect(await delivering).toEqual({ delivered: 0, failed: 1 })
    expect(await listUndelivered(test.db, clock.now())).toMatchObject([{ problem: 'it did not answer in time' }])
  })

  it.each([
    [301, 'it answered with a redirect, which is never followed'],
    [307, 'it answered with a redirect, which is never followed'],
    [403, 'it answered 403'],
    [503, 'it answered 503'],
  ])('a webhook that answers %d: %s', async (status, problem) => {
    web.answerWith(status, { location: `${web.url}&again` })
    await raise('a')

    await deliver([webhook()])

    expect(await listUndelivered(test.db, clock.now())).toMatchObject([{ problem }])
    expect(web.posted).toHaveLength(1)
  })

  it('a mail server that refuses is told by its codes, without the addresses that it names', async () => {
    mail.refuseWith('550 5.1.1 <it@contoso.com> unknown')
    await raise('a')

    await deliver([mailSink()])

    const [line] = await listUndelivered(test.db, clock.now())
    expect(line!.problem).toBe('the mail server did not take it (EENVELOPE 550)')
  })

  it('a webhook that cannot be reached is told without its address, which may be a key', async () => {
    await raise('a')

    const gone = await startWebServer()
    await gone.stop()

    await deliver([webhook({ url: new Secret(gone.url) })])

    const [line] = await listUndelivered(test.db, clock.now())
    expect(line!.problem).toBe('it could not be reached (ECONNREFUSED)')
  })

  it('a mistake of ours is not taken for its failure', async () => {
    await raise('a')
    const broken: Sink = { name: 'broken', send: () => Promise.reject(new TypeError('ours')), stop: async () => {} }

    await expect(deliver([broken])).rejects.toThrow('ours')
  })
})

describe('a password for the mail server', () => {
  it('is not sent over a plain line to another machine', async () => {
    // The name leads to this machine; the mail server here offers no encryption.
    const sink = createMailSink({
      url: new Secret(mail.url.replace('127.0.0.1', '0.0.0.0').replace('smtp://', 'smtp://u:p@')),
      from: 'a@b.c',
      to: ['d@e.f'],
    })
    sinks.push(sink)
    await raise('a')

    await deliver([sink])

    expect(mail.mails).toHaveLength(0)
    expect((await listUndelivered(test.db, clock.now()))[0]!.problem).toMatch(/did not take it \(E/)
  })
})

describe('a webhook at an address that is not posted to', () => {
  it('T16: a name that resolves to one is refused when connecting; not a byte is sent', async () => {
    const lookup: LookupFunction = (_, __, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }])
    const url = new Secret(web.url.replace('127.0.0.1', 'hooks.example'))
    await raise('a')

    await deliver([webhook({ url, lookup })])

    expect(web.posted).toEqual([])
    expect((await listUndelivered(test.db, clock.now()))[0]!.problem).toBe('it could not be reached (EREFUSEDADDRESS)')
  })

  it('one given as a number is refused before connecting', async () => {
    const sink = webhook({ url: new Secret('https://169.254.169.254/latest') })

    await expect(
      sink.send({ id: 1, raisedAt: clock.now(), facts: HELD }, new AbortController().signal),
    ).rejects.toThrow(SinkError)
  })
})
