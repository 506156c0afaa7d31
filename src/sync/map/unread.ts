// Settings as far as they can be tried on a mirror that lacks some of the attributes that they read. Pure.
import { attributesOfFilter, attributesReadBy } from '../../contract/attributes-read.ts'
import type { OneValued, SeveralValued, SourceSettings } from '../../contract/sources.ts'
import { attributesOfTemplates, prepareGroupTemplates } from './attribute-groups.ts'

/**
 * The settings with everything left as it is that an unread attribute would decide: a target that reads one keeps what it has,
 * and the filter and the groups from attributes are those of before. New people get their user principal name where the user
 * name reads one.
 *
 * @param before the settings that the mirror was read for
 */
export function withoutUnread(
  settings: SourceSettings,
  o: { readonly before: SourceSettings; readonly unread: readonly string[] },
): SourceSettings {
  const unread = new Set(o.unread)
  if (unread.size === 0) return settings
  const isUnread = (names: readonly string[]) => names.some((name) => unread.has(name))
  const { userName, aliases, alternateEmails, cards, pin, own, ...ones } = settings.users.properties
  const reads = (property: OneValued | SeveralValued) => isUnread(attributesReadBy(property))
  const known = (property: OneValued | null) => (property === null || reads(property) ? null : property)
  // One entry alone cannot be left out: what the others give would be all.
  const list = (entries: readonly SeveralValued[]) => (entries.some(reads) ? [] : [...entries])
  const { filter } = settings.users
  const { fromAttributes } = settings.groups
  return {
    ...settings,
    users: {
      ...settings.users,
      filter: filter !== null && isUnread(attributesOfFilter(filter)) ? o.before.users.filter : filter,
      properties: {
        userName: reads(userName) ? { from: 'userPrincipalName', apply: 'whenCreated' } : userName,
        fullName: known(ones.fullName),
        personalNumber: known(ones.personalNumber),
        email: known(ones.email),
        phone: known(ones.phone),
        language: known(ones.language),
        department: known(ones.department),
        costCenter: known(ones.costCenter),
        office: known(ones.office),
        jobTitle: known(ones.jobTitle),
        company: known(ones.company),
        manager: known(ones.manager),
        storage: known(ones.storage),
        notes: known(ones.notes),
        aliases: list(aliases),
        alternateEmails: list(alternateEmails),
        cards: list(cards),
        pin: pin === 'generate' ? pin : known(pin),
        own: Object.fromEntries(Object.entries(own).filter(([, property]) => !reads(property))),
      },
    },
    groups: {
      ...settings.groups,
      fromAttributes: isUnread(attributesOfTemplates(prepareGroupTemplates(settings.groups)))
        ? o.before.groups.fromAttributes
        : fromAttributes,
    },
  }
}
