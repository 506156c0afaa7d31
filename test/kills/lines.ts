// A run over a line that is cut at one of its COMMITs; afterwards its word and the database are compared.
import { RunError } from '../../src/base/errors.ts'
import { silentLog } from '../../src/base/log.ts'
import { connect } from '../../src/database/connect.ts'
import { createEngine, perform } from './engine.ts'
import { type Found, judge, judgeWord } from './judge.ts'
import type { Lab, Ready } from './lab.ts'
import { type Cut, Proxy } from './proxy.ts'

export interface CutResult {
  /** COMMITs of the run, up to its end. */
  readonly commits: number
  readonly isCut: boolean
  readonly found?: Found
  /** What does not hold. */
  readonly problem: string | undefined
}

/** @param aim which COMMIT is cut, and when; undefined only counts them */
export async function cutRun(
  lab: Lab,
  ready: Ready,
  aim: { readonly commit: number; readonly cut: Cut } | undefined,
): Promise<CutResult> {
  await using bench = await lab.bench(ready)
  await using proxy = await Proxy.open(bench.address.host, aim)
  const { user, database } = bench.address
  const db = await connect({ url: `postgresql://${user}@127.0.0.1:${proxy.port}/${database}`, log: silentLog })
  let said: { readonly outcome: string | null; readonly error: string | null }
  try {
    const engine = createEngine({ db, vault: bench.vault, fetch: lab.emulator.fetch })
    const document = await perform(engine, ready.scenario.work)
    said = { outcome: document.outcome, error: document.error?.code ?? null }
  } catch (error) {
    // Taking the source met it: no run began that anybody could report of.
    if (!(error instanceof RunError)) throw error
    said = { outcome: null, error: error.code }
  } finally {
    await db.close()
  }
  const { commits, isCut } = proxy
  try {
    const found = await judge(ready, bench)
    judgeWord(ready, found, said)
    return { commits, isCut, found, problem: undefined }
  } catch (error) {
    return {
      commits,
      isCut,
      problem: `${JSON.stringify(said)}: ${error instanceof Error ? error.message : String(error)}`,
    }
  }
}
