// Whether somebody may sign in with Microsoft, and what stands against it, for whoever is asked why he cannot.
import { describe, expect, it } from 'vitest'
import { anExplainedWorld } from '../../test/support/explained.ts'
import { disable, enable } from '../emulator/operations.ts'

const x = anExplainedWorld()
const SIGNS_IN = { users: { disabledAccounts: 'import', options: { useAsAuthenticationServer: true } } } as const

/** Ann of a source whose people sign in. */
async function ann() {
  await x.begin(SIGNS_IN)
  await x.db.query('update connections set sign_in_with_microsoft = true')
  const hired = x.person('ann')
  await x.w.sync()
  return hired
}
const signInOf = async (user: string) => (await x.why(user)).registry!.signIn

describe('an explanation says of signing in with Microsoft', () => {
  it('through which connection', async () => {
    const { id } = await ann()

    expect(await signInOf(id)).toEqual({
      connection: x.w.source,
      refusal: null,
      sentence: `He may sign in with Microsoft through ${x.w.source}.`,
    })
  })

  it('that the account was disabled, and that the next run lets him in, or what has to be done before one is made', async () => {
    const { id } = await ann()
    disable(x.w.tenant, id)
    await x.w.sync()
    expect(await signInOf(id)).toEqual({
      connection: null,
      refusal: 'account-ended',
      sentence: `He cannot sign in with Microsoft: his account was disabled or deleted in Entra when ${x.w.source} read him last. Where it is enabled again, the next run lets him in.`,
    })

    await x.db.query('update sources set enabled = false')
    enable(x.w.tenant, id)

    expect(await signInOf(id)).toEqual({
      connection: null,
      refusal: 'account-ended-source-disabled',
      sentence: `He cannot sign in with Microsoft: his account was disabled or deleted in Entra when ${x.w.source} read him last, and that source is disabled, so that nothing finds out whether he is back. Enable it and synchronize it.`,
    })
  })

  it.each([
    [
      'person-inactive',
      'he is deactivated',
      `update users set active = false, deactivated_by = 'administrator', deactivated_at = now()`,
    ],
    [
      'connection-not-for-sign-in',
      'signInWithMicrosoft of the connection NAME is off',
      'update connections set sign_in_with_microsoft = false',
    ],
    [
      'source-not-for-sign-in',
      'users.options.useAsAuthenticationServer of NAME is off',
      `update sources set settings = jsonb_set(settings, '{users,options,useAsAuthenticationServer}', 'false')`,
    ],
    ['source-not-for-sign-in', 'no source owns him', 'update users set source_id = null'],
    [
      'other-connection',
      'the connection of NAME leads to another tenant than his',
      'update connections set tenant_id = gen_random_uuid()',
    ],
    [
      'connection-not-for-sign-in',
      'signInWithMicrosoft of the connection NAME is off',
      'update connections set tenant_id = gen_random_uuid(), sign_in_with_microsoft = false',
    ],
  ])('%s: %s', async (refusal, why, change) => {
    await ann()
    await x.db.query(change)
    const { rows } = await x.db.query<{ id: number }>(`select id from users where user_name = 'ann@contoso.com'`)

    expect(await signInOf(`id:${rows[0]!.id}`)).toEqual({
      connection: null,
      refusal,
      sentence: `He cannot sign in with Microsoft: ${why.replace('NAME', x.w.source)}.`,
    })
  })

  it('that no tenant knows a local user', async () => {
    await x.begin(SIGNS_IN)
    await x.local('printer')

    expect(await signInOf('printer')).toMatchObject({
      refusal: 'source-not-for-sign-in',
      sentence: 'He cannot sign in with Microsoft: no tenant knows a local user.',
    })
  })
})
