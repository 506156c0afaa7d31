// How secrets of people are shown.

/** Stands for what nobody should see. */
export const HIDDEN = '••••'

/** Enough to recognise a card in hand, too little to copy it. Whole characters: half of one cannot be stored. */
export function mask(value: string): string {
  const characters = Array.from(value)
  return characters.length >= 9 ? `${HIDDEN}${characters.slice(-4).join('')}` : HIDDEN
}
