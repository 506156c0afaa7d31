// Graph's error codes: the only part of an error answer that anything is decided by.
import { asRecord, parseJson } from './body.ts'
import { BadAnswer } from './errors.ts'

/**
 * The Graph error code of a body: the outermost known one, or a delta reset code further in. Undefined when the body is
 * no Graph error. Messages are never read.
 */
export function codeOfBody(body: Buffer): string | undefined {
  try {
    return codeOfError(parseJson(body))
  } catch (error) {
    if (error instanceof BadAnswer) return undefined
    throw error
  }
}

/** As {@link codeOfBody}, for an error that was already parsed. */
export function codeOfError(body: unknown): string | undefined {
  const error = asRecord(asRecord(body)?.['error'])
  const code = error?.['code']
  if (typeof code !== 'string' || code === '') return undefined
  let inner = asRecord(error?.['innerError'] ?? error?.['innererror'])
  for (let depth = 0; inner !== undefined && depth < 5; depth++) {
    const innerCode = inner['code']
    if (typeof innerCode === 'string' && RESET.test(innerCode)) return innerCode
    inner = asRecord(inner['innerError'] ?? inner['innererror'])
  }
  return code
}

const RESET = /^(syncStateNotFound|resyncRequired)$/i
