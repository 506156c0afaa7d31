// Things that were chosen, each with a button that takes it out again.
import { Button, makeStyles, Text, tokens } from '@fluentui/react-components'
import { DismissRegular } from '@fluentui/react-icons/svg/dismiss'

const useStyles = makeStyles({
  list: { listStyleType: 'none', margin: '4px 0 0', padding: 0, display: 'flex', flexWrap: 'wrap', gap: '4px 8px' },
  one: {
    display: 'flex',
    alignItems: 'center',
    maxWidth: '100%',
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground3,
    paddingLeft: '8px',
  },
  text: { overflowWrap: 'anywhere' },
  detail: { color: tokens.colorNeutralForeground3, marginLeft: '8px' },
})

export function ChosenList(props: {
  readonly label: string
  readonly chosen: readonly { readonly key: string; readonly name: string; readonly detail?: string }[]
  readonly removeName: (name: string) => string
  readonly isReadOnly?: boolean
  readonly onRemove: (key: string) => void
}) {
  const styles = useStyles()
  if (props.chosen.length === 0) return null
  return (
    <ul className={styles.list} aria-label={props.label}>
      {props.chosen.map((one) => (
        <li key={one.key} className={styles.one}>
          <Text className={styles.text}>{one.name}</Text>
          {one.detail === undefined || one.detail === '' ? null : (
            <Text size={200} className={styles.detail}>
              {one.detail}
            </Text>
          )}
          <Button
            appearance="transparent"
            size="small"
            icon={<DismissRegular />}
            disabled={props.isReadOnly === true}
            aria-label={props.removeName(one.name)}
            onClick={() => props.onRemove(one.key)}
          />
        </li>
      ))}
    </ul>
  )
}
