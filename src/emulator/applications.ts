// App registrations: making them, their credentials, and what the token service notes about them beside.
import { X509Certificate } from 'node:crypto'
import { type AppSignInOptions, newSignIn } from './appsignin.ts'
import { thumbprints } from './certificate.ts'
import type { Random } from './random.ts'
import type { AppCertificate, AppFederatedCredential, AppRegistration, AppSecret, Tenant } from './tenant.ts'

/** The permissions that a directory synchronization asks for (graph.md 2.2). */
const SYNC_ROLES: readonly string[] = ['User.Read.All', 'GroupMember.Read.All']

/** What happened to an app after it was registered. */
export interface Standing {
  /** False = AADSTS7000112. */
  enabled: boolean
  /** Permissions taken away at once, from tokens that are already out too. */
  readonly withdrawn: Set<string>
  /** Tokens with a number up to this one are revoked. */
  revokedUpTo: number
}

export function newStanding(): Standing {
  return { enabled: true, withdrawn: new Set(), revokedUpTo: 0 }
}

export interface ApplicationOptions {
  readonly appId?: string
  readonly displayName?: string
  /** Application permissions that are granted; {@link SYNC_ROLES} unless given. `*` grants every one. */
  readonly roles?: Iterable<string>
  /** Those that an administrator may consent to; {@link SYNC_ROLES} unless given. */
  readonly asksFor?: Iterable<string>
  readonly secret?: string
  /** How people sign in through it; a registration without addresses unless given. */
  readonly signIn?: AppSignInOptions
}

/** Registers an app in the tenant with one client secret that ends in 180 days. */
export function registerApplication(tenant: Tenant, random: Random, options: ApplicationOptions = {}): AppRegistration {
  const app: AppRegistration = {
    appId: options.appId ?? random.guid(),
    id: random.guid(),
    servicePrincipalId: random.guid(),
    displayName: options.displayName ?? 'Muster',
    asksFor: new Set(options.asksFor ?? SYNC_ROLES),
    roles: new Set(options.roles ?? SYNC_ROLES),
    secrets: [],
    certificates: [],
    federated: [],
    signIn: newSignIn(random, options.signIn),
  }
  tenant.apps.set(app.appId, app)
  addSecret(app, random, { now: tenant.clock.now(), value: options.secret ?? newSecret(random) })
  return app
}

/** Adds a client secret; `endsAt` defaults to 180 days from `now`. */
export function addSecret(
  app: AppRegistration,
  random: Random,
  options: { readonly now: Date; readonly value?: string; readonly displayName?: string; readonly endsAt?: Date },
): AppSecret {
  const endsAt = options.endsAt ?? new Date(options.now.getTime() + 180 * 86_400_000)
  const secret: AppSecret = {
    keyId: random.guid(),
    displayName: options.displayName ?? 'muster',
    secretText: options.value ?? newSecret(random),
    startDateTime: options.now.toISOString(),
    endDateTime: endsAt.toISOString(),
  }
  app.secrets.push(secret)
  return secret
}

/** Registers the public part of a certificate (PEM) as a credential. */
export function addCertificate(app: AppRegistration, random: Random, certificatePem: string): AppCertificate {
  const x509 = new X509Certificate(certificatePem)
  const { sha1, sha256 } = thumbprints(x509.raw)
  const certificate: AppCertificate = {
    keyId: random.guid(),
    displayName: x509.subject.replace(/^CN=/, ''),
    publicKeyPem: x509.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    x5t: sha1,
    x5tS256: sha256,
    startDateTime: new Date(x509.validFrom).toISOString(),
    endDateTime: new Date(x509.validTo).toISOString(),
  }
  app.certificates.push(certificate)
  return certificate
}

/** Lets tokens of a foreign issuer stand for a secret; the audience is Entra's own unless given. */
export function addFederatedCredential(
  app: AppRegistration,
  trusted: Omit<AppFederatedCredential, 'audience'> & { readonly audience?: string },
): void {
  app.federated.push({ audience: 'api://AzureADTokenExchange', ...trusted })
}

// 40 characters in Entra's manner, with a `~` that naive escaping would get wrong.
function newSecret(random: Random): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.'
  const letters = Array.from({ length: 37 }, () => alphabet.charAt(random.int(alphabet.length))).join('')
  return `${letters.slice(0, 3)}8Q~${letters.slice(3)}`
}
