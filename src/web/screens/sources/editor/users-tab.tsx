// Users: who is imported, what of Entra becomes which property, and how people are paired, added and deactivated.
import { Radio, RadioGroup } from '@fluentui/react-components'
import { editorTexts } from '../../../texts/editor.ts'
import { textOf, useSetting } from './draft.ts'
import { ChoiceField, SettingField } from './fields.tsx'
import { FilterEditor } from './filter-editor.tsx'
import { Group } from './group.tsx'
import { GroupPicker } from './group-picker.tsx'
import { Options } from './options.tsx'
import { Properties } from './properties.tsx'

const texts = editorTexts.users

export function UsersTab({ source }: { readonly source: string | undefined }) {
  return (
    <>
      <Group title={texts.scope}>
        <Scope />
        <ChoiceField
          path="users.disabledAccounts"
          label={texts.disabled}
          choices={[
            { value: 'deactivate', label: texts.disabledChoices.deactivate },
            { value: 'import', label: texts.disabledChoices.import },
            { value: 'ignore', label: texts.disabledChoices.ignore },
          ]}
        />
        <ChoiceField
          path="users.guests"
          label={texts.guests}
          choices={[
            { value: 'import', label: texts.guestChoices.import },
            { value: 'ignore', label: texts.guestChoices.ignore },
          ]}
        />
      </Group>
      <FilterEditor />
      <Properties source={source} />
      <Options />
    </>
  )
}

function Scope() {
  const { value, set, isReadOnly } = useSetting('users.import')
  const isAll = textOf(value) === 'all'
  return (
    <>
      <SettingField path="users.import" label={texts.import}>
        <RadioGroup
          value={isAll ? 'all' : 'groups'}
          disabled={isReadOnly}
          onChange={(_event, data) => {
            if (data.value === 'all') set('all')
            else if (isAll) set({ groups: [] })
          }}
        >
          <Radio value="all" label={texts.importAll} />
          <Radio value="groups" label={texts.importGroups} />
        </RadioGroup>
      </SettingField>
      {isAll ? null : (
        <GroupPicker path="users.import.groups" label={texts.selectedGroups} hint={texts.importGroupsHint} />
      )}
    </>
  )
}
