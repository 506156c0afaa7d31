// Asks who has cards, as often as it is answered, for some seconds.
import { Pool } from 'undici'
import { measured, serve } from './worker.ts'

export interface AskRequest {
  readonly url: string
  readonly seconds: number
  readonly connections: number
  readonly tokens: readonly string[]
  /** Cards, or look-ups where it is not Muster that is asked. */
  readonly lookups: readonly string[]
  readonly isMuster: boolean
}

export interface Asked {
  readonly perSecond: number
  readonly answers: number
  readonly medianMs: number
  readonly p99Ms: number
  /** CPU of this process, which runs on the same machine. */
  readonly askerCpu: number
}

serve<AskRequest>({
  ready: {},
  handle: async (request): Promise<Asked> => {
    const { value: times, cost } = await measured(() => askFor(request))
    const sorted = times.toSorted((a, b) => a - b)
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
    return {
      perSecond: Math.round(times.length / cost.seconds),
      answers: times.length,
      medianMs: at(0.5),
      p99Ms: at(0.99),
      askerCpu: cost.cpuSeconds,
    }
  },
})

async function askFor(request: AskRequest): Promise<readonly number[]> {
  const { url, seconds, connections, tokens, lookups, isMuster } = request
  const pool = new Pool(url, { connections, pipelining: 1 })
  const path = isMuster ? '/api/v1/terminal/authenticate' : '/'
  const times: number[] = []
  let found = 0
  const endsAt = performance.now() + seconds * 1_000
  let next = 0
  const one = async (token: string) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    while (performance.now() < endsAt) {
      const lookup = lookups[next++ % lookups.length] ?? ''
      const startedAt = performance.now()
      const body = JSON.stringify(isMuster ? { by: 'card', card: lookup } : { lookup })
      const answer = await pool.request({ method: 'POST', path, headers, body })
      const text = await answer.body.text()
      if (answer.statusCode !== 200) throw new Error(`answered ${answer.statusCode}: ${text}`)
      times.push(performance.now() - startedAt)
      if (text.includes(isMuster ? '"identified"' : '"user_name"')) found += 1
    }
  }
  await Promise.all(Array.from({ length: connections }, (_, i) => one(tokens[i % tokens.length] ?? '')))
  await pool.close()
  if (found < times.length) throw new Error(`only ${found} of ${times.length} cards were found`)
  return times
}
