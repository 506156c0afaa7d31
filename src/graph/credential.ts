// How the application proves itself to the token service: by secret, or by an assertion signed with a certificate's key.
import { createPrivateKey, randomUUID, subtle, X509Certificate } from 'node:crypto'
import { type ClientAuth, ClientSecretPost, modifyAssertion, PrivateKeyJwt } from 'openid-client'
import type { Clock } from '../base/clock.ts'
import { ConfigError } from '../base/errors.ts'

export type Credential =
  | { readonly kind: 'secret'; readonly secret: string }
  /** PEM with the certificate and its unencrypted private key, in any order; further certificates are ignored. */
  | { readonly kind: 'certificate'; readonly pem: string }

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
 * @throws ConfigError as {@link certificateDetails}
 * @see https://learn.microsoft.com/entra/identity-platform/certificate-credentials (2025-01-04)
 */
export async function clientAuthentication(
  credential: Credential,
  options: { readonly tokenUrl: string; readonly clock: Clock },
): Promise<ClientAuth> {
  if (credential.kind === 'secret') return ClientSecretPost(credential.secret)
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
