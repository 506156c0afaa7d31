import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../base/errors.ts'
import { createCertificate } from '../emulator/certificate.ts'
import { parseCertificate } from './certificates.ts'

const VALID = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2026-04-01T00:00:00Z') }
const own = createCertificate({ commonName: 'muster', key: 'rsa', ...VALID })
const other = createCertificate({ commonName: 'other', key: 'rsa', ...VALID })

function problemOf(text: string): string {
  try {
    parseCertificate(text, 'connections.contoso.certificate.file')
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return 'none'
}

describe('parseCertificate', () => {
  it('finds certificate and key in any order and among a chain', () => {
    const parsed = parseCertificate(`junk\n${own.privateKeyPem}\n${other.certificatePem}\n${own.certificatePem}`, 'x')

    expect(parsed.thumbprint).toMatch(/^[0-9A-F]{40}$/)
    expect(parsed.expiresAt.toISOString()).toBe('2026-04-01T00:00:00.000Z')
    expect(parsed.pem).toContain(own.certificatePem.trim())
    expect(parsed.pem).toContain(own.privateKeyPem.trim())
    expect(parsed.pem).not.toContain(other.certificatePem.trim())
  })

  it.each([
    ['a missing key', own.certificatePem, 'holds no private key'],
    ['a missing certificate', own.privateKeyPem, 'holds no certificate'],
    ['a key of another certificate', own.certificatePem + other.privateKeyPem, 'does not belong to the certificate'],
    ['two keys', own.certificatePem + own.privateKeyPem + other.privateKeyPem, 'more than one private key'],
    [
      'an encrypted key',
      own.certificatePem +
        generateKeyPairSync('rsa', {
          modulusLength: 2048,
          privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
          publicKeyEncoding: { type: 'spki', format: 'pem' },
        }).privateKey,
      'without a pass phrase',
    ],
    [
      'a key that Entra does not take',
      own.certificatePem +
        generateKeyPairSync('ec', {
          namedCurve: 'P-256',
          privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
          publicKeyEncoding: { type: 'spki', format: 'pem' },
        }).privateKey,
      'accepts RSA keys only',
    ],
    [
      'a damaged certificate',
      `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n${own.privateKeyPem}`,
      'cannot be read',
    ],
  ])('tells %s', (_what, text, expected) => {
    expect(problemOf(text)).toContain(expected)
    expect(problemOf(text)).toContain('connections.contoso.certificate.file')
  })
})
