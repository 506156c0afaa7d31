// What encrypts and opens backups, as the command line names it: passphrases and secret keys come from files only.
import { readFile } from 'node:fs/promises'
import { ConfigError } from '../base/errors.ts'
import type { EncryptFor, Unlock } from '../contract/backups.ts'
import { UsageError } from './failure.ts'

/** Whoever has the file may try as many as he likes. */
const SHORTEST_PASSPHRASE = 12

/** @throws UsageError, ConfigError */
export async function readEncryptFor(options: {
  readonly encryptTo?: readonly string[]
  readonly passphraseFile?: string
}): Promise<EncryptFor | undefined> {
  const { encryptTo = [], passphraseFile } = options
  if (encryptTo.length > 0 && passphraseFile !== undefined)
    throw new UsageError('give either --encrypt-to or --passphrase-file')
  if (encryptTo.length > 0) return { recipients: encryptTo }
  if (passphraseFile === undefined) return undefined
  const passphrase = await readPassphrase(passphraseFile)
  if (passphrase.length < SHORTEST_PASSPHRASE)
    throw new ConfigError([
      { at: '--passphrase-file', message: `the passphrase has less than ${SHORTEST_PASSPHRASE} characters` },
    ])
  return { passphrase }
}

/** @throws ConfigError */
export async function readUnlock(options: {
  readonly passphraseFile?: string
  readonly identity?: string
}): Promise<Unlock> {
  const { passphraseFile, identity } = options
  return {
    passphrase: passphraseFile === undefined ? undefined : await readPassphrase(passphraseFile),
    identities:
      identity === undefined
        ? []
        : (await readText('--identity', identity))
            .split('\n')
            .map((line) => line.trim())
            .filter((line) => line !== '' && !line.startsWith('#')),
  }
}

/** Its first line. */
async function readPassphrase(path: string): Promise<string> {
  return (await readText('--passphrase-file', path)).split(/\r?\n/)[0] ?? ''
}

async function readText(at: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : error
    throw new ConfigError([{ at, message: `cannot read ${path}: ${String(code)}` }])
  }
}
