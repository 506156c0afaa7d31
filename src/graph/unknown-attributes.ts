// Which attributes of users a tenant does not have: asked before settings are saved that read them.
import { GraphError } from './errors.ts'
import type { Requester } from './retry.ts'
import { readEnvelope } from './wire.ts'

/**
 * Those of `names`, directory extensions by their full names, that Graph says it does not know.
 *
 * One row is asked for with all of them. What is in it exists. Of the others nothing shows: a value that is not set is left out,
 * and users are an open type, so that an unknown name may be left out too. A filter settles that: the directory refuses it by
 * name. Any other refusal of it, for the type of the value or its place in the index, is one of an attribute that exists.
 *
 * @throws GraphError for whatever refuses the question itself
 */
export async function unknownAttributes(
  graph: Requester,
  { names, signal }: { readonly names: readonly string[]; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const unknown: string[] = []
  let asked = [...new Set(names)]
  let shown: ReadonlySet<string> = new Set()
  while (asked.length > 0) {
    const answer = await oneRow(graph, `users?$select=id,${asked.join(',')}&$top=1`, signal)
    if (typeof answer !== 'string') {
      shown = answer
      break
    }
    // A name that was not asked for is none of ours, and would be asked for ever again.
    if (!asked.includes(answer)) throw new GraphError('bad-request', REFUSED, { retry: 'never' })
    unknown.push(answer)
    asked = asked.filter((name) => name !== answer)
  }
  for (const name of asked.filter((one) => !shown.has(one)))
    if (await isRefusedAsUnknown(graph, name, signal)) unknown.push(name)
  return unknown
}

const REFUSED = 'Cannot read users: Graph refused attributes that were not asked for'

async function isRefusedAsUnknown(graph: Requester, name: string, signal: AbortSignal): Promise<boolean> {
  try {
    const filter = encodeURIComponent(`${name} eq 'a'`)
    return (await oneRow(graph, `users?$filter=${filter}&$select=id&$top=1`, signal)) === name
  } catch (error) {
    if (error instanceof GraphError && error.code === 'bad-request') return false
    throw error
  }
}

/** The names in the first row, or the one attribute that Graph does not know. */
async function oneRow(graph: Requester, path: string, signal: AbortSignal): Promise<ReadonlySet<string> | string> {
  try {
    const { value } = await graph.ask({
      url: graph.url(path),
      cost: 1,
      accept: 'application/json',
      signal,
      read: (body) => new Set(Object.keys(readEnvelope(body).value[0] ?? {})),
    })
    return value
  } catch (error) {
    if (error instanceof GraphError && error.unknownAttribute !== undefined) return error.unknownAttribute
    throw error
  }
}
