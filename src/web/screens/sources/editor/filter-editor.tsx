// The filter: groups of conditions, all within a group, any of the groups.
import {
  Button,
  Dropdown,
  Field,
  Input,
  makeStyles,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  Option,
  Text,
  tokens,
} from '@fluentui/react-components'
import { AddRegular } from '@fluentui/react-icons/svg/add'
import { DeleteRegular } from '@fluentui/react-icons/svg/delete'
import { useRef, useState } from 'react'
import { FILTER_PRESET_NAMES, FILTER_PRESETS, type FilterPresetName } from '../../../../contract/filter-presets.ts'
import { OPERATORS } from '../../../../contract/filter.ts'
import { ConfirmDialog } from '../../../components/confirm-dialog.tsx'
import { editorTexts } from '../../../texts/editor.ts'
import { AttributeInput } from './attribute-input.tsx'
import { blockOf, type JsonBlock, listOf, textOf, useDraft, useSetting } from './draft.ts'
import { Group } from './group.tsx'

const texts = editorTexts.users
const NEW_CLAUSE: JsonBlock = { attribute: '', eq: '' }

const useStyles = makeStyles({
  group: {
    display: 'flex',
    flexDirection: 'column',
    gap: '8px',
    padding: '12px',
    borderRadius: tokens.borderRadiusLarge,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  clause: {
    display: 'grid',
    gridTemplateColumns: '1fr 1fr 1fr auto',
    gap: '8px',
    alignItems: 'start',
    '@media (max-width: 640px)': { gridTemplateColumns: '1fr auto' },
  },
  wide: { minWidth: 0, '@media (max-width: 640px)': { gridColumn: '1 / 2' } },
  control: { minWidth: 0, width: '100%' },
  actions: { display: 'flex', flexWrap: 'wrap', gap: '8px' },
  preset: { display: 'flex', flexDirection: 'column', maxWidth: '360px', whiteSpace: 'normal' },
})

export function FilterEditor() {
  const styles = useStyles()
  const { value, set, warning, isReadOnly } = useSetting('users.filter')
  const groups = listOf(blockOf(value)['any'])
  /** A preset that would take the place of conditions that are there. */
  const [chosen, setChosen] = useState<FilterPresetName | undefined>(undefined)
  const fill = (name: FilterPresetName) => {
    set({ any: FILTER_PRESETS[name].filter.any.map(({ all }) => ({ all: all.map((one) => ({ ...one })) })) })
    setChosen(undefined)
  }
  const actions = useRef<HTMLDivElement>(null)
  const choose = (name: FilterPresetName) => {
    if (groups.length === 0) {
      fill(name)
      return
    }
    // The item is gone when the question is answered.
    actions.current?.querySelector<HTMLElement>('[aria-haspopup="menu"]')?.focus()
    setChosen(name)
  }
  const replace = (next: typeof groups) => set(next.length === 0 ? 'none' : { any: next })
  return (
    <Group title={texts.filter} hint={groups.length === 0 ? texts.filterNone : texts.filterHint}>
      {groups.map((_group, place) => (
        // oxlint-disable-next-line react/no-array-index-key -- groups have no other name than their place
        <div key={place}>
          {place === 0 ? null : <Text weight="semibold">{texts.or}</Text>}
          <FilterGroup place={place} onEmptied={() => replace(groups.filter((_other, at) => at !== place))} />
        </div>
      ))}
      {warning === null ? null : <Field validationState="warning" validationMessage={warning} />}
      {isReadOnly ? null : (
        <div className={styles.actions} ref={actions}>
          <Button icon={<AddRegular />} onClick={() => replace([...groups, { all: [NEW_CLAUSE] }])}>
            {texts.addGroup}
          </Button>
          <Menu>
            <MenuTrigger disableButtonEnhancement>
              <Button>{texts.preset}</Button>
            </MenuTrigger>
            <MenuPopover>
              <MenuList>
                {FILTER_PRESET_NAMES.map((name) => (
                  <MenuItem key={name} onClick={() => choose(name)}>
                    <span className={styles.preset}>
                      <Text weight="semibold">{FILTER_PRESETS[name].label}</Text>
                      <Text size={200}>{FILTER_PRESETS[name].description}</Text>
                    </span>
                  </MenuItem>
                ))}
              </MenuList>
            </MenuPopover>
          </Menu>
        </div>
      )}
      <ConfirmDialog
        isOpen={chosen !== undefined}
        title={texts.presetTitle}
        text={texts.presetText}
        action={texts.presetReplace}
        cancel={texts.presetKeep}
        onConfirm={() => {
          if (chosen !== undefined) fill(chosen)
        }}
        onCancel={() => setChosen(undefined)}
      />
    </Group>
  )
}

function FilterGroup({ place, onEmptied }: { readonly place: number; readonly onEmptied: () => void }) {
  const styles = useStyles()
  const path = `users.filter.any[${place}].all`
  const { value, set, isReadOnly } = useSetting(path)
  const clauses = listOf(value)
  return (
    <div className={styles.group} role="group" aria-label={texts.group(place + 1)}>
      <Text>{texts.group(place + 1)}</Text>
      {clauses.map((_clause, at) => (
        <ClauseRow
          // oxlint-disable-next-line react/no-array-index-key -- conditions have no other name than their place
          key={at}
          path={`${path}[${at}]`}
          place={at + 1}
          onRemove={() => (clauses.length === 1 ? onEmptied() : set(clauses.filter((_other, other) => other !== at)))}
        />
      ))}
      {isReadOnly ? null : (
        <div className={styles.actions}>
          <Button size="small" icon={<AddRegular />} onClick={() => set([...clauses, NEW_CLAUSE])}>
            {texts.addClause}
          </Button>
        </div>
      )}
    </div>
  )
}

function ClauseRow(props: { readonly path: string; readonly place: number; readonly onRemove: () => void }) {
  const styles = useStyles()
  const { problems, isTried } = useDraft()
  const { value, set, isReadOnly } = useSetting(props.path)
  const clause = blockOf(value)
  const operator = OPERATORS.find((known) => known in clause) ?? 'eq'
  const attribute = textOf(clause['attribute'])
  const compared = clause[operator]
  const hasValue = operator !== 'present' && operator !== 'absent'
  const problemAt = (key: string, isEmpty: boolean) =>
    isEmpty && !isTried ? null : (problems.find(({ at }) => at === `${props.path}.${key}`)?.message ?? null)
  return (
    <div className={styles.clause}>
      <Field className={styles.wide} validationMessage={problemAt('attribute', attribute === '')}>
        <AttributeInput
          label={texts.attribute}
          value={attribute}
          isDisabled={isReadOnly}
          onChange={(next) => set({ ...clause, attribute: next })}
        />
      </Field>
      <Field className={styles.wide}>
        <Dropdown
          className={styles.control}
          aria-label={texts.operator}
          disabled={isReadOnly}
          value={texts.operators[operator]}
          selectedOptions={[operator]}
          onOptionSelect={(_event, { optionValue }) => {
            const next = OPERATORS.find((known) => known === optionValue)
            if (next === undefined) return
            const keeps = next !== 'present' && next !== 'absent'
            set({ attribute, [next]: keeps ? (hasValue ? (compared ?? '') : '') : true })
          }}
        >
          {OPERATORS.map((known) => (
            <Option key={known} value={known}>
              {texts.operators[known]}
            </Option>
          ))}
        </Dropdown>
      </Field>
      {hasValue ? (
        <Field className={styles.wide} validationMessage={problemAt(operator, textOf(compared) === '')}>
          <Input
            className={styles.control}
            aria-label={texts.value}
            disabled={isReadOnly}
            value={typeof compared === 'boolean' ? String(compared) : textOf(compared)}
            onChange={(_event, { value: typed }) => set({ attribute, [operator]: typed })}
          />
        </Field>
      ) : (
        <span className={styles.wide} />
      )}
      <Button
        appearance="subtle"
        icon={<DeleteRegular />}
        disabled={isReadOnly}
        aria-label={texts.removeClause(props.place)}
        onClick={props.onRemove}
      />
    </div>
  )
}
