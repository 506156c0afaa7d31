import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLoopback, isRefused } from './addresses.ts'

describe('addresses that are not posted to', () => {
  it.each([
    '169.254.169.254',
    '169.254.0.1',
    '[fe80::1]',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '0.0.0.0',
    '[::]',
    '100.100.100.200',
    '[fd00:ec2::254]',
    '224.0.0.1',
    '255.255.255.255',
    '[ff02::1]',
    'not-an-address',
  ])('%s, whatever is said of loopback', (address) => {
    expect([true, false].map((allowLoopback) => isRefused(address, { allowLoopback }))).toEqual([true, true])
  })

  it.each(['127.0.0.1', '127.8.8.8', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]'])(
    '%s, unless loopback was named',
    (address) => {
      expect([true, false].map((allowLoopback) => isRefused(address, { allowLoopback }))).toEqual([false, true])
    },
  )

  it.each(['10.1.2.3', '192.168.1.1', '172.16.0.1', '20.190.128.1', '[2603:1030::1]', '[fd12::1]'])(
    '%s is posted to',
    (address) => {
      expect(isRefused(address, { allowLoopback: false })).toBe(false)
    },
  )

  it('link-local addresses are refused whatever their last 16 bits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 }), (a, b) => {
        expect(isRefused(`169.254.${a}.${b}`, { allowLoopback: true })).toBe(true)
        expect(isLoopback(`127.${a}.${b}.1`)).toBe(true)
      }),
    )
  })
})
