// The navigation, at the left and in the menu of narrow windows.
import { makeStyles, tokens } from '@fluentui/react-components'
import { Link } from '@tanstack/react-router'
import { mayAct } from '../../contract/api/endpoint.ts'
import { useSession } from '../session.ts'
import { shell } from '../texts/shell.ts'
import { PLACES } from './places.tsx'

const useStyles = makeStyles({
  list: { listStyleType: 'none', margin: 0, padding: 0 },
  heading: {
    padding: '16px 12px 4px',
    fontSize: tokens.fontSizeBase200,
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground3,
  },
  link: {
    display: 'flex',
    alignItems: 'center',
    gap: '12px',
    position: 'relative',
    minHeight: '36px',
    padding: '0 12px',
    borderRadius: tokens.borderRadiusMedium,
    color: tokens.colorNeutralForeground1,
    textDecorationLine: 'none',
    ':hover': { backgroundColor: tokens.colorNeutralBackground3Hover },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: '-2px' },
    '&[aria-current="page"]': {
      fontWeight: tokens.fontWeightSemibold,
      backgroundColor: tokens.colorNeutralBackground3Selected,
      '::before': {
        content: '""',
        position: 'absolute',
        left: '2px',
        top: '8px',
        bottom: '8px',
        width: '3px',
        borderRadius: '2px',
        backgroundColor: tokens.colorCompoundBrandForeground1,
      },
    },
  },
  icon: { display: 'flex', fontSize: '20px' },
})

export function Navigation({ onFollow }: { readonly onFollow?: () => void }) {
  const styles = useStyles()
  const session = useSession()
  const role = session?.account.role ?? null
  if (role === null) return null
  return (
    <nav aria-label={shell.navigation}>
      {PLACES.map(({ heading, places }) => {
        const open = places.filter((place) => mayAct(role, place.role))
        if (open.length === 0) return null
        return (
          <div key={heading ?? ''}>
            {heading === null ? null : <div className={styles.heading}>{heading}</div>}
            <ul className={styles.list} aria-label={heading ?? shell.product}>
              {open.map((place) => (
                <li key={place.to}>
                  <Link
                    to={place.to}
                    className={styles.link}
                    activeOptions={{ exact: place.to === '/', includeSearch: false }}
                    {...(onFollow === undefined ? {} : { onClick: onFollow })}
                  >
                    <span className={styles.icon} aria-hidden>
                      {place.icon}
                    </span>
                    {place.name}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        )
      })}
    </nav>
  )
}
