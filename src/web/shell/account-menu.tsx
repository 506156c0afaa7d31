// Who is signed in, light or dark, sign out.
import {
  Button,
  makeStyles,
  Menu,
  MenuDivider,
  MenuGroup,
  MenuGroupHeader,
  MenuItem,
  MenuItemRadio,
  MenuList,
  MenuPopover,
  MenuTrigger,
  tokens,
} from '@fluentui/react-components'
import { PersonCircleRegular } from '@fluentui/react-icons/svg/person-circle'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { API } from '../../contract/api/api.ts'
import type { OwnSession } from '../../contract/api/access.ts'
import { ApiError, call, keepCsrf } from '../api.ts'
import { useToasts } from '../components/toasts.tsx'
import { sessionQuery } from '../session.ts'
import { shell } from '../texts/shell.ts'
import { type Appearance, useAppearance } from '../theme.tsx'

const APPEARANCES: readonly Appearance[] = ['system', 'light', 'dark']

const useStyles = makeStyles({
  button: { minWidth: 0, color: 'inherit', ':hover': { color: 'inherit', backgroundColor: '#ffffff29' } },
  // Out of sight on narrow windows, still the button's name.
  name: {
    '@media (max-width: 640px)': {
      position: 'absolute',
      width: '1px',
      height: '1px',
      overflow: 'hidden',
      clipPath: 'inset(50%)',
      whiteSpace: 'nowrap',
    },
  },
  role: { color: tokens.colorNeutralForeground3, fontWeight: tokens.fontWeightRegular },
})

export function AccountMenu({ session }: { readonly session: OwnSession }) {
  const styles = useStyles()
  const toasts = useToasts()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const { appearance, choose } = useAppearance()
  const { kind, name, role } = session.account
  async function signOut(from: 'here' | 'Microsoft too') {
    let elsewhere: string | null = null
    try {
      if (from === 'here') await call(API.signOut, {})
      else elsewhere = (await call(API.signOutOfMicrosoft, {})).url
    } catch (error) {
      // It had ended before: that is what was wanted. Who wants to leave Microsoft too is told that this was not done.
      if (from === 'Microsoft too' || !(error instanceof ApiError && error.status === 401)) {
        toasts.failed(shell.signOut, error)
        return
      }
    }
    keepCsrf(undefined)
    queries.clear()
    queries.setQueryData(sessionQuery.queryKey, null)
    if (elsewhere !== null) location.assign(elsewhere)
    else await navigate({ to: '/sign-in', search: from === 'here' ? {} : { signedOut: 'here' } })
  }
  return (
    <Menu
      checkedValues={{ appearance: [appearance] }}
      onCheckedValueChange={(_event, { checkedItems }) => {
        const chosen = APPEARANCES.find((known) => checkedItems.includes(known))
        if (chosen !== undefined) choose(chosen)
      }}
    >
      <MenuTrigger disableButtonEnhancement>
        <Button appearance="transparent" className={styles.button} icon={<PersonCircleRegular />}>
          <span className={styles.name}>{name}</span>
        </Button>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          <MenuGroup>
            <MenuGroupHeader>
              {name} <span className={styles.role}>· {role === null ? shell.noRole : shell.roles[role]}</span>
            </MenuGroupHeader>
          </MenuGroup>
          <MenuDivider />
          <MenuGroup>
            <MenuGroupHeader>{shell.theme}</MenuGroupHeader>
            {APPEARANCES.map((value) => (
              <MenuItemRadio key={value} name="appearance" value={value}>
                {shell.themes[value]}
              </MenuItemRadio>
            ))}
          </MenuGroup>
          <MenuDivider />
          {kind === 'person' ? (
            <MenuItem onClick={() => void navigate({ to: '/me' })}>{shell.ownPage}</MenuItem>
          ) : (
            <MenuItem onClick={() => void navigate({ to: '/account' })}>{shell.ownSessions}</MenuItem>
          )}
          <MenuItem onClick={() => void signOut('here')}>{shell.signOut}</MenuItem>
          {kind === 'person' ? (
            <MenuItem onClick={() => void signOut('Microsoft too')}>{shell.signOutMicrosoft}</MenuItem>
          ) : null}
        </MenuList>
      </MenuPopover>
    </Menu>
  )
}
