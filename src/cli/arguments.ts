// Parsing of arguments and flags; a mistake is told by commander with the argument's name.
import { InvalidArgumentError } from 'commander'

/** The number of a run. */
export function parseRunId(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text) || Number(text) > 2_147_483_647) {
    throw new InvalidArgumentError('A run has a number; muster runs lists them.')
  }
  return Number(text)
}

/** The number of kept settings. */
export function parseSettingsNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new InvalidArgumentError('Saved settings have a number; muster settings SOURCE lists them.')
  return Number(text)
}

/** A version of the key. */
export function parseKeyVersion(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('A version is a number; muster keys lists them.')
  return Number(text)
}

/** Why something is decided; kept for those who ask later. */
export function parseReason(text: string): string {
  const reason = text.trim()
  if (reason === '') throw new InvalidArgumentError('Say why in some words.')
  return reason
}

/** How many rows to show. */
export function parseLimit(text: string): number {
  return parseWhole(text, { from: 1, to: 10_000 })
}

/** A whole number in a range, both ends included. */
export function parseWhole(text: string, { from, to }: { from: number; to: number }): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < from || value > to) {
    throw new InvalidArgumentError(`It must be a whole number from ${from} to ${to}.`)
  }
  return value
}
