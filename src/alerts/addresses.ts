// Keeps alerts away from addresses that are never meant: a webhook named by mistake or malice must not reach a cloud's
// metadata service or a neighbour on the link.
import { lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, isIPv4, type LookupFunction } from 'node:net'

/** Host names and addresses of this machine itself. */
export function isLoopback(host: string): boolean {
  const bare = bareHost(host)
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && LOOPBACK.check(bare, 'ipv4'))
}

/**
 * Whether an address may not be posted to. Private networks may: that is where an organization's own services are. Of
 * loopback only what the administrator named as such.
 */
export function isRefused(address: string, options: { readonly allowLoopback: boolean }): boolean {
  const bare = bareHost(address).toLowerCase()
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)?.[1] ?? bare
  if (isIPv4(mapped)) return REFUSED.check(mapped, 'ipv4') || (!options.allowLoopback && LOOPBACK.check(mapped, 'ipv4'))
  if (isIP(bare) !== 6) return true
  // BlockList looks into mapped addresses written in hex itself.
  const isOwn = LOOPBACK.check(bare, 'ipv6')
  return REFUSED.check(bare, 'ipv6') || (!options.allowLoopback && isOwn)
}

/** A name look-up that refuses such addresses, at the moment of connecting, even if only one of several is of that kind. */
export function guardedLookup(
  options: { readonly allowLoopback: boolean },
  lookup: LookupFunction = systemLookup,
): LookupFunction {
  return (hostname, asked, callback) => {
    lookup(hostname, { ...asked, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, [])
        return
      }
      const found = typeof addresses === 'string' ? [{ address: addresses, family: 4 }] : addresses
      const [first] = found
      if (first === undefined || found.some(({ address }) => isRefused(address, options))) {
        callback(
          Object.assign(new Error('resolves to an address that is not posted to'), { code: 'EREFUSEDADDRESS' }),
          [],
        )
        return
      }
      if (asked.all === true) callback(null, [...found])
      else callback(null, first.address, first.family)
    })
  }
}

function bareHost(host: string): string {
  return host.replace(/^\[|\]$/g, '').toLowerCase()
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

const REFUSED = new BlockList()
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  // Link-local, and with it 169.254.169.254: metadata of Azure, AWS, GCP.
  ['169.254.0.0', 16],
  // Metadata of Alibaba and Oracle.
  ['100.100.100.200', 32],
  ['192.0.0.192', 32],
  ['224.0.0.0', 3],
] as const)
  REFUSED.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of [
  ['::', 128],
  ['fe80::', 10],
  ['ff00::', 8],
  // Metadata of AWS over IPv6.
  ['fd00:ec2::254', 128],
] as const)
  REFUSED.addSubnet(net, prefix, 'ipv6')
