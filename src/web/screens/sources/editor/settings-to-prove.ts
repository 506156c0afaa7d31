// Which changed settings decide through which connection people sign in: the server takes them with a recent proof of who one is only.
import { blockOf, type JsonBlock } from './draft.ts'

const SIGN_IN = 'users.options.useAsAuthenticationServer'

/**
 * The rule of the server (`where-sign-in-changes` in the contract), so that somebody is told before he is asked.
 *
 * @param settings.before as they were read; undefined of a new source
 * @param settings.connections undefined: not known, so any of them may let somebody in
 */
export function settingsToProve(settings: {
  readonly before: JsonBlock | undefined
  readonly now: JsonBlock
  readonly connections: readonly { readonly name: string; readonly signInWithMicrosoft: boolean }[] | undefined
}): ReadonlySet<string> {
  const { before, now, connections } = settings
  const letIn = { before: before !== undefined && letsIn(before), now: letsIn(now) }
  const isMoved = before !== undefined && before['connection'] !== now['connection'] && (letIn.before || letIn.now)
  const changed = [...(isMoved ? ['connection'] : []), ...(letIn.now && !letIn.before ? [SIGN_IN] : [])]
  const through = [before?.['connection'], now['connection']]
  const isAnyOn =
    connections?.some(({ name, signInWithMicrosoft }) => signInWithMicrosoft && through.includes(name)) ?? true
  return new Set(isAnyOn ? changed : [])
}

function letsIn(settings: JsonBlock): boolean {
  return blockOf(blockOf(settings['users'])['options'])['useAsAuthenticationServer'] === true
}
