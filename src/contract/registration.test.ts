import { describe, expect, it } from 'vitest'
import { permissionsFor } from './permissions.ts'
import { CREDENTIAL_CHOICES } from './credential-choices.ts'
import { type RegistrationChoice, registrationSteps } from './registration.ts'

const permissions = permissionsFor({ sources: [], hasHiddenGroups: false })
const steps = (choice: Partial<RegistrationChoice> = {}) =>
  registrationSteps({
    cloud: 'global',
    credential: 'secret',
    permissions,
    signIn: false,
    redirectUri: undefined,
    ...choice,
  })
const text = (choice?: Partial<RegistrationChoice>) => JSON.stringify(steps(choice))

describe('registering the app', () => {
  it('asks for the permissions of what is chosen and for no others', () => {
    const onlyUsers = permissions.slice(0, 1)

    expect(text()).toContain('GroupMember.Read.All')
    expect(text({ permissions: onlyUsers })).not.toContain('GroupMember.Read.All')
    expect(text()).not.toMatch(/ReadWrite|Directory\.Read/)
  })

  it('has one step for the credential, of the kind that is chosen', () => {
    const titles = CREDENTIAL_CHOICES.map((credential) => steps({ credential }).map(({ title }) => title))

    expect(titles.map((one) => one.join(' › '))).toEqual([
      'Register an application › Copy the two IDs › Grant permissions › Make a client secret › Check connection',
      'Register an application › Copy the two IDs › Grant permissions › Upload the certificate that Muster makes › Check connection',
      'Register an application › Copy the two IDs › Grant permissions › Make and upload a certificate › Check connection',
      'Register an application › Copy the two IDs › Grant permissions › Trust the platform › Check connection',
      'Give the machine an identity › Grant permissions › Check connection',
    ])
  })

  it('gives the redirect URI to copy where people sign in, and none where nobody does', () => {
    const redirectUri = 'https://muster.example/signin/microsoft'

    expect(steps({ signIn: true, redirectUri }).flatMap(({ values }) => values)).toContainEqual({
      label: 'Redirect URI',
      value: redirectUri,
    })
    expect(steps({ signIn: true, redirectUri }).flatMap(({ values }) => values)).toContainEqual({
      label: 'Redirect URI after signing out',
      value: 'https://muster.example/sign-in',
    })
    expect(text({ redirectUri })).not.toContain(redirectUri)
    expect(text({ signIn: true })).toContain('/signin/microsoft at its end')
  })

  it('wants public client flows for codes on another device, and not for passwords', () => {
    const line = steps({ signIn: true })
      .flatMap(({ lines }) => lines)
      .find((one) => one.includes('Allow public client flows'))

    expect(line).toMatch(/^Where terminals sign people in by a code on another device: .* Yes\. /)
    expect(line).toMatch(/Microsoft passwords at terminals do without it\.$/)
  })

  it("leads to the admin centre of the tenant's cloud", () => {
    expect(text()).toContain('https://entra.microsoft.com')
    expect(text({ cloud: 'usGovDod' })).toContain('https://entra.microsoft.us')
    expect(text({ cloud: 'china' })).toContain('https://entra.microsoftonline.cn')
  })

  it.each([
    ['global', 'api://AzureADTokenExchange', 'Connect-MgGraph -Scopes'],
    ['usGov', 'api://AzureADTokenExchangeUSGov', 'Connect-MgGraph -Environment USGov -Scopes'],
    ['usGovDod', 'api://AzureADTokenExchangeUSGov', 'Connect-MgGraph -Environment USGovDoD -Scopes'],
    ['china', 'api://AzureADTokenExchangeChina', 'Connect-MgGraph -Environment China -Scopes'],
    ['custom', 'api://AzureADTokenExchange', 'Connect-MgGraph -Scopes'],
  ] as const)('names the audience and the environment of the cloud %s', (cloud, audience, connect) => {
    const copied = steps({ cloud, credential: 'workloadIdentity' }).flatMap(({ values }) => values)

    expect(copied).toContainEqual({ label: 'Audience', value: audience })
    expect(text({ cloud, credential: 'managedIdentity' })).toContain(connect)
  })

  it('assigns app roles to a managed identity by their ids, and says that nobody signs in through it', () => {
    const managed = text({ credential: 'managedIdentity', signIn: true })

    expect(managed).toContain('df021288-bdef-4463-88db-98f22de89214 # User.Read.All')
    expect(managed).toContain('cannot sign in through a managed identity')
  })
})
