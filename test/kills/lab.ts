// Where processes are killed: an emulated tenant for every scenario, and databases that are copied from its starting state.
import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { sourceSettings } from '../../src/contract/sources.ts'
import { connect, type Database } from '../../src/database/connect.ts'
import type { EmbeddedAddress } from '../../src/database/embedded.ts'
import { migrate } from '../../src/database/migrate.ts'
import { Emulator } from '../../src/emulator/server.ts'
import { createSigningCertificate } from '../../src/emulator/token.ts'
import type { Tenant } from '../../src/emulator/tenant.ts'
import { credentialContext } from '../../src/registry/connections.ts'
import type { Engine } from '../../src/sync/engine.ts'
import { openVault, type Vault } from '../../src/vault/keys.ts'
import { createEngine, perform, SOURCE, type Work } from './engine.ts'
import { makeTenant, type Scenario } from './scenarios.ts'
import { whenServed } from './served.ts'
import { type Picture, takePicture } from './picture.ts'

/** A scenario whose run can begin, again and again. */
export interface Ready {
  readonly scenario: Scenario
  readonly tenant: Tenant
  /** The database to copy. */
  readonly template: string
  /** Before the run, and after one that nobody disturbed. */
  readonly before: Picture
  readonly after: Picture
}

/** A database in which something is going on. */
export interface Bench extends AsyncDisposable {
  readonly address: EmbeddedAddress
  readonly db: Database
  readonly vault: Vault
  readonly engine: Engine
}

export interface LabOptions {
  readonly host: string
  readonly user: string
  /** Of the databases that are made; they are dropped at the end. */
  readonly prefix: string
  /** An empty folder for the key file. */
  readonly folder: string
  readonly scenarios: readonly Scenario[]
}

export class Lab implements AsyncDisposable {
  readonly emulator: Emulator
  readonly ready: Ready[] = []
  readonly keyFile: string
  readonly #options: LabOptions
  readonly #server: Database
  readonly #made = new Set<string>()
  #count = 0

  private constructor(options: LabOptions, server: Database) {
    this.#options = options
    this.#server = server
    this.keyFile = join(options.folder, 'key')
    this.emulator = new Emulator({ signingCertificate: createSigningCertificate(systemClock.now()) })
    this.emulator.keepsLog = false
  }

  static async open(options: LabOptions): Promise<Lab> {
    const { host, user } = options
    const server = await connect({
      embedded: { address: { host, user, database: 'postgres' } },
      log: silentLog,
      max: 3,
    })
    const lab = new Lab(options, server)
    await lab.emulator.listen()
    const base = await lab.#create('template0')
    const db = await lab.#connect(base)
    await migrate(db, { log: silentLog })
    await openVault({ keyFile: lab.keyFile, db, allowCreate: true })
    await db.close()
    for (const scenario of options.scenarios) lab.ready.push(await lab.#prepare(scenario, base))
    return lab
  }

  /** A copy of the state in which the scenario's run begins. */
  async bench(ready: Pick<Ready, 'template'>): Promise<Bench> {
    const name = await this.#create(ready.template)
    const db = await this.#connect(name)
    const vault = await this.#vault(db)
    return {
      address: this.#address(name),
      db,
      vault,
      engine: createEngine({ db, vault, fetch: this.emulator.fetch }),
      [Symbol.asyncDispose]: async () => {
        await db.close()
        await this.#drop(name)
      },
    }
  }

  /** PostgreSQL's own files for what did not fit into memory; none are left once nobody works. */
  async temporaryFiles(): Promise<readonly string[]> {
    const found = await this.#server.query<{ name: string }>('select name from pg_ls_tmpdir()')
    return found.rows.map((row) => row.name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#made) await this.#drop(name)
    await this.#server.close()
    await this.emulator.stop()
  }

  async #prepare(scenario: Scenario, base: string): Promise<Ready> {
    const template = await this.#create(base)
    const db = await this.#connect(template)
    const vault = await this.#vault(db)
    const tenant = makeTenant(scenario, this.emulator)
    await this.#configure(db, { scenario, tenant, vault })
    const engine = createEngine({ db, vault, fetch: this.emulator.fetch })
    const work = async (what: Work) => {
      const document = await perform(engine, what)
      if (document.error !== null) throw new Error(`${scenario.name}: ${document.error.message}`)
    }
    await scenario.prepare({
      tenant,
      emulator: this.emulator,
      work,
      configure: async (settings) => {
        await db.query(
          'update sources set settings = $1, settings_version = settings_version + 1, marked_all = true, marked_all_at = fence',
          [JSON.stringify(sourceSettings.parse({ connection: SOURCE, ...settings }))],
        )
      },
    })
    const before = await takePicture(db, vault)
    await db.close()
    await using twin = await this.bench({ template })
    const document = await perform(twin.engine, scenario.work)
    if (document.outcome !== scenario.ends) {
      throw new Error(
        `${scenario.name}: ends as ${document.outcome} ${JSON.stringify(document.error ?? document.held)}, not as ${scenario.ends}`,
      )
    }
    return { scenario, tenant, template, before, after: await takePicture(twin.db, vault) }
  }

  async #configure(
    db: Database,
    made: { readonly scenario: Scenario; readonly tenant: Tenant; readonly vault: Vault },
  ): Promise<void> {
    const hosted = this.emulator.host(made.tenant)
    const { graphUrl } = this.emulator
    const found = await db.query<{ id: number }>(
      `insert into connections (name, tenant_id, client_id, cloud, authority_url, graph_url)
       values ($1, $2, $3, 'custom', $4, $4) returning id`,
      [SOURCE, hosted.tenantId, hosted.clientId, graphUrl],
    )
    const { id } = found.rows[0]!
    await db.query(
      `insert into connection_credentials (connection_id, kind, sealed, fingerprint) values ($1, 'secret', $2, '')`,
      [id, made.vault.seal(hosted.clientSecret, credentialContext(id, 'secret'))],
    )
    await db.query(
      'insert into sources (name, connection_id, enabled, priority, settings) values ($1, $2, true, 100, $3)',
      [SOURCE, id, JSON.stringify(sourceSettings.parse({ connection: SOURCE, ...made.scenario.settings }))],
    )
  }

  #vault(db: Database): Promise<Vault> {
    return openVault({ keyFile: this.keyFile, db, allowCreate: false })
  }

  #address(database: string): EmbeddedAddress {
    return { host: this.#options.host, user: this.#options.user, database }
  }

  #connect(database: string): Promise<Database> {
    return connect({ embedded: { address: this.#address(database) }, log: silentLog, applicationName: 'muster judge' })
  }

  async #create(template: string): Promise<string> {
    this.#count += 1
    const name = `${this.#options.prefix}_${this.#count}`
    // By pages, which costs ten times as much, a sequence's next numbers would not be logged before a checkpoint, and a server
    // that is killed would give them out again; no database of the product is a copy.
    await this.#server.query(`create database ${name} template ${template} strategy file_copy`)
    this.#made.add(name)
    return name
  }

  async #drop(name: string): Promise<void> {
    await whenServed(() => this.#server.query(`drop database if exists ${name} with (force)`))
    this.#made.delete(name)
  }
}
