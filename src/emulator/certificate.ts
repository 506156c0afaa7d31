// X.509 certificates for the emulator's TLS listener and for tests of certificate credentials: just enough DER.
import { createHash, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto'

export interface Certificate {
  readonly certificatePem: string
  /** PKCS #8. */
  readonly privateKeyPem: string
  readonly privateKey: KeyObject
  readonly der: Buffer
  readonly commonName: string
}

export interface CertificateOptions {
  readonly commonName: string
  /** RSA (2048 bits) for client assertions and OpenID keys; P-256 for TLS, made in no time. */
  readonly key: 'rsa' | 'p256' | { readonly privateKey: KeyObject; readonly publicKey: KeyObject }
  readonly notBefore: Date
  readonly notAfter: Date
  /** DNS names and IPv4 addresses that a TLS client may connect to. */
  readonly hosts?: readonly string[]
  readonly authority?: boolean
  /** Who signs; itself when absent. */
  readonly issuer?: Certificate
}

/** Makes and signs a certificate. Its serial number is derived from its key. */
export function createCertificate(options: CertificateOptions): Certificate {
  const { privateKey, publicKey } = keyPair(options.key)
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const signer = options.issuer?.privateKey ?? privateKey
  const algorithm =
    signer.asymmetricKeyType === 'rsa'
      ? sequence(oid('1.2.840.113549.1.1.11'), tlv(0x05, Buffer.alloc(0)))
      : sequence(oid('1.2.840.10045.4.3.2'))
  const serial = createHash('sha256').update(spki).digest().subarray(0, 16)
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0)
  const tbs = sequence(
    tlv(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    algorithm,
    name(options.issuer?.commonName ?? options.commonName),
    sequence(time(options.notBefore), time(options.notAfter)),
    name(options.commonName),
    spki,
    tlv(0xa3, sequence(...extensions(options))),
  )
  const der = sequence(tbs, algorithm, bitString(sign('sha256', tbs, signer)))
  return {
    certificatePem: new X509Certificate(der).toString(),
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    privateKey,
    der,
    commonName: options.commonName,
  }
}

/** Base64url thumbprints of a certificate as JWT headers `x5t` (SHA-1) and `x5t#S256` carry them. */
export function thumbprints(der: Buffer): { readonly sha1: string; readonly sha256: string } {
  return {
    sha1: createHash('sha1').update(der).digest('base64url'),
    sha256: createHash('sha256').update(der).digest('base64url'),
  }
}

/** A private authority and a certificate of it for a listener on this machine. */
export function createServerCertificate(options: { readonly now: Date; readonly hosts: readonly string[] }): {
  readonly authorityPem: string
  readonly server: Certificate
} {
  const notBefore = new Date(options.now.getTime() - 3_600_000)
  const notAfter = new Date(options.now.getTime() + 3_650 * 86_400_000)
  const authority = createCertificate({
    commonName: 'Muster emulator authority',
    key: 'p256',
    notBefore,
    notAfter,
    authority: true,
  })
  const server = createCertificate({
    commonName: options.hosts[0] ?? 'localhost',
    key: 'p256',
    notBefore,
    notAfter,
    hosts: options.hosts,
    issuer: authority,
  })
  return { authorityPem: authority.certificatePem, server }
}

function keyPair(key: CertificateOptions['key']): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  if (typeof key === 'object') return key
  if (key === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 })
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function extensions(options: CertificateOptions): Buffer[] {
  const isAuthority = options.authority === true
  const list = [
    extension('2.5.29.19', sequence(...(isAuthority ? [tlv(0x01, Buffer.from([0xff]))] : [])), true),
    // keyCertSign and cRLSign for an authority, digitalSignature for the rest.
    extension('2.5.29.15', tlv(0x03, Buffer.from(isAuthority ? [1, 0x06] : [7, 0x80])), true),
  ]
  if (options.hosts !== undefined) {
    const names = options.hosts.map((host) =>
      /^\d+(\.\d+){3}$/.test(host)
        ? tlv(0x87, Buffer.from(host.split('.').map(Number)))
        : tlv(0x82, Buffer.from(host, 'latin1')),
    )
    list.push(extension('2.5.29.17', sequence(...names), false))
    list.push(extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1')), false))
  }
  return list
}

function extension(id: string, value: Buffer, critical: boolean): Buffer {
  return sequence(oid(id), ...(critical ? [tlv(0x01, Buffer.from([0xff]))] : []), tlv(0x04, value))
}

function tlv(tag: number, content: Buffer): Buffer {
  if (content.length < 128) return Buffer.concat([Buffer.from([tag, content.length]), content])
  const length: number[] = []
  for (let rest = content.length; rest > 0; rest >>= 8) length.unshift(rest & 255)
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length, ...length]), content])
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts))
}

function integer(bytes: Buffer): Buffer {
  return tlv(0x02, bytes)
}

function bitString(bytes: Buffer): Buffer {
  return tlv(0x03, Buffer.concat([Buffer.from([0]), bytes]))
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const part of rest) {
    const groups = [part & 127]
    for (let value = part >> 7; value > 0; value >>= 7) groups.unshift((value & 127) | 128)
    bytes.push(...groups)
  }
  return tlv(0x06, Buffer.from(bytes))
}

function name(commonName: string): Buffer {
  return sequence(tlv(0x31, sequence(oid('2.5.4.3'), tlv(0x0c, Buffer.from(commonName, 'utf8')))))
}

function time(at: Date): Buffer {
  const digits = at.toISOString().replace(/[-:T]/g, '').slice(0, 14)
  return at.getUTCFullYear() < 2050
    ? tlv(0x17, Buffer.from(`${digits.slice(2)}Z`, 'latin1'))
    : tlv(0x18, Buffer.from(`${digits}Z`, 'latin1'))
}
