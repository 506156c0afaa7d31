// What surrounds every page of who is signed in: bar, navigation, content.
import {
  Button,
  makeStyles,
  mergeClasses,
  MessageBar,
  MessageBarBody,
  OverlayDrawer,
  DrawerBody,
  tokens,
} from '@fluentui/react-components'
import { NavigationRegular } from '@fluentui/react-icons/svg/navigation'
import { onlineManager } from '@tanstack/react-query'
import { Link, Outlet, useLocation } from '@tanstack/react-router'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { useWatchedSession } from '../away.ts'
import { Loading } from '../components/states.tsx'
import { shell } from '../texts/shell.ts'
import { AccountMenu } from './account-menu.tsx'
import { NotForYou } from './fallbacks.tsx'
import { Navigation } from './navigation.tsx'
import { isFor } from './places.tsx'
import { ProofDialog } from './proof-dialog.tsx'

const NARROW = '@media (max-width: 900px)'

const useStyles = makeStyles({
  frame: {
    display: 'grid',
    gridTemplateRows: '48px 1fr',
    gridTemplateColumns: '248px minmax(0, 1fr)',
    height: '100dvh',
    backgroundColor: tokens.colorNeutralBackground1,
    [NARROW]: { gridTemplateColumns: 'minmax(0, 1fr)' },
  },
  alone: { gridTemplateColumns: 'minmax(0, 1fr)' },
  bar: {
    gridColumn: '1 / -1',
    display: 'flex',
    alignItems: 'center',
    gap: '8px',
    padding: '0 12px',
    backgroundColor: tokens.colorBrandBackground,
    color: tokens.colorNeutralForegroundOnBrand,
    '@media (forced-colors: active)': { borderBottom: '1px solid' },
  },
  skip: {
    position: 'absolute',
    left: '12px',
    top: '-100px',
    zIndex: 10,
    padding: '8px 16px',
    backgroundColor: tokens.colorNeutralBackground1,
    color: tokens.colorNeutralForeground1,
    borderRadius: tokens.borderRadiusMedium,
    ':focus': { top: '8px' },
  },
  product: {
    color: 'inherit',
    textDecorationLine: 'none',
    fontWeight: tokens.fontWeightSemibold,
    fontSize: tokens.fontSizeBase400,
    padding: '4px 8px',
    borderRadius: tokens.borderRadiusMedium,
    marginRight: 'auto',
    ':focus-visible': { outline: '2px solid currentColor' },
  },
  menu: {
    display: 'none',
    color: 'inherit',
    ':hover': { color: 'inherit', backgroundColor: '#ffffff29' },
    [NARROW]: { display: 'inline-flex' },
  },
  side: {
    overflowY: 'auto',
    padding: '8px',
    backgroundColor: tokens.colorNeutralBackground3,
    borderRight: `1px solid ${tokens.colorNeutralStroke2}`,
    [NARROW]: { display: 'none' },
  },
  content: { overflowY: 'auto', outlineStyle: 'none', position: 'relative' },
})

export function Frame() {
  const styles = useStyles()
  // Nothing else may be asked on a page that is left open.
  const { session, isAway } = useWatchedSession()
  const [isOpen, setOpen] = useState(false)
  const isOnline = useOnline()
  const wide = useWide()
  const path = useLocation({ select: ({ pathname }) => pathname })
  useEffect(() => {
    if (wide) setOpen(false)
  }, [wide])
  // On the way to where one signs in.
  if (session === null) return <Loading />
  const { role } = session.account
  return (
    <div className={mergeClasses(styles.frame, role === null && styles.alone)}>
      <header className={styles.bar}>
        <a
          className={styles.skip}
          href="#content"
          onClick={(event) => {
            event.preventDefault()
            document.querySelector<HTMLElement>('#content')?.focus()
          }}
        >
          {shell.skip}
        </a>
        {role === null ? null : (
          <Button
            appearance="transparent"
            className={styles.menu}
            icon={<NavigationRegular />}
            aria-label={shell.openNavigation}
            aria-expanded={isOpen}
            onClick={() => setOpen(true)}
          />
        )}
        <Link to="/" className={styles.product}>
          {shell.product}
        </Link>
        <AccountMenu session={session} />
      </header>
      {role === null ? null : (
        <div className={styles.side}>
          <Navigation />
        </div>
      )}
      <OverlayDrawer
        open={isOpen}
        onOpenChange={(_event, { open }) => setOpen(open)}
        position="start"
        size="small"
        aria-label={shell.navigation}
      >
        <DrawerBody>
          <Navigation onFollow={() => setOpen(false)} />
        </DrawerBody>
      </OverlayDrawer>
      <ProofDialog />
      <main id="content" tabIndex={-1} className={styles.content}>
        {isOnline && !isAway ? null : (
          <MessageBar intent="warning">
            <MessageBarBody>{shell.offline}</MessageBarBody>
          </MessageBar>
        )}
        {/* By an address that somebody else sent: nothing is asked that the server would refuse. */}
        {role === null || isFor(role, path) ? <Outlet /> : <NotForYou role={role} />}
      </main>
    </div>
  )
}

function useOnline(): boolean {
  return useSyncExternalStore(
    (changed) => onlineManager.subscribe(changed),
    () => onlineManager.isOnline(),
  )
}

function useWide(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const media = matchMedia('(min-width: 901px)')
      media.addEventListener('change', changed)
      return () => media.removeEventListener('change', changed)
    },
    () => matchMedia('(min-width: 901px)').matches,
  )
}
