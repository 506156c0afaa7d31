// Keeps Microsoft's names away from private addresses, so that a poisoned name server cannot point us at the inside.
import { lookup as systemLookup } from 'node:dns'
import { BlockList, isIPv4, type LookupFunction } from 'node:net'

/**
 * A look-up that refuses names which resolve to loopback, link-local, private or reserved addresses, even if only one of
 * several answers is of that kind. Custom endpoints, confirmed by an administrator, do not go through it.
 */
export function publicOnly(lookup: LookupFunction = systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, [])
        return
      }
      const found = typeof addresses === 'string' ? [{ address: addresses, family: 4 }] : addresses
      const first = found[0]
      if (first === undefined || found.some((a) => isPrivate(a.address))) {
        callback(new PrivateAddressError(hostname), [])
        return
      }
      if (options.all === true) callback(null, [...found])
      else callback(null, first.address, first.family)
    })
  }
}

/** The name of a public service resolved to an address that only exists inside a network. */
class PrivateAddressError extends Error {
  readonly code = 'EPRIVATEADDRESS'

  constructor(hostname: string) {
    super(`${hostname} resolves to a private address`)
    this.name = 'PrivateAddressError'
  }
}

function isPrivate(address: string): boolean {
  const mapped = address.toLowerCase().startsWith('::ffff:') ? address.slice(7) : address
  return isIPv4(mapped) ? PRIVATE.check(mapped, 'ipv4') : PRIVATE.check(address, 'ipv6')
}

const PRIVATE = new BlockList()
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  PRIVATE.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  PRIVATE.addSubnet(net, prefix, 'ipv6')
