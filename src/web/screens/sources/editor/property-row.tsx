// One target of the mapping with everything that fills it, and what it gives for the users that are shown.
import { Button, Field, makeStyles, mergeClasses, Text, tokens } from '@fluentui/react-components'
import { AddRegular } from '@fluentui/react-icons/svg/add'
import type { ReactNode } from 'react'
import type { MappedUser } from '../../../../contract/api/sources.ts'
import { editorTexts } from '../../../texts/editor.ts'
import { listOf, type Json, useSetting } from './draft.ts'
import { PropertyEntry } from './property-entry.tsx'
import type { Target } from './targets.ts'

const texts = editorTexts.users
const NEW_ENTRY = { from: '', apply: 'always', mode: 'replace' }

const useStyles = makeStyles({
  row: {
    display: 'flex',
    flexDirection: 'column',
    gap: '8px',
    paddingBottom: '12px',
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
  },
  head: { display: 'flex', alignItems: 'center', gap: '8px', minHeight: '28px' },
  label: { flexGrow: 1 },
  result: {
    margin: 0,
    display: 'grid',
    gridTemplateColumns: 'repeat(3, minmax(0, 1fr))',
    gap: '4px 12px',
    padding: '6px 10px',
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground3,
    fontSize: tokens.fontSizeBase200,
    '@media (max-width: 640px)': { gridTemplateColumns: 'minmax(0, 1fr)' },
  },
  who: { color: tokens.colorNeutralForeground3 },
  value: { margin: 0, overflowWrap: 'anywhere' },
  bad: { color: tokens.colorStatusDangerForeground1 },
})

export function PropertyRow(props: {
  readonly target: Target
  readonly mapped: readonly MappedUser[] | undefined
  readonly action?: ReactNode
}) {
  const styles = useStyles()
  const { target } = props
  const { value, set, problem, warning, isReadOnly } = useSetting(target.path)
  const entries = listOf(value)
  return (
    <div className={styles.row} role="group" aria-label={target.label}>
      <div className={styles.head}>
        <Text weight="semibold" className={styles.label}>
          {target.label}
        </Text>
        {target.takes === 'several' && !isReadOnly ? (
          <Button size="small" appearance="subtle" icon={<AddRegular />} onClick={() => set([...entries, NEW_ENTRY])}>
            {texts.addTo(target.label)}
          </Button>
        ) : null}
        {props.action}
      </div>
      {target.takes === 'one' ? (
        <PropertyEntry target={target} path={target.path} />
      ) : (
        entries.map((_entry, place) => (
          <PropertyEntry
            // oxlint-disable-next-line react/no-array-index-key -- entries have no other name than their place
            key={place}
            target={target}
            path={`${target.path}[${place}]`}
            place={place + 1}
            onRemove={() => set(entries.filter((_other: Json, at: number) => at !== place))}
          />
        ))
      )}
      {/* Of one value it stands at its field. */}
      {target.takes === 'several' ? (
        <Field
          validationState={problem === null ? (warning === null ? 'none' : 'warning') : 'error'}
          validationMessage={problem ?? warning}
        />
      ) : null}
      {props.mapped === undefined || isNothing(value) ? null : <Result target={target} mapped={props.mapped} />}
    </div>
  )
}

function isNothing(value: Json | undefined): boolean {
  return value === 'none' || value === undefined || (Array.isArray(value) && value.length === 0)
}

function Result({ target, mapped }: { readonly target: Target; readonly mapped: readonly MappedUser[] }) {
  const styles = useStyles()
  return (
    <dl className={styles.result} aria-label={texts.resultOf(target.label)}>
      {mapped.map((user) => {
        const value = user.values[target.name] ?? null
        const problem = user.problems.find((one) => one.target === target.name)?.message
        const words = Array.isArray(value) ? value.join(', ') : (value ?? '')
        return (
          <div key={user.objectId}>
            <dt className={styles.who}>{user.displayName ?? user.userPrincipalName ?? user.objectId}</dt>
            {problem === undefined ? (
              <dd className={styles.value}>{words === '' ? texts.none : words}</dd>
            ) : (
              <dd className={mergeClasses(styles.value, styles.bad)}>{problem}</dd>
            )}
          </div>
        )
      })}
    </dl>
  )
}
