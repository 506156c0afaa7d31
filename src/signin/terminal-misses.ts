// The rules by which attempts in vain at terminals add up and are forgiven. Pure.
import { type Misses, type MissRule, standing } from './misses.ts'

/** Cards, and everything that is typed: PINs, names, passwords. */
export type MissKind = 'card' | 'secret'

/**
 * By terminal. Nobody but the terminal's own people waits for it. A success forgives nothing but itself: whoever has a card or PIN
 * of his own could buy himself tries with it.
 */
export const TERMINAL_RULES = {
  card: { free: 30, firstWait: 1, longestWait: 60, forgiveAfter: 60 },
  secret: { free: 10, firstWait: 1, longestWait: 300, forgiveAfter: 300 },
} as const satisfies Record<MissKind, MissRule>

/** By terminal, while there is more in vain over all terminals than mistakes account for. */
export const ALARMED_RULES = {
  card: { free: 5, firstWait: 1, longestWait: 300, forgiveAfter: 300 },
  secret: { free: 2, firstWait: 2, longestWait: 900, forgiveAfter: 900 },
} as const satisfies Record<MissKind, MissRule>

/**
 * Over all terminals: more than this, and the stricter rules apply. It makes nobody wait by itself: a terminal without misses of its
 * own goes on as before, whatever happens at others.
 */
export const OVERALL_RULES = {
  card: { free: 2_000, forgiveAfter: 0.5 },
  secret: { free: 500, forgiveAfter: 2 },
} as const satisfies Record<MissKind, Pick<MissRule, 'free' | 'forgiveAfter'>>

/**
 * By user, over all terminals. Others can make him wait here, so that it is short, and free for more than one terminal brings about
 * by itself (15): whoever guesses at one terminal does not make him wait at another.
 */
export const USER_RULE: MissRule = { free: 20, firstWait: 1, longestWait: 10, forgiveAfter: 60 }

/**
 * Microsoft passwords by user, at one terminal and over all. Slower than PINs: Entra locks an account after ten wrong ones (three in US
 * Government clouds), for everything that it is used for, and whoever stands at a terminal must not reach that at once. One terminal
 * does not bring about more than five over all, so that he goes on at others; several together are slowed, and he with them. Who is made
 * to wait still gets in by a code on another device.
 *
 * @see https://learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout
 */
export const PASSWORD_RULES = {
  atTerminal: { free: 2, firstWait: 60, longestWait: 900, forgiveAfter: 900 },
  overall: { free: 6, firstWait: 600, longestWait: 900, forgiveAfter: 600 },
} as const satisfies Record<string, MissRule>

/** The rule of a terminal, by what is tried in vain everywhere. */
export function ruleOf(kind: MissKind, overall: Misses, now: Date): MissRule {
  const { free } = OVERALL_RULES[kind]
  return (standing(overall, OVERALL_RULES[kind], now) > free ? ALARMED_RULES : TERMINAL_RULES)[kind]
}
