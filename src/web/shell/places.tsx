// What the navigation leads to.
import { ArrowSyncRegular } from '@fluentui/react-icons/svg/arrow-sync'
import { HomeRegular } from '@fluentui/react-icons/svg/home'
import { PlugConnectedRegular } from '@fluentui/react-icons/svg/plug-connected'
import { WarningRegular } from '@fluentui/react-icons/svg/warning'
import type { ReactElement } from 'react'
import type { Role } from '../../contract/api/endpoint.ts'
import { shell } from '../texts/shell.ts'

interface Place {
  readonly to: '/' | '/issues' | '/settings/user-synchronization' | '/settings/connections'
  readonly name: string
  readonly icon: ReactElement
  /** Who sees it. */
  readonly role: Role
}

export const PLACES: readonly { readonly heading: string | null; readonly places: readonly Place[] }[] = [
  { heading: null, places: [{ to: '/', name: shell.overview, icon: <HomeRegular />, role: 'viewer' }] },
  {
    heading: shell.synchronization,
    places: [{ to: '/issues', name: shell.issues, icon: <WarningRegular />, role: 'viewer' }],
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
    ],
  },
]
