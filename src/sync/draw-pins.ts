// Draws the PINs of a plan once it is known who gets one. The digits live in this function only: what is kept is the look-up.
import type { Transaction } from '../database/transaction.ts'
import { canonical } from '../directory/canonical.ts'
import { countPeopleAfter, type DrawnPin, itemsWithoutPin, notePins, pinsInUse } from '../registry/pins.ts'
import type { PlanInput } from './plan-input.ts'
import { drawPin, pinLength } from './pin.ts'

const BATCH = 5_000
/** Batches without one free PIN after which the source of randomness is taken for broken. A PIN is free 999 times in 1,000. */
const MOST_FUTILE = 100

/**
 * Gives every item of the plan that adds a PIN without look-up one that nobody has. Asks the database once a batch.
 *
 * Two sources that plan at the same time may draw the same PIN: who is applied second is left out and planned again.
 */
export async function drawPins(
  tx: Transaction,
  input: Pick<PlanInput, 'runId' | 'lookup' | 'randomInt' | 'signal'>,
): Promise<void> {
  const waiting = await itemsWithoutPin(tx, input.runId)
  if (waiting.length === 0) return
  const length = pinLength(await countPeopleAfter(tx, input.runId))
  const taken = new Set<string>()
  const drawn: DrawnPin[] = []
  let futile = 0
  while (drawn.length < waiting.length) {
    input.signal.throwIfAborted()
    const candidates = new Set<string>()
    for (let n = Math.min(BATCH, waiting.length - drawn.length); n > 0; n -= 1) {
      const pin = drawPin(length, input.randomInt)
      const lookup = pin === undefined ? undefined : input.lookup('pin', canonical(pin)).toString('hex')
      if (lookup !== undefined && !taken.has(lookup)) candidates.add(lookup)
    }
    const inUse = await pinsInUse(tx, [...candidates])
    const before = drawn.length
    for (const lookup of candidates) {
      const seq = waiting[drawn.length]
      if (seq === undefined || inUse.has(lookup)) continue
      taken.add(lookup)
      drawn.push({ seq, lookup })
    }
    futile = drawn.length === before ? futile + 1 : 0
    if (futile === MOST_FUTILE) throw new RangeError(`no PIN of ${length} digits was found that is free`)
  }
  await notePins(tx, input.runId, drawn)
}
