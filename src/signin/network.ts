// What counts as one asker where attempts are counted.

/** Whoever has one address of IPv6 has a network of them. */
export function networkOf(address: string): string {
  return prefixOf(address, 4)
}

/** What one customer of a provider is given, /48 of IPv6: some tens of thousands of the networks above. */
export function siteOf(address: string): string {
  return prefixOf(address, 3)
}

function prefixOf(address: string, groups: number): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address
  const [head = '', tail = ''] = address.split('::')
  const left = head.split(':').filter((part) => part !== '')
  const right = tail.split(':').filter((part) => part !== '')
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  return [...left, ...zeros, ...right].slice(0, groups).join(':')
}
