// Backups under a key of their own, in the format of age (https://age-encryption.org/v1), so that its tools open them as well.
import { ReadableStream } from 'node:stream/web'
import { Decrypter, Encrypter } from 'age-encryption'
import { ConfigError } from '../base/errors.ts'
import type { EncryptFor, Unlock } from '../contract/backups.ts'
import { damaged } from './frames.ts'

export const AGE_HEADER = 'age-encryption.org/'

/** 2^17 rounds of scrypt take 128 MB and about a second: what OWASP asks for at least. age itself reads up to 2^22. */
const SCRYPT_LOG_N = 17

/** @throws ConfigError for what is no public key of age */
export function encryptWith(to: EncryptFor): (plain: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array> {
  const encrypter = new Encrypter()
  if ('passphrase' in to) {
    encrypter.setPassphrase(to.passphrase)
    encrypter.setScryptWorkFactor(SCRYPT_LOG_N)
  } else {
    for (const recipient of to.recipients) {
      try {
        encrypter.addRecipient(recipient)
      } catch {
        const message = 'is no public key of age; it begins with age1 and is printed by age-keygen'
        throw new ConfigError([{ at: '--encrypt-to', message }])
      }
    }
  }
  return async function* encrypt(plain) {
    yield* await encrypter.encrypt(ReadableStream.from(plain))
  }
}

/** @throws ConfigError where nothing that was given opens it; RunError `backup-damaged` where it was changed */
export async function* decrypt(sealed: AsyncIterable<Uint8Array>, unlock: Unlock): AsyncGenerator<Uint8Array> {
  const { passphrase, identities = [] } = unlock
  if (passphrase === undefined && identities.length === 0)
    throw locked('the backup is encrypted; name what opens it with --passphrase-file or --identity')
  const decrypter = new Decrypter()
  if (passphrase !== undefined) decrypter.addPassphrase(passphrase)
  for (const identity of identities) {
    try {
      decrypter.addIdentity(identity)
    } catch {
      throw locked('a line of the file is no secret key of age; they begin with AGE-SECRET-KEY-')
    }
  }
  let plain: AsyncIterable<Uint8Array>
  try {
    plain = await decrypter.decrypt(ReadableStream.from(sealed))
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('no identity matched'))
      throw locked('what was given does not open this backup; it was encrypted for another key or passphrase')
    throw damaged('the beginning of its encryption was changed', error)
  }
  try {
    yield* plain
  } catch (error) {
    throw damaged('a part of it was changed or cut off after it was encrypted', error)
  }
}

function locked(message: string): ConfigError {
  return new ConfigError([{ at: '--passphrase-file or --identity', message }])
}
