// The keys that tokens are signed with, how they are published, and how they roll (graph.md 5.6).
import { createPublicKey, type KeyObject } from 'node:crypto'
import { exportJWK } from 'jose'
import { NotFoundError } from '../base/errors.ts'
import { type Certificate, createCertificate, thumbprints } from './certificate.ts'

export interface SigningKey {
  readonly kid: string
  readonly certificate: Certificate
  readonly publicKey: KeyObject
  /** The tenant whose tokens alone it signs; `undefined`: those of every tenant that has none of its own. */
  readonly tenantId: string | undefined
}

/** The tenant of personal Microsoft accounts, whose key stands in the key set of `common` (graph.md 5.6). */
const CONSUMER_TENANT = '9188040d-6c67-4c5b-b112-36a304b66dad'

/** Newest first; the first of a tenant signs. */
export class SigningKeys {
  readonly #now: () => Date
  readonly #first: Certificate | undefined
  #keys: SigningKey[] = []
  #announced: SigningKey | undefined
  #retired: readonly SigningKey[] = []
  #consumer: SigningKey | undefined

  /** @param first RSA; made when first needed unless given, which takes a tenth of a second */
  constructor(now: () => Date, first?: Certificate) {
    this.#now = now
    this.#first = first
  }

  /** Keys that were published once and are no more, newest first. */
  get retired(): readonly SigningKey[] {
    return this.#retired
  }

  /** What signs tokens of a tenant. */
  signing(tenantId: string): SigningKey {
    this.#start()
    const own = this.#keys.find((key) => key.tenantId === tenantId)
    const found = own ?? this.#keys.find((key) => key.tenantId === undefined)
    if (found === undefined) throw new Error('no signing key')
    return found
  }

  find(kid: unknown): SigningKey | undefined {
    return this.#published().find((key) => key.kid === kid)
  }

  /** Publishes the key that will sign after the next {@link rotate}, as Microsoft does days before. */
  announce(): SigningKey {
    this.#announced ??= this.#make(undefined)
    return this.#announced
  }

  /** From now on a new key signs, or the announced one; the old ones stay published, as at Microsoft. */
  rotate(): SigningKey {
    this.#start()
    const next = this.announce()
    this.#announced = undefined
    this.#keys.unshift(next)
    return next
  }

  /** An emergency: a new key signs, and every other one is withdrawn at the same moment. */
  roll(): SigningKey {
    const next = this.rotate()
    this.dropOld()
    return next
  }

  /** Gives a tenant a key of its own; key sets name its issuer. */
  addForTenant(tenantId: string): SigningKey {
    this.#start()
    const added = this.#make(tenantId)
    this.#keys.unshift(added)
    return added
  }

  /** Withdraws one key. @throws NotFoundError */
  retire(kid: string): void {
    const found = this.#keys.find((key) => key.kid === kid)
    if (found === undefined) throw new NotFoundError('signing key', kid)
    this.#withdraw((key) => key === found)
    this.#start()
  }

  /** Forgets all shared keys but the newest: tokens signed by the others stop to be accepted. */
  dropOld(): void {
    const newest = this.#keys.find((key) => key.tenantId === undefined)
    this.#withdraw((key) => key.tenantId === undefined && key !== newest)
  }

  /** The JWKS of a tenant, or of `common` and its like, where each key names the issuer whose tokens it may sign. */
  async keySet(origin: string, name: string): Promise<{ readonly keys: readonly unknown[] }> {
    this.#start()
    const isShared = /^(common|organizations|consumers)$/.test(name)
    const keys = name === 'consumers' ? [] : this.#published()
    const shown = isShared ? keys : keys.filter((key) => key.tenantId === undefined || key.tenantId === name)
    const consumer = name === 'common' || name === 'consumers' ? [this.#consumerKey()] : []
    return {
      keys: await Promise.all(
        [...shown, ...consumer].map(async ({ kid, certificate, publicKey, tenantId }) => {
          const { n, e } = await exportJWK(publicKey)
          return {
            kty: 'RSA',
            use: 'sig',
            kid,
            x5t: kid,
            n,
            e,
            x5c: [certificate.der.toString('base64')],
            issuer: `${origin}/${tenantId ?? (isShared ? '{tenantid}' : name)}/v2.0`,
          }
        }),
      ),
    }
  }

  #published(): readonly SigningKey[] {
    return this.#announced === undefined ? this.#keys : [...this.#keys, this.#announced]
  }

  #start(): void {
    if (this.#keys.some((key) => key.tenantId === undefined)) return
    const isFirst = this.#retired.length === 0
    this.#keys.push(this.#make(undefined, isFirst ? this.#first : undefined))
  }

  #consumerKey(): SigningKey {
    this.#consumer ??= this.#make(CONSUMER_TENANT)
    return this.#consumer
  }

  #make(tenantId: string | undefined, given?: Certificate): SigningKey {
    const certificate = given ?? createSigningCertificate(this.#now())
    return {
      kid: thumbprints(certificate.der).sha1,
      certificate,
      publicKey: createPublicKey(certificate.privateKey),
      tenantId,
    }
  }

  #withdraw(isWithdrawn: (key: SigningKey) => boolean): void {
    this.#retired = [...this.#keys.filter(isWithdrawn), ...this.#retired]
    this.#keys = this.#keys.filter((key) => !isWithdrawn(key))
  }
}

/** What a token service signs with: an RSA key in a certificate of five years. */
export function createSigningCertificate(now: Date): Certificate {
  return createCertificate({
    commonName: 'accounts.accesscontrol.windows.net',
    key: 'rsa',
    notBefore: new Date(now.getTime() - 86_400_000),
    notAfter: new Date(now.getTime() + 5 * 365 * 86_400_000),
  })
}
