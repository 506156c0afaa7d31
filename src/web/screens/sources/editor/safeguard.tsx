// The limits beyond which a plan is held.
import { Field, Input, makeStyles, Switch, Text, tokens } from '@fluentui/react-components'
import { SAFEGUARD_FLOORS } from '../../../../contract/sources.ts'
import { editorTexts } from '../../../texts/editor.ts'
import { textOf, useSetting, type Json } from './draft.ts'
import { Group } from './group.tsx'

const texts = editorTexts.general
const LIMITS = ['removals', 'memberships', 'credentials', 'rewrites'] as const
const DEFAULTS = {
  removals: { percent: 10, count: 500 },
  memberships: { percent: 10, count: 20_000 },
  credentials: { percent: 20, count: 1_000 },
  rewrites: { percent: 20, count: 1_000 },
}

const useStyles = makeStyles({
  limit: {
    display: 'grid',
    gridTemplateColumns: '1fr 120px 140px',
    gap: '8px',
    alignItems: 'start',
    '@media (max-width: 640px)': { gridTemplateColumns: '1fr 1fr' },
  },
  name: { paddingTop: '6px', '@media (max-width: 640px)': { gridColumn: '1 / -1' } },
  floor: { color: tokens.colorNeutralForeground2 },
  number: { minWidth: 0 },
})

export function Safeguard() {
  const styles = useStyles()
  const { value, set, warning, isReadOnly } = useSetting('safeguard')
  const isOn = value !== 'off' && value !== false
  return (
    <Group title={texts.safeguard} hint={texts.safeguardHint}>
      <Field validationState={warning === null ? 'none' : 'warning'} validationMessage={warning}>
        <Switch
          label={texts.safeguardOn}
          checked={isOn}
          disabled={isReadOnly}
          onChange={(_event, { checked }) => set(checked ? DEFAULTS : 'off')}
        />
      </Field>
      {isOn
        ? LIMITS.map((limit) => (
            <div key={limit} className={styles.limit}>
              <Text className={styles.name}>
                {texts.limits[limit]}
                <Text block size={200} className={styles.floor}>
                  {texts.floors[limit](SAFEGUARD_FLOORS[limit])}
                </Text>
              </Text>
              <Amount path={`safeguard.${limit}.percent`} name={texts.limitPercent(texts.limits[limit])} unit="%" />
              <Amount
                path={`safeguard.${limit}.count`}
                name={texts.limitCount(texts.limits[limit])}
                unit={texts.atMost}
              />
            </div>
          ))
        : null}
    </Group>
  )
}

function Amount(props: { readonly path: string; readonly name: string; readonly unit: string }) {
  const styles = useStyles()
  const { value, set, problem, isReadOnly } = useSetting(props.path)
  return (
    <Field validationMessage={problem}>
      <Input
        className={styles.number}
        aria-label={props.name}
        inputMode="numeric"
        disabled={isReadOnly}
        value={textOf(value)}
        {...(props.unit === '%'
          ? { contentAfter: '%' }
          : { contentBefore: { children: props.unit, style: { whiteSpace: 'nowrap' } } })}
        onChange={(_event, { value: typed }) => set(numberOf(typed))}
      />
    </Field>
  )
}

function numberOf(typed: string): Json {
  return typed.trim() !== '' && Number.isFinite(Number(typed)) ? Number(typed) : typed
}
