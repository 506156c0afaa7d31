// The rules by which attempts in vain at terminals add up and are forgiven. Pure.
import { CLOUD_ROOTS, type CloudRoots } from '../directory/clouds.ts'
import { type Misses, type MissRule, standing } from './misses.ts'

/** As administrators are told of: cards, and everything that is typed (PINs, names, passwords). */
export type MissKind = 'card' | 'secret'

/**
 * What is counted at one terminal by itself. `pin`: PINs alone, which say who somebody is; nobody's in particular are wrong, so that all
 * wait. `user`: what is typed beside a name, by that name there, whoever has it or nobody. `named`: all of that together.
 */
export type Counter = 'card' | 'pin' | 'user' | 'named'

/**
 * By terminal. Nobody but the terminal's own people waits for it. A success forgives nothing but itself: whoever has a card or PIN
 * of his own could buy himself tries with it. Who guesses at one name keeps neither other names nor PINs alone from being looked at,
 * until he has gone through several.
 */
export const TERMINAL_RULES = {
  card: { free: 30, firstWait: 1, longestWait: 60, forgiveAfter: 60 },
  pin: { free: 10, firstWait: 1, longestWait: 300, forgiveAfter: 300 },
  user: { free: 10, firstWait: 1, longestWait: 300, forgiveAfter: 300 },
  named: { free: 40, firstWait: 1, longestWait: 60, forgiveAfter: 60 },
} as const satisfies Record<Counter, MissRule>

/** By terminal, while there is more in vain over all terminals than mistakes account for. */
export const ALARMED_RULES = {
  card: { free: 5, firstWait: 1, longestWait: 300, forgiveAfter: 300 },
  pin: { free: 2, firstWait: 2, longestWait: 900, forgiveAfter: 900 },
  user: { free: 2, firstWait: 2, longestWait: 900, forgiveAfter: 900 },
  named: { free: 10, firstWait: 2, longestWait: 300, forgiveAfter: 300 },
} as const satisfies Record<Counter, MissRule>

/**
 * PINs alone, over all terminals: the most that is looked at in vain within a day, however many terminals somebody has the tokens of. It adds up to
 * no more than an hour's waiting, so that it is over soon after they stop.
 */
export const PIN_CEILING = { free: 3_000, forgiveAfter: 20, most: 3_180 } as const

/**
 * By terminal, for PINs alone, while the ceiling is reached. A terminal without misses of its own goes on, and where three people mistype;
 * whatever has more waits for hours.
 */
export const STOPPED_RULE: MissRule = { free: 3, firstWait: 21_600, longestWait: 21_600, forgiveAfter: 21_600 }

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

/** How Microsoft passwords of one user may be tried. */
export interface PasswordRules {
  /** So many wrong ones lock the account at Microsoft, for everything that it is used for. */
  readonly lockedAt: number
  /** At one terminal. */
  readonly atTerminal: MissRule
  /** At all terminals together. */
  readonly overall: MissRule
}

/**
 * By what Microsoft's clouds lock at. All waits are as long as one miss takes to be forgiven, so that however it is tried no hour has more than
 * `free` and as many as are forgiven in it: nine, and two in US Government clouds. One terminal brings about no more than three over all, so
 * that its user goes on at others; several together are slowed, and he with them. Where three lock there is no such room: whoever tries
 * two at one terminal makes him wait at all, for he would be locked out of everything by the next. Who is made to wait still gets in by a code
 * on another device.
 *
 * @see https://learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout
 */
export const PASSWORD_RULES = {
  commercial: {
    lockedAt: 10,
    atTerminal: { free: 3, firstWait: 900, longestWait: 900, forgiveAfter: 900 },
    overall: { free: 5, firstWait: 900, longestWait: 900, forgiveAfter: 900 },
  },
  government: {
    lockedAt: 3,
    atTerminal: { free: 1, firstWait: 900, longestWait: 900, forgiveAfter: 900 },
    // A minute more than an hour: clocks of two need not be one.
    overall: { free: 2, firstWait: 3_660, longestWait: 3_660, forgiveAfter: 3_660 },
  },
} as const satisfies Record<string, PasswordRules>

/** Custom endpoints that are a government cloud's own count as such. */
export function passwordRulesOf({ authorityUrl }: Pick<CloudRoots, 'authorityUrl'>): PasswordRules {
  const isGovernment =
    authorityUrl === CLOUD_ROOTS.usGov.authorityUrl || authorityUrl === CLOUD_ROOTS.usGovDod.authorityUrl
  return isGovernment ? PASSWORD_RULES.government : PASSWORD_RULES.commercial
}

/** The rule of a terminal, by what is tried in vain everywhere: of the kind, and of PINs alone. */
export function ruleOf(
  counter: Counter,
  everywhere: { readonly overall: Misses; readonly pins?: Misses },
  now: Date,
): MissRule {
  const { overall, pins } = everywhere
  if (counter === 'pin' && pins !== undefined && standing(pins, PIN_CEILING, now) > PIN_CEILING.free)
    return STOPPED_RULE
  const rule = OVERALL_RULES[counter === 'card' ? 'card' : 'secret']
  return (standing(overall, rule, now) > rule.free ? ALARMED_RULES : TERMINAL_RULES)[counter]
}
