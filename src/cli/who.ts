// Who uses the command line.
import { hostname, userInfo } from 'node:os'

/** The account at this machine, as the audit names it: on the command line nobody has signed in. */
export function commandLine(): { readonly kind: 'command line'; readonly name: string } {
  return { kind: 'command line', name: `${userInfo().username}@${hostname()}` }
}
