// Attributes that the settings of a source name, and its mirror lacks because nobody has read them yet.
import type { Queries } from '../database/connect.ts'
import { getRounds } from '../mirror/rounds.ts'
import type { Source } from '../registry/sources.ts'
import { needsOf } from './map/needs.ts'

/** Of users; none where nothing was read at all. Until the next run has read them nothing can be said of what they decide. */
export async function unreadAttributes(
  db: Queries,
  { id, settings }: Pick<Source, 'id' | 'settings'>,
): Promise<readonly string[]> {
  const read = new Set((await getRounds(db, id)).userAttributes)
  return read.size === 0 ? [] : needsOf(settings).userAttributes.filter((name) => !read.has(name))
}
