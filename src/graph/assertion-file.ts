// Workload identity federation: the token of another issuer, in a file that somebody else keeps fresh, stands for a secret. Kubernetes
// calls it a projected service account token.
import { readFile, stat } from 'node:fs/promises'
import { ConfigError } from '../base/errors.ts'
import { isLoopbackRoot, TOKEN_EXCHANGE_AUDIENCES } from '../directory/clouds.ts'
import { asRecord, parseJson } from './body.ts'
import { cloudOf, isMicrosoftRoot } from './clouds.ts'
import { CredentialRefused } from './errors.ts'

/** Of all clouds: a tenant may have named whichever in its federated credential. */
const AUDIENCES: ReadonlySet<string> = new Set(Object.values(TOKEN_EXCHANGE_AUDIENCES))

/** Tokens have a few kilobytes. */
const MAX_BYTES = 64 * 1024

/**
 * Reads the assertion anew. Whoever may change a connection names the file and the address that its content is sent to; therefore
 * only tokens that were made for exactly this exchange are sent, and only to Microsoft or to an emulator on this machine: no other
 * file of this machine can be carried off in this way.
 *
 * @throws CredentialRefused for a file that is not there or holds something else; ConfigError for another authority
 */
export async function readAssertion(file: string, authorityUrl: string): Promise<string> {
  if (!isMicrosoftRoot(authorityUrl) && !isLoopbackRoot(authorityUrl))
    throw new ConfigError([{ at: 'workloadIdentity', message: `is sent to Microsoft only, not to ${authorityUrl}` }])
  const text = (await readText(file)).trim()
  const [, payload, ...rest] = text.split('.')
  const claims = payload === undefined || rest.length !== 1 ? undefined : claimsOf(payload)
  if (claims === undefined || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text))
    throw refused(
      `The file ${file} does not hold a token (JWT).`,
      'Name the file that the platform writes its token to.',
    )
  if (![claims['aud']].flat().some((audience) => AUDIENCES.has(String(audience))))
    throw refused(
      `The token in ${file} is not meant for Entra.`,
      `Let the platform make it for the audience ${TOKEN_EXCHANGE_AUDIENCES[cloudOf(authorityUrl)]}, and name the same one in the federated credential.`,
    )
  return text
}

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file)
    if (size > MAX_BYTES) throw refused(`The file ${file} is too large for a token.`, 'Name the file with the token.')
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof CredentialRefused) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    const why = WHY[code] ?? `it cannot be read: ${code}`
    const remedy = 'Mount the projected token there, readable by the user that Muster runs as.'
    throw refused(`The assertion cannot be read from ${file}: ${why}.`, remedy, error)
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
}

function claimsOf(payload: string): Record<string, unknown> | undefined {
  try {
    return asRecord(parseJson(Buffer.from(payload, 'base64url')))
  } catch (error) {
    // Not a token; what it is instead is nobody's business.
    if (error instanceof Error) return undefined
    throw error
  }
}

function refused(message: string, remedy: string, cause?: unknown): CredentialRefused {
  return new CredentialRefused('auth-failed', `${message} ${remedy}`, { remedy, retry: 'never', cause })
}
