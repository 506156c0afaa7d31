// What the demo has ready so that everything can be tried at once: a terminal, and roles for people of the company.
import type { Role } from '../contract/api/endpoint.ts'
import type { Actor } from '../registry/audit.ts'
import type { SignInParts } from './parts.ts'
import { addRoleMapping } from './roles.ts'
import { createTerminal } from './terminals.ts'

export interface Showcase {
  /** Its terminal may everything but ask for Microsoft passwords. */
  readonly terminal: string
  readonly connection: string
  /** By the value of the app role that gives it. */
  readonly roles: Readonly<Record<string, Role>>
}

/** @returns the token of the terminal. @throws NotFoundError for the connection; ConflictError where it is there already */
export async function setUpShowcase(parts: SignInParts, showcase: Showcase, actor: Actor): Promise<string> {
  const { terminal, connection, roles } = showcase
  for (const [value, role] of Object.entries(roles))
    await addRoleMapping(parts, { connection, kind: 'appRole', value, role }, actor)
  const { token } = await createTerminal(
    parts,
    {
      name: terminal,
      may: ['card', 'pin', 'userNamePin', 'deviceCode'],
      tells: ['groups', 'language'],
      unknownCard: 'register',
      cardTransform: null,
      days: null,
    },
    actor,
  )
  return token
}
