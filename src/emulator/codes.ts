// What is given out to be redeemed: authorization codes, refresh tokens and device codes, with their lives (graph.md 5.3, 5.4).
import { createHash } from 'node:crypto'
import type { Platform } from './appsignin.ts'
import type { AuthorizeRequest } from './authorize.ts'
import { opaque, type SignedIn } from './idtoken.ts'
import type { Random } from './random.ts'
import { deny } from './signinerrors.ts'
import type { AppRegistration, Tenant } from './tenant.ts'
import type { Refusal } from './tokenerrors.ts'

const CODE_MS = 10 * 60_000
const REFRESH_MS = 90 * 86_400_000
const BROWSER_REFRESH_MS = 86_400_000
const USER_CODE_LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'

interface Code {
  readonly signedIn: SignedIn
  readonly redirectUri: string
  readonly challenge: AuthorizeRequest['challenge']
  readonly endsAtMs: number
  isUsed: boolean
}

interface RefreshToken {
  readonly signedIn: SignedIn
  readonly redirectUri: string | undefined
  readonly platform: Platform
  readonly issuedAtMs: number
  readonly endsAtMs: number
}

export interface DeviceCode {
  readonly deviceCode: string
  readonly userCode: string
  readonly app: AppRegistration
  /** Undefined at `common` and `organizations`. */
  readonly tenant: Tenant | undefined
  readonly scopes: ReadonlySet<string>
  readonly endsAtMs: number
  nextPollAtMs: number
  outcome: 'pending' | 'declined' | 'redeemed' | SignedIn
}

/** How device codes live; plain mutable data. Microsoft's values. */
export interface DeviceSettings {
  expiresInSeconds: number
  intervalSeconds: number
  /** RFC 8628; Microsoft does not document that it does so. */
  slowDown: boolean
}

export class Codes {
  readonly device: DeviceSettings = { expiresInSeconds: 900, intervalSeconds: 5, slowDown: true }
  readonly #random: Random
  readonly #nowMs: () => number
  readonly #codes = new Map<string, Code>()
  readonly #refresh = new Map<string, RefreshToken>()
  readonly #devices = new Map<string, DeviceCode>()

  constructor(random: Random, nowMs: () => number) {
    this.#random = random
    this.#nowMs = nowMs
  }

  giveCode(signedIn: SignedIn, request: Pick<AuthorizeRequest, 'redirectUri' | 'challenge'>): string {
    const code = `1.A${opaque(this.#random, 260)}`
    const { redirectUri, challenge } = request
    this.#codes.set(code, { signedIn, redirectUri, challenge, endsAtMs: this.#nowMs() + CODE_MS, isUsed: false })
    return code
  }

  /** The address that a code was asked for, before it is redeemed. */
  redirectUriOf(code: string): string | undefined {
    return this.#codes.get(code)?.redirectUri
  }

  /** Redeems a code. Any attempt by the app itself with a live code uses it up only when everything fits. */
  redeemCode(
    code: string,
    given: {
      readonly app: AppRegistration
      readonly tenant: Tenant | undefined
      readonly redirectUri: string | undefined
      readonly verifier: string | undefined
    },
  ): Refusal | { readonly signedIn: SignedIn; readonly redirectUri: string } {
    const known = this.#codes.get(code)
    if (known === undefined) return deny.badCode()
    const { signedIn, redirectUri } = known
    if (signedIn.app !== given.app) return deny.codeOfOtherApp()
    if (given.tenant !== undefined && given.tenant !== signedIn.person.tenant) return deny.codeOfOtherTenant()
    if (known.isUsed) return deny.usedCode()
    if (known.endsAtMs <= this.#nowMs()) return deny.expiredCode()
    if (given.redirectUri !== redirectUri) return deny.replyAddressDiffers(given.redirectUri ?? '', redirectUri)
    const refused = refuseVerifier(known.challenge, given.verifier)
    if (refused !== undefined) return refused
    known.isUsed = true
    return { signedIn, redirectUri }
  }

  giveRefreshToken(
    signedIn: SignedIn,
    at: { readonly redirectUri: string | undefined; readonly platform: Platform },
  ): string {
    const token = `1.A${opaque(this.#random, 400)}`
    const issuedAtMs = this.#nowMs()
    const life = at.platform === 'spa' ? BROWSER_REFRESH_MS : REFRESH_MS
    this.#refresh.set(token, { signedIn, ...at, issuedAtMs, endsAtMs: issuedAtMs + life })
    return token
  }

  /** The old token stays good, as at Microsoft. */
  findRefreshToken(token: string, app: AppRegistration): Refusal | RefreshToken {
    const known = this.#refresh.get(token)
    if (known?.signedIn.app !== app) return deny.badRefreshToken()
    const { tenant, user } = known.signedIn.person
    if (tenant.accounts.of(user.id).revokedAtMs >= known.issuedAtMs) return deny.revokedGrant()
    if (known.endsAtMs > this.#nowMs()) return known
    return known.platform === 'spa' ? deny.expiredBrowserRefreshToken() : deny.expiredRefreshToken()
  }

  giveDeviceCode(asked: Pick<DeviceCode, 'app' | 'tenant' | 'scopes'>): DeviceCode {
    const code: DeviceCode = {
      ...asked,
      deviceCode: opaque(this.#random, 220),
      userCode: Array.from({ length: 8 }, () =>
        USER_CODE_LETTERS.charAt(this.#random.int(USER_CODE_LETTERS.length)),
      ).join(''),
      endsAtMs: this.#nowMs() + this.device.expiresInSeconds * 1000,
      nextPollAtMs: 0,
      outcome: 'pending',
    }
    this.#devices.set(code.deviceCode, code)
    return code
  }

  /** What somebody typed, spaces and dashes and small letters forgiven. */
  findUserCode(text: string): DeviceCode | 'unknown' | 'expired' {
    const wanted = text.replace(/[\s-]/g, '').toUpperCase()
    const found = [...this.#devices.values()].find((code) => code.userCode === wanted && code.outcome === 'pending')
    if (found === undefined) return 'unknown'
    return found.endsAtMs <= this.#nowMs() ? 'expired' : found
  }

  /** One poll of the device. */
  redeemDeviceCode(text: string, app: AppRegistration, tenant: Tenant | undefined): Refusal | SignedIn {
    const code = this.#devices.get(text)
    if (code === undefined || code.app !== app || code.outcome === 'redeemed') return deny.badDeviceCode()
    if (tenant !== code.tenant) return deny.badDeviceCode()
    const nowMs = this.#nowMs()
    if (code.endsAtMs <= nowMs) return deny.expiredDeviceCode()
    if (code.outcome === 'declined') return deny.deviceDeclined()
    if (code.outcome === 'pending') {
      const isEarly = nowMs < code.nextPollAtMs
      // A second is forgiven to the network.
      code.nextPollAtMs = nowMs + Math.max(0, this.device.intervalSeconds - 1) * 1000
      return isEarly && this.device.slowDown ? deny.slowDown() : deny.pending()
    }
    const signedIn = code.outcome
    code.outcome = 'redeemed'
    return signedIn
  }
}

function refuseVerifier(challenge: AuthorizeRequest['challenge'], verifier: string | undefined): Refusal | undefined {
  if (challenge === undefined) return verifier === undefined ? undefined : deny.missingVerifier()
  if (verifier === undefined) return deny.missingVerifier()
  const given = challenge.method === 'plain' ? verifier : createHash('sha256').update(verifier).digest('base64url')
  return given === challenge.text ? undefined : deny.wrongVerifier()
}
