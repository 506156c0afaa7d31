// Cursors of lists: where a page ended, opaque to whoever asks for the next one.
import { z } from 'zod'
import { ConfigError } from '../base/errors.ts'

const place = z.array(z.union([z.string(), z.number()]))

/** @param values the sort key of the last entry of a page */
export function writeCursor(values: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url')
}

/**
 * The sort key that a cursor stands for; undefined without one.
 *
 * @throws ConfigError when it is none that this list has given
 */
export function readCursor<T extends z.ZodType>(cursor: string | undefined, shape: T): z.output<T> | undefined {
  if (cursor === undefined) return undefined
  const parsed = shape.safeParse(place.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString('utf8'))).data)
  if (parsed.success) return parsed.data
  throw new ConfigError([{ at: 'cursor', message: 'is not one that this list has given; begin without it' }])
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
