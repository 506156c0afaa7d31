// An installation of its own in which secrets are planted: the server as a process on the embedded database, an emulated tenant, a mail
// server and a web server. All that it says, to anybody, is kept.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { connect, type Database } from '../../src/database/connect.ts'
import { openEmbeddedDatabase } from '../../src/database/embedded.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { Emulator, type HostedTenant } from '../../src/emulator/server.ts'
import { openVault, type Vault } from '../../src/vault/keys.ts'
import { Canaries } from './canaries.ts'
import { callMuster, type MusterResult, runMuster } from './muster.ts'
import type { Json } from './emulated.ts'
import { makeTestHome } from './scratch.ts'
import { type RunningServer, startServer } from './serving.ts'
import { type MailServer, startMailServer, startWebServer, type WebServer } from './sinks.ts'
import { SIGNING } from './world.ts'

export interface StageAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  json(): Json
  /** This answer gives the secret out on purpose, once. */
  gives(secret: string): void
}

/** Asks as somebody who has signed in. */
export type AskAs = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<StageAnswer>

interface Seen {
  readonly place: string
  content: string
}

export class PlantingStage {
  readonly canaries = new Canaries()
  /** To be searched when all secrets are known. */
  readonly seen: Seen[] = []
  readonly emulator = new Emulator({ seed: 11, signingCertificate: SIGNING })
  readonly hosted: HostedTenant
  readonly home: string
  /** Beside the home: what is given to Muster in files, and where it writes files to. */
  readonly work: string
  readonly mail: MailServer
  readonly web: WebServer
  readonly #secrets: Readonly<Record<'smtp' | 'proxy' | 'webhook', string>>
  #running: { server: RunningServer; db: Database; vault: Vault; stop(): Promise<void> } | undefined

  private constructor(
    parts: Pick<PlantingStage, 'home' | 'work' | 'mail' | 'web'>,
    secrets: Readonly<Record<'smtp' | 'proxy' | 'webhook', string>>,
  ) {
    ;({ home: this.home, work: this.work, mail: this.mail, web: this.web } = parts)
    this.#secrets = secrets
    const { clock } = this.emulator
    this.hosted = this.emulator.host(generateTenant({ users: 12, groups: 3, memberships: 20, seed: 11, clock }))
  }

  /** @param secrets of its settings */
  static async open(secrets: Readonly<Record<'smtp' | 'proxy' | 'webhook', string>>): Promise<PlantingStage> {
    const [home, work] = [await makeTestHome(), await makeTestHome()]
    await mkdir(join(work, 'tmp'))
    return new PlantingStage({ home, work, mail: await startMailServer(), web: await startWebServer() }, secrets)
  }

  get server(): RunningServer {
    return this.#run.server
  }

  get db(): Database {
    return this.#run.db
  }

  get vault(): Vault {
    return this.#run.vault
  }

  get #run() {
    if (this.#running === undefined) throw new Error('the server has not been started')
    return this.#running
  }

  get #environment(): Record<string, string> {
    const { smtp, proxy, webhook } = this.#secrets
    return {
      MUSTER_HOME: this.home,
      MUSTER_LOG_LEVEL: 'trace',
      TMPDIR: join(this.work, 'tmp'),
      HTTPS_PROXY: `http://muster:${encodeURIComponent(proxy)}@127.0.0.1:9`,
      NO_PROXY: '127.0.0.1',
      MUSTER_SMTP_URL: this.mail.url.replace('//', `//muster:${encodeURIComponent(smtp)}@`),
      MUSTER_ALERT_FROM: 'muster@contoso.example',
      MUSTER_ALERT_TO: 'admins@contoso.example',
      MUSTER_ALERT_WEBHOOK: this.web.url,
      MUSTER_ALERT_WEBHOOK_SECRET: webhook,
    }
  }

  /** With everything logged; `seen` can be looked into from then on. */
  async startServer(): Promise<void> {
    const server = await startServer({ home: this.home, args: ['--log-level', 'trace'], env: this.#environment })
    const embedded = await openEmbeddedDatabase({ home: this.home, clock: systemClock, log: silentLog })
    const db = await connect({ embedded, log: silentLog, max: 2 })
    const vault = await openVault({ keyFile: join(this.home, 'key'), db, allowCreate: false })
    const stop = async () => {
      await server.kill()
      await db.close()
      await embedded.release()
    }
    this.#running = { server, db, vault, stop }
  }

  async close(): Promise<void> {
    await this.#running?.stop()
    await this.emulator.stop()
    await this.mail.stop()
    await this.web.stop()
    for (const folder of [this.home, this.work])
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  }

  see(place: string, content: string): Seen {
    const one = { place, content }
    this.seen.push(one)
    return one
  }

  /** With every setting, as a process of its own. */
  async cli(...args: string[]): Promise<MusterResult> {
    return this.#note(args, await runMuster([...args, '--verbose'], { env: this.#environment }))
  }

  /** The same without the start of a process, and with the settings of alerts and proxies left out. */
  async inProcess(...args: string[]): Promise<MusterResult> {
    return this.#note(args, await callMuster([...args, '--verbose', '--log-level', 'trace', '--home', this.home]))
  }

  /** On the server. */
  async remote(token: string, ...args: string[]): Promise<MusterResult> {
    const env = { MUSTER_URL: this.server.url, MUSTER_TOKEN: token }
    return this.#note([...args, '--url'], await runMuster([...args, '--verbose'], { env }))
  }

  #note(args: readonly string[], result: MusterResult): MusterResult {
    this.see(`muster ${args.join(' ')}: stdout`, result.stdout)
    this.see(`muster ${args.join(' ')}: stderr`, result.stderr)
    return result
  }

  async ask(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string>; raw?: string } = {},
  ): Promise<StageAnswer> {
    const { url } = this.server
    const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body))
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: { origin: url, ...type, ...options.headers },
      ...(body === undefined ? {} : { body }),
    })
    const text = Buffer.from(await response.arrayBuffer()).toString('latin1')
    const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n')
    const one = this.see(`answer to ${method} ${path.split('?')[0]}`, `${headers}\n\n${text}`)
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: () => JSON.parse(Buffer.from(text, 'latin1').toString()),
      gives(secret) {
        one.content = one.content.replaceAll(secret, '')
      },
    }
  }

  /** Goes on as whoever has signed in by this answer. */
  async session(answer: StageAnswer, kind: string): Promise<AskAs> {
    const token = cookieOf(answer, 'muster-session')
    this.canaries.add(kind, token)
    const cookie = `muster-session=${token}`
    const { csrf } = (await this.ask('GET', '/api/v1/session', { headers: { cookie } })).json()
    const own = { cookie, 'x-muster-csrf': String(csrf) }
    return (method, path, body, headers = {}) => this.ask(method, path, { body, headers: { ...own, ...headers } })
  }
}

/** A cookie that an answer sets; whoever gets it may have it. */
export function cookieOf(answer: StageAnswer, name: string): string {
  const pattern = new RegExp(`^${name}=([^;]+)`)
  const [value] = answer.headers.getSetCookie().flatMap((line) => pattern.exec(line)?.[1] ?? [])
  if (value === undefined) throw new Error(`no cookie ${name}: ${answer.status} ${answer.text}`)
  answer.gives(value)
  return value
}

/** Asks again and again; what never comes fails the test by its time limit. */
export async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    await pause(100)
  }
}
