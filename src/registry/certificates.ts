// Reads a PEM file with a certificate and its private key, as a connection uses it to prove who it is.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { ConfigError } from '../base/errors.ts'

/** A certificate that was checked. `pem` holds the certificate first, then the key, and nothing else of the file. */
export interface ClientCertificate {
  readonly pem: string
  /** SHA-1 in upper-case hex without colons, as the Entra admin centre shows it. */
  readonly thumbprint: string
  readonly expiresAt: Date
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g
const PRIVATE_KEYS = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----[\s\S]+?-----END \1PRIVATE KEY-----/g

/**
 * Finds certificate and key in the text of a PEM file and checks that they belong together.
 * The file may hold a chain; the certificate that the key belongs to is taken.
 *
 * @param at where the file is named, for the message
 * @throws ConfigError
 */
export function parseCertificate(text: string, at: string): ClientCertificate {
  const certificates = (text.match(CERTIFICATES) ?? []).map((pem) => ({ pem, x509: readCertificate(pem, at) }))
  const keys = [...text.matchAll(PRIVATE_KEYS)]
  if (certificates.length === 0) throw problem(at, 'the file holds no certificate (BEGIN CERTIFICATE)')
  const [key] = keys
  if (key === undefined) {
    throw problem(at, 'the file holds no private key (BEGIN PRIVATE KEY); put certificate and key into one PEM file')
  }
  if (keys.length > 1) throw problem(at, 'the file holds more than one private key; keep the one of the certificate')
  const privateKey = readKey(key[0], at)
  const own = certificates.find(({ x509 }) => x509.checkPrivateKey(privateKey))
  if (own === undefined) throw problem(at, 'the private key does not belong to the certificate')
  return {
    pem: `${own.pem}\n${key[0]}\n`,
    thumbprint: own.x509.fingerprint.replaceAll(':', ''),
    expiresAt: own.x509.validToDate,
  }
}

function readCertificate(pem: string, at: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw problem(at, `the certificate cannot be read: ${reasonOf(error)}`)
  }
}

function readKey(pem: string, at: string): KeyObject {
  if (pem.includes('ENCRYPTED')) {
    throw problem(at, 'the private key is encrypted; write it without a pass phrase, e.g. openssl pkey -in key.pem')
  }
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch (error) {
    throw problem(at, `the private key cannot be read: ${reasonOf(error)}`)
  }
  // Entra takes RSA signatures (PS256, RS256) for client assertions and no others.
  if (key.asymmetricKeyType !== 'rsa') {
    throw problem(at, `the key is of type ${String(key.asymmetricKeyType)}; Microsoft Entra accepts RSA keys only`)
  }
  return key
}

function problem(at: string, message: string): ConfigError {
  return new ConfigError([{ at, message }])
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
