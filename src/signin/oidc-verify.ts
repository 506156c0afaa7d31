// From the text of an id token to a verified person: header, key, signature, then claims.
import { compactVerify, decodeJwt, decodeProtectedHeader, errors, importJWK } from 'jose'
import type { TokenRefusal } from '../contract/sign-in-refusals.ts'
import { isUnambiguous } from './json-names.ts'
import { type DecodedToken, type Expected, type Judged, judgeHeader, judgeIdToken } from './id-token.ts'
import type { TenantDocuments } from './oidc-documents.ts'

/** An id token has a few kilobytes, two hundred groups included. */
const LONGEST_TOKEN = 64 * 1024

/**
 * Verifies an id token against the keys that its tenant publishes, and judges it.
 *
 * @throws ProviderUnavailable where the keys cannot be had
 */
export async function verifyIdToken(
  text: string,
  options: {
    readonly documents: Pick<TenantDocuments, 'findKey'>
    readonly expected: Expected
    readonly signal: AbortSignal
  },
): Promise<Judged> {
  const decoded = decode(text)
  if (decoded === undefined) return refused('token-malformed')
  const wrong = judgeHeader(decoded.header)
  if (wrong !== undefined) return refused(wrong)
  const key = await options.documents.findKey(String(decoded.header['kid']), options.signal)
  if (key === undefined) return refused('token-key-unknown')
  try {
    await compactVerify(text, await importJWK(key, 'RS256'), { algorithms: ['RS256'] })
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return refused('token-signature')
    throw error
  }
  return judgeIdToken(decoded, options.expected)
}

function decode(text: string): DecodedToken | undefined {
  if (text.length > LONGEST_TOKEN) return undefined
  try {
    const decoded = { header: { ...decodeProtectedHeader(text) }, claims: decodeJwt(text) }
    const parts = text.split('.', 2).map((part) => Buffer.from(part, 'base64url').toString('utf8'))
    return parts.every(isUnambiguous) ? decoded : undefined
  } catch {
    // jose throws errors of several kinds for what is no token.
    return undefined
  }
}

function refused(reason: TokenRefusal): Judged {
  return { kind: 'refused', reason }
}
