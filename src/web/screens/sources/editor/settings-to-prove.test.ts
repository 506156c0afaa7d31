import { describe, expect, it } from 'vitest'
import { settingsToProve } from './settings-to-prove.ts'

const connections = [
  { name: 'contoso', signInWithMicrosoft: true },
  { name: 'fabrikam', signInWithMicrosoft: false },
  { name: 'tailspin', signInWithMicrosoft: false },
]
const signIn = 'users.options.useAsAuthenticationServer'
const through = (connection: string, useAsAuthenticationServer: boolean) => ({
  connection,
  users: { options: { useAsAuthenticationServer } },
})
const toProve = (before: ReturnType<typeof through> | undefined, now: ReturnType<typeof through>) => [
  ...settingsToProve({ before, now, connections }),
]

describe('saved with a recent proof only', () => {
  it('is that people sign in who did not', () => {
    expect(toProve(through('contoso', false), through('contoso', true))).toEqual([signIn])
    expect(toProve(undefined, through('contoso', true))).toEqual([signIn])
  })

  it('is another connection of people who sign in, from or to one that lets them', () => {
    expect(toProve(through('contoso', true), through('fabrikam', true))).toEqual(['connection'])
    expect(toProve(through('fabrikam', true), through('contoso', true))).toEqual(['connection'])
    expect(toProve(through('contoso', true), through('fabrikam', false))).toEqual(['connection'])
    expect(toProve(through('fabrikam', false), through('contoso', true))).toEqual(['connection', signIn])
  })

  it('is nothing that lets nobody in, and nothing that was so before', () => {
    expect(toProve(through('contoso', true), through('contoso', true))).toEqual([])
    expect(toProve(through('contoso', true), through('contoso', false))).toEqual([])
    expect(toProve(through('contoso', false), through('fabrikam', false))).toEqual([])
    expect(toProve(through('fabrikam', true), through('tailspin', true))).toEqual([])
    expect(toProve(undefined, through('fabrikam', true))).toEqual([])
  })

  it('may be any where the connections are not known', () => {
    const now = through('fabrikam', true)
    expect([...settingsToProve({ before: undefined, now, connections: undefined })]).toEqual([signIn])
  })
})
