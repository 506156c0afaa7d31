// Groups: which are imported, where they are put, and which are made from attributes.
import { Button, Checkbox, Field, Input, makeStyles } from '@fluentui/react-components'
import { AddRegular } from '@fluentui/react-icons/svg/add'
import { DeleteRegular } from '@fluentui/react-icons/svg/delete'
import { Activity, useState } from 'react'
import { GROUP_TYPES } from '../../../../contract/sources.ts'
import { ChosenList } from '../../../components/chosen-list.tsx'
import { editorTexts } from '../../../texts/editor.ts'
import { blockOf, listOf, textOf, useProblemsIn, useSetting } from './draft.ts'
import { ChoiceField, SettingField, SwitchField, TextField } from './fields.tsx'
import { Group } from './group.tsx'
import { GroupPicker } from './group-picker.tsx'

const texts = editorTexts.groups

const useStyles = makeStyles({
  template: {
    display: 'grid',
    gridTemplateColumns: 'minmax(0, 1fr) auto auto',
    gap: '8px',
    alignItems: 'start',
    '@media (max-width: 640px)': { gridTemplateColumns: 'minmax(0, 1fr) auto' },
  },
  types: { display: 'flex', flexWrap: 'wrap', gap: '0 12px' },
  input: { minWidth: 0, width: '100%' },
})

export function GroupsTab() {
  const isOn = useSetting('groups.import').value === true
  const isAnyWrong = useProblemsIn([
    'groups.ignore',
    'groups.ignoreContaining',
    'groups.types',
    'groups.under',
    'groups.membership',
  ])
  return (
    <>
      <SwitchField path="groups.import" label={texts.import} />
      {/* What is typed there and not added yet stays typed. */}
      <Activity mode={isOn || isAnyWrong ? 'visible' : 'hidden'}>
        <GroupPicker path="groups.ignore" label={texts.ignore} hint={texts.ignoreHint} />
        <IgnoreContaining />
        <Types />
        <TextField path="groups.under" label={texts.under} hint={texts.underHint} empty="none" />
        <ChoiceField
          path="groups.membership"
          label={texts.membership}
          choices={[
            { value: 'direct', label: texts.memberships.direct },
            { value: 'transitive', label: texts.memberships.transitive },
          ]}
        />
      </Activity>
      <FromAttributes />
      <SwitchField path="groups.keepDefaultGroup" label={texts.keepDefaultGroup} />
    </>
  )
}

function IgnoreContaining() {
  const path = 'groups.ignoreContaining'
  const { value, set, setUnfinished, isReadOnly } = useSetting(path)
  const strings = listOf(value).map(textOf)
  const [typed, setTyped] = useState('')
  const type = (text: string) => {
    setTyped(text)
    setUnfinished(text !== '')
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        event.stopPropagation()
        if (typed !== '' && !strings.includes(typed)) set([...strings, typed])
        type('')
      }}
    >
      <SettingField path={path} label={texts.ignoreContaining} hint={texts.ignoreContainingHint}>
        <Input
          value={typed}
          disabled={isReadOnly}
          onChange={(_event, data) => type(data.value)}
          contentAfter={
            <Button type="submit" size="small" appearance="transparent" disabled={isReadOnly || typed === ''}>
              {editorTexts.list.add}
            </Button>
          }
        />
      </SettingField>
      <ChosenList
        label={texts.ignoreContaining}
        chosen={strings.map((string) => ({ key: string, name: string }))}
        removeName={editorTexts.list.remove}
        isReadOnly={isReadOnly}
        onRemove={(key) => set(strings.filter((string) => string !== key))}
      />
    </form>
  )
}

function Types() {
  const styles = useStyles()
  const { value, set, problem, isReadOnly } = useSetting('groups.types')
  const chosen = listOf(value).map(textOf)
  return (
    <Field label={texts.types} hint={texts.typesHint} validationMessage={problem}>
      <div className={styles.types} role="group" aria-label={texts.types}>
        {GROUP_TYPES.map((type) => (
          <Checkbox
            key={type}
            label={texts.typeNames[type]}
            checked={chosen.includes(type)}
            disabled={isReadOnly}
            onChange={(_event, { checked }) => {
              const next = GROUP_TYPES.filter((known) => (known === type ? checked === true : chosen.includes(known)))
              set(next.length === 0 ? 'all' : next)
            }}
          />
        ))}
      </div>
    </Field>
  )
}

function FromAttributes() {
  const styles = useStyles()
  const { value, set, isReadOnly } = useSetting('groups.fromAttributes')
  const templates = listOf(value)
  return (
    <Group title={texts.fromAttributes} hint={texts.fromAttributesHint}>
      {templates.map((_template, place) => (
        <TemplateRow
          // oxlint-disable-next-line react/no-array-index-key -- templates have no other name than their place
          key={place}
          place={place}
          onRemove={() => set(templates.filter((_other, at) => at !== place))}
        />
      ))}
      {isReadOnly ? null : (
        <div className={styles.types}>
          <Button icon={<AddRegular />} onClick={() => set([...templates, { template: '', makeDefault: false }])}>
            {texts.addTemplate}
          </Button>
        </div>
      )}
    </Group>
  )
}

function TemplateRow({ place, onRemove }: { readonly place: number; readonly onRemove: () => void }) {
  const styles = useStyles()
  const path = `groups.fromAttributes[${place}]`
  const { value, set, warning, isReadOnly } = useSetting(path)
  const { problem } = useSetting(`${path}.template`)
  const entry = blockOf(value)
  return (
    <div className={styles.template}>
      <Field
        validationState={problem === null ? (warning === null ? 'none' : 'warning') : 'error'}
        validationMessage={problem ?? warning}
      >
        <Input
          className={styles.input}
          aria-label={texts.templateAt(place + 1)}
          spellCheck={false}
          disabled={isReadOnly}
          value={textOf(entry['template'])}
          onChange={(_event, data) => set({ ...entry, template: data.value })}
        />
      </Field>
      <Checkbox
        label={texts.makeDefault}
        checked={entry['makeDefault'] === true}
        disabled={isReadOnly}
        onChange={(_event, { checked }) => set({ ...entry, makeDefault: checked === true })}
      />
      <Button
        appearance="subtle"
        icon={<DeleteRegular />}
        disabled={isReadOnly}
        aria-label={texts.removeTemplate(place + 1)}
        onClick={onRemove}
      />
    </div>
  )
}
