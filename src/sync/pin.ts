// What a PIN that is drawn looks like. Pure.

const SHORTEST = 6
/** A thousand PINs for each person: whoever tries one at random hits somebody once in a thousand times. */
const PINS_PER_PERSON = 1_000

/** Digits of a PIN where there are so many people. */
export function pinLength(people: number): number {
  let length = SHORTEST
  while (people * PINS_PER_PERSON > 10 ** length) length += 1
  return length
}

/** Draws one PIN; `undefined` when it came out as one that is too easily guessed. */
export function drawPin(length: number, randomInt: (below: number) => number): string | undefined {
  const pin = String(randomInt(10 ** length)).padStart(length, '0')
  return hasConstantSteps(pin) ? undefined : pin
}

/** 111111, 123456, 654321, 802468: each digit follows from the one before by the same step, 0 after 9. */
export function hasConstantSteps(digits: string): boolean {
  const step = stepAt(digits, 1)
  for (let index = 2; index < digits.length; index += 1) if (stepAt(digits, index) !== step) return false
  return true
}

function stepAt(digits: string, index: number): number {
  return (Number(digits[index]) - Number(digits[index - 1]) + 10) % 10
}
