// Options of users: how people are paired, added, deactivated.
import { Input } from '@fluentui/react-components'
import { ProofFirst } from '../../../components/proof-first.tsx'
import { editorTexts } from '../../../texts/editor.ts'
import { textOf, useProblemsIn, useSetting } from './draft.ts'
import { ChoiceField, NumberField, SettingField, SwitchField } from './fields.tsx'
import { Group } from './group.tsx'

const texts = editorTexts.users
const at = 'users.options'

export function Options() {
  const deactivates = useSetting(`${at}.deactivateMissingUsers`).value === true
  const isProofNeeded = useSetting(`${at}.useAsAuthenticationServer`).needsProof
  const isGraceWrong = useProblemsIn([`${at}.graceDays`])
  return (
    <Group title={texts.options}>
      <SwitchField
        path={`${at}.useAsAuthenticationServer`}
        label={texts.useAsAuthenticationServer}
        hint={texts.useAsAuthenticationServerHint}
      />
      {isProofNeeded ? <ProofFirst /> : null}
      <SwitchField path={`${at}.pairByObjectId`} label={texts.pairByObjectId} />
      <ChoiceField
        path={`${at}.pairBy`}
        label={texts.pairBy}
        hint={texts.pairByHint}
        choices={[
          { value: 'userName', label: texts.pairBys.userName },
          { value: 'personalNumber', label: texts.pairBys.personalNumber },
          { value: 'none', label: texts.pairBys.none },
        ]}
      />
      <SwitchField path={`${at}.addNewUsers`} label={texts.addNewUsers} />
      <SwitchField path={`${at}.deactivateMissingUsers`} label={texts.deactivateMissingUsers} />
      {deactivates || isGraceWrong ? (
        <NumberField path={`${at}.graceDays`} label={texts.graceDays} min={0} max={3650} />
      ) : null}
      <DeleteAfter />
      <SwitchField path={`${at}.lowercaseUserNames`} label={texts.lowercaseUserNames} />
      <SwitchField path={`${at}.keepOldUserName`} label={texts.keepOldUserName} />
    </Group>
  )
}

function DeleteAfter() {
  const path = `${at}.deleteAfterDays`
  const { value, set, isReadOnly } = useSetting(path)
  return (
    <SettingField path={path} label={texts.deleteAfterDays} hint={texts.deleteHint}>
      <Input
        inputMode="numeric"
        disabled={isReadOnly}
        placeholder={texts.deleteNever}
        value={value === 'never' ? '' : textOf(value)}
        onChange={(_event, { value: typed }) => {
          const trimmed = typed.trim()
          if (trimmed === '') set('never')
          else set(/^\d+$/.test(trimmed) ? Number(trimmed) : trimmed)
        }}
      />
    </SettingField>
  )
}
