// Graph's error codes: the only part of an error answer that anything is decided by.
import { asRecord, parseJson } from './body.ts'
import { BadAnswer } from './errors.ts'

/**
 * The Graph error code of a body: the outermost known one, or a delta reset code further in. Undefined when the body is
 * no Graph error. Of messages nothing is read but {@link unknownProperty}.
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

/**
 * The property that Graph does not know, by the message of a refusal; only where the request itself names it, so that nothing
 * of a message is repeated that was not ours before.
 *
 * @param url the request, as it was sent
 */
export function unknownProperty(body: unknown, url: string): string | undefined {
  const message = asRecord(asRecord(body)?.['error'])?.['message']
  const [, named, missing] = (typeof message === 'string' ? UNKNOWN_PROPERTY.exec(message) : null) ?? []
  const name = named ?? missing
  return name !== undefined && url.split(/[^\w.]+/).includes(name) ? name : undefined
}

/** As {@link unknownProperty}, of a body that is a Graph error. */
export function unknownPropertyOfBody(body: Buffer, url: string): string | undefined {
  return unknownProperty(parseJson(body), url)
}

/**
 * Wordings of the OData library that Graph is made with, and of the directory behind it, which is asked for directory extensions;
 * another wording only tells less. Seen in recorded answers, 2026-12.
 */
const UNKNOWN_PROPERTY =
  /^(?:(?:Parsing OData Select and Expand failed: )?Could not find a property named '([\w.]{1,200})'|Property '([\w.]{1,200})' does not exist as a declared property or extension property)/
const RESET = /^(syncStateNotFound|resyncRequired)$/i
