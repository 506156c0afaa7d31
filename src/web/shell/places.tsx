// What the navigation leads to.
import { ArrowSyncRegular } from '@fluentui/react-icons/svg/arrow-sync'
import { ClipboardTaskRegular } from '@fluentui/react-icons/svg/clipboard-task'
import { FolderPeopleRegular } from '@fluentui/react-icons/svg/folder-people'
import { HistoryRegular } from '@fluentui/react-icons/svg/history'
import { HomeRegular } from '@fluentui/react-icons/svg/home'
import { PlugConnectedRegular } from '@fluentui/react-icons/svg/plug-connected'
import { KeyRegular } from '@fluentui/react-icons/svg/key'
import { PeopleRegular } from '@fluentui/react-icons/svg/people'
import { PersonAccountsRegular } from '@fluentui/react-icons/svg/person-accounts'
import { QuestionCircleRegular } from '@fluentui/react-icons/svg/question-circle'
import { ServerRegular } from '@fluentui/react-icons/svg/server'
import { ShieldPersonRegular } from '@fluentui/react-icons/svg/shield-person'
import { TabletRegular } from '@fluentui/react-icons/svg/tablet'
import { WarningRegular } from '@fluentui/react-icons/svg/warning'
import type { ReactElement } from 'react'
import { mayAct, type Role } from '../../contract/api/endpoint.ts'
import { shell } from '../texts/shell.ts'

interface Place {
  readonly to:
    | '/'
    | '/users'
    | '/groups'
    | '/why'
    | '/runs'
    | '/issues'
    | '/settings/user-synchronization'
    | '/settings/connections'
    | '/settings/administrators'
    | '/settings/sign-in'
    | '/settings/tokens'
    | '/settings/terminals'
    | '/settings/audit'
    | '/settings/installation'
  readonly name: string
  readonly icon: ReactElement
  /** Who sees it. */
  readonly role: Role
}

export const PLACES: readonly { readonly heading: string | null; readonly places: readonly Place[] }[] = [
  { heading: null, places: [{ to: '/', name: shell.overview, icon: <HomeRegular />, role: 'viewer' }] },
  {
    heading: shell.people,
    places: [
      { to: '/users', name: shell.users, icon: <PeopleRegular />, role: 'viewer' },
      { to: '/groups', name: shell.groups, icon: <FolderPeopleRegular />, role: 'viewer' },
      { to: '/why', name: shell.why, icon: <QuestionCircleRegular />, role: 'viewer' },
    ],
  },
  {
    heading: shell.synchronization,
    places: [
      { to: '/runs', name: shell.runs, icon: <HistoryRegular />, role: 'viewer' },
      { to: '/issues', name: shell.issues, icon: <WarningRegular />, role: 'viewer' },
    ],
  },
  {
    heading: shell.settings,
    places: [
      {
        to: '/settings/user-synchronization',
        name: shell.userSynchronization,
        icon: <ArrowSyncRegular />,
        role: 'viewer',
      },
      { to: '/settings/connections', name: shell.connections, icon: <PlugConnectedRegular />, role: 'viewer' },
      {
        to: '/settings/administrators',
        name: shell.administrators,
        icon: <ShieldPersonRegular />,
        role: 'administrator',
      },
      { to: '/settings/sign-in', name: shell.signInSettings, icon: <PersonAccountsRegular />, role: 'administrator' },
      { to: '/settings/tokens', name: shell.tokens, icon: <KeyRegular />, role: 'administrator' },
      { to: '/settings/terminals', name: shell.terminals, icon: <TabletRegular />, role: 'administrator' },
      { to: '/settings/audit', name: shell.audit, icon: <ClipboardTaskRegular />, role: 'administrator' },
      { to: '/settings/installation', name: shell.installation, icon: <ServerRegular />, role: 'administrator' },
    ],
  },
]

/** Whether a page that the navigation leads to is for this role; others are for everybody. */
export function isFor(role: Role, path: string): boolean {
  const place = PLACES.flatMap(({ places }) => places).find(({ to }) => to === path)
  return place === undefined || mayAct(role, place.role)
}
