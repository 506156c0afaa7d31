// Which token service belongs to which Graph root. A token of one cloud is never asked for, nor sent, in another.
import { ConfigError } from '../base/errors.ts'
import { type Cloud, CLOUD_ROOTS, type CloudRoots, CLOUDS, normalizeRoot, rootProblem } from '../directory/clouds.ts'

const MICROSOFT: readonly CloudRoots[] = Object.values(CLOUD_ROOTS)

/**
 * Checks two roots as given and returns them without a slash at the end.
 *
 * @throws ConfigError when one is no root (plain http elsewhere than on loopback included) or they mix Microsoft's clouds
 */
export function checkRoots(roots: CloudRoots): CloudRoots {
  const problems = (['authorityUrl', 'graphUrl'] as const).flatMap((at) => {
    const message = rootProblem(roots[at])
    return message === undefined ? [] : [{ at, message }]
  })
  if (problems.length > 0) throw new ConfigError(problems)
  const checked = { authorityUrl: normalizeRoot(roots.authorityUrl), graphUrl: normalizeRoot(roots.graphUrl) }
  const isMicrosoft = isMicrosoftRoot(checked.authorityUrl) || isMicrosoftRoot(checked.graphUrl)
  const isPair = MICROSOFT.some((c) => c.authorityUrl === checked.authorityUrl && c.graphUrl === checked.graphUrl)
  if (isMicrosoft && !isPair) {
    const message = `tokens of ${checked.authorityUrl} are not valid at ${checked.graphUrl}; take both from the same cloud`
    throw new ConfigError([{ at: 'graphUrl', message }])
  }
  return checked
}

/** True for the authorities and Graph roots of Microsoft's own clouds, which never live on private addresses. */
export function isMicrosoftRoot(root: string): boolean {
  const normal = normalizeRoot(root)
  return MICROSOFT.some((c) => c.graphUrl === normal || c.authorityUrl === normal)
}

/** Whose token service it is; both US Government clouds have one. `custom`: none of Microsoft's. */
export function cloudOf(authorityUrl: string): Cloud {
  const normal = normalizeRoot(authorityUrl)
  const found = CLOUDS.find((cloud) => cloud !== 'custom' && CLOUD_ROOTS[cloud].authorityUrl === normal)
  return found ?? 'custom'
}

/** The one scope of app-only tokens for a Graph root. It names the root, so a token of one cloud is refused by another. */
export function scopeOf(graphUrl: string): string {
  return `${normalizeRoot(graphUrl)}/.default`
}
