// Makes a key pair and a certificate of it, for an application that proves itself to Entra. The key never leaves this process but
// sealed; the certificate is what is uploaded.
import { randomBytes, webcrypto } from 'node:crypto'
import { type ClientCertificate, parseCertificate } from './certificates.ts'

/** Entra takes no more than what a certificate says; two years are what its own secrets last at most. */
const LIFE_DAYS = 730
const DAY_MS = 86_400_000
/** The certificate begins a little earlier: clocks differ. */
const EARLY_MS = 3_600_000
const ALGORITHM = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 3072,
}

/** RSA of 3,072 bits, self-signed, valid for two years from now. Takes up to a second of computing. */
export async function makeCertificate(options: {
  readonly name: string
  readonly now: Date
}): Promise<ClientCertificate> {
  // Loaded when needed: the library wants decorators' metadata, and nothing else here does.
  await import('reflect-metadata')
  const { BasicConstraintsExtension, KeyUsageFlags, KeyUsagesExtension, X509CertificateGenerator } = await import(
    '@peculiar/x509'
  )
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const serial = randomBytes(16)
  // Positive and without leading zeros, as RFC 5280, 4.1.2.2 wants it.
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0)
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial.toString('hex'),
    name: [{ CN: [`Muster ${options.name}`.slice(0, 64)] }],
    notBefore: new Date(options.now.getTime() - EARLY_MS),
    notAfter: new Date(options.now.getTime() + LIFE_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    ],
  })
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const keyPem = `-----BEGIN PRIVATE KEY-----\n${(key.match(/.{1,64}/g) ?? []).join('\n')}\n-----END PRIVATE KEY-----\n`
  return parseCertificate(`${certificate.toString('pem')}\n${keyPem}`, 'certificate')
}
