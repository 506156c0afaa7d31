// How the application proves itself to the token service: by secret, by an assertion signed with a certificate's key, or by the
// token of an issuer that it trusts.
import { createPrivateKey, randomUUID, subtle, X509Certificate } from 'node:crypto'
import { type ClientAuth, ClientSecretPost, modifyAssertion, PrivateKeyJwt } from 'openid-client'
import type { Clock } from '../base/clock.ts'
import { ConfigError } from '../base/errors.ts'
import { readAssertion } from './assertion-file.ts'
import { CredentialRefused } from './errors.ts'

export type Credential = CredentialFacts &
  (
    | { readonly kind: 'secret'; readonly secret: string }
    /** PEM with the certificate and its unencrypted private key, in any order; further certificates are ignored. */
    | { readonly kind: 'certificate'; readonly pem: string }
    /** A file with the token of another issuer, read again for every request. */
    | { readonly kind: 'workloadIdentity'; readonly file: string }
    /** The identity of this machine in Azure; one that a user assigned, by its client id. */
    | { readonly kind: 'managedIdentity'; readonly clientId: string | undefined }
  )

/** What whoever keeps credentials knows about one; nothing here is needed to use it. */
export interface CredentialFacts {
  readonly id?: number
  readonly addedAt?: Date
  readonly expiresAt?: Date | null
}

/** What became of the latest try with a credential. */
export interface CredentialOutcome {
  readonly credential: Credential
  /** Undefined: Microsoft gave a token for it. */
  readonly refusal: CredentialRefused | undefined
}

/** The credential in a sentence, of several those of one kind told apart. Nothing of its value. */
export function nameOf(credential: Credential): string {
  const added = credential.addedAt === undefined ? '' : ` of ${credential.addedAt.toISOString().slice(0, 10)}`
  switch (credential.kind) {
    case 'secret':
      return `The client secret${added}`
    case 'certificate':
      return `The certificate ${thumbprintOf(credential.pem) ?? added}`.trim()
    case 'workloadIdentity':
      return `The assertion in ${credential.file}`
    case 'managedIdentity':
      return `The managed identity${credential.clientId === undefined ? '' : ` ${credential.clientId}`}`
  }
}

function thumbprintOf(pem: string): string | undefined {
  try {
    return certificateDetails(pem).thumbprint
  } catch (error) {
    // What cannot be read is told where it is used.
    if (error instanceof ConfigError) return undefined
    throw error
  }
}

export interface CertificateDetails {
  /** SHA-1 of the DER, upper-case hex as the Entra portal shows it. */
  readonly thumbprint: string
  readonly expiresAt: Date
}

/** @throws ConfigError when the PEM lacks certificate or key, or they do not belong together */
export function certificateDetails(pem: string): CertificateDetails {
  const { certificate } = readPem(pem)
  return {
    thumbprint: certificate.fingerprint.replaceAll(':', ''),
    expiresAt: new Date(Date.parse(certificate.validTo)),
  }
}

/**
 * Client authentication for openid-client. Certificates sign with PS256 and name themselves by `x5t#S256`.
 *
 * @throws ConfigError as {@link certificateDetails}; CredentialRefused for a file without a usable assertion, and for a managed identity
 * @see https://learn.microsoft.com/entra/identity-platform/certificate-credentials (2025-01-04)
 */
export async function clientAuthentication(
  credential: Credential,
  options: { readonly tokenUrl: string; readonly clock: Clock },
): Promise<ClientAuth> {
  if (credential.kind === 'secret') return ClientSecretPost(credential.secret)
  if (credential.kind === 'workloadIdentity') {
    const assertion = await readAssertion(credential.file, new URL(options.tokenUrl).origin)
    return (_as, client, body) => {
      body.set('client_id', client.client_id)
      body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
      body.set('client_assertion', assertion)
    }
  }
  if (credential.kind === 'managedIdentity') {
    const remedy = 'Give the connection a client secret, a certificate or a workload identity as well.'
    const message = `A managed identity gets tokens of its own, and proves nothing for an app registration. ${remedy}`
    throw new CredentialRefused('auth-failed', message, { remedy, retry: 'never' })
  }
  const { certificate, privateKey } = readPem(credential.pem)
  const key = await subtle.importKey(
    'pkcs8',
    privateKey.export({ type: 'pkcs8', format: 'der' }),
    { name: 'RSA-PSS', hash: 'SHA-256' },
    false,
    ['sign'],
  )
  const thumbprint = Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')
  return PrivateKeyJwt(key, {
    [modifyAssertion](header, payload) {
      const now = Math.floor(options.clock.now().getTime() / 1000)
      header['typ'] = 'JWT'
      header['x5t#S256'] = thumbprint
      delete header['kid']
      payload['aud'] = options.tokenUrl
      payload['jti'] = randomUUID()
      payload['iat'] = now
      payload['nbf'] = now
      payload['exp'] = now + ASSERTION_SECONDS
    },
  })
}

/** Microsoft accepts 5 to 10 minutes. Shorter would fail on small clock differences. */
const ASSERTION_SECONDS = 300

function readPem(pem: string): { certificate: X509Certificate; privateKey: ReturnType<typeof createPrivateKey> } {
  const refuse = (message: string, cause?: unknown): never => {
    const reason = cause instanceof Error ? ` (${cause.message})` : ''
    throw new ConfigError([{ at: 'certificate', message: `${message}${reason}` }])
  }
  const keyPem = /-----BEGIN (?:RSA )?PRIVATE KEY-----[\s\S]+?-----END (?:RSA )?PRIVATE KEY-----/.exec(pem)?.[0]
  if (keyPem === undefined) return refuse('the PEM has no unencrypted private key')
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) return refuse('the PEM has no certificate')
  try {
    const privateKey = createPrivateKey(keyPem)
    if (privateKey.asymmetricKeyType !== 'rsa') return refuse('the key is not RSA')
    const certificate = blocks.map((b) => new X509Certificate(b)).find((c) => c.checkPrivateKey(privateKey))
    if (certificate === undefined) return refuse('the certificate does not belong to the private key')
    return { certificate, privateKey }
  } catch (error) {
    if (error instanceof ConfigError) throw error
    return refuse('the PEM cannot be read', error)
  }
}
