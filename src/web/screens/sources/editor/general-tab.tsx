// General: what the source is called, where it reads, when, and what holds its plans.
import { Combobox, Field, Input, makeStyles, Option } from '@fluentui/react-components'
import { useState } from 'react'
import { editorTexts } from '../../../texts/editor.ts'
import { AuthenticationServer } from './authentication-server.tsx'
import { textOf, useDraft, useSetting } from './draft.ts'
import { ChoiceField, NumberField, SettingField, SwitchField } from './fields.tsx'
import { Group } from './group.tsx'
import { Safeguard } from './safeguard.tsx'

const texts = editorTexts.general

export function GeneralTab(props: { readonly name: string; readonly rename: (name: string) => void }) {
  const { isReadOnly, isTried, problems } = useDraft()
  const scheduleWarning = useSetting('schedule').warning
  const problem =
    problems.find(({ at }) => at === 'name')?.message ?? (isTried && props.name.trim() === '' ? texts.nameEmpty : null)
  return (
    <>
      <SwitchField path="enabled" label={texts.enabled} hint={texts.enabledHint} />
      <Field label={texts.name} required validationMessage={props.name === '' && !isTried ? null : problem}>
        <Input disabled={isReadOnly} value={props.name} onChange={(_event, { value }) => props.rename(value)} />
      </Field>
      <AuthenticationServer />
      <Group title={texts.schedule}>
        <Field validationState={scheduleWarning === null ? 'none' : 'warning'} validationMessage={scheduleWarning} />
        <CronField path="schedule.delta" label={texts.delta} hint={texts.deltaHint} />
        <CronField path="schedule.full" label={texts.full} hint={texts.fullHint} />
        <TimeZoneField />
      </Group>
      <NumberField path="priority" label={texts.priority} hint={texts.priorityHint} min={0} max={1_000_000} />
      <ChoiceField
        path="adoptions"
        label={texts.adoptions}
        hint={texts.adoptionsHint}
        choices={[
          { value: 'hold', label: texts.adoptionsHold },
          { value: 'automatic', label: texts.adoptionsAutomatic },
        ]}
      />
      <Safeguard />
    </>
  )
}

const useStyles = makeStyles({ narrow: { maxWidth: '320px' } })
const SCHEDULES = Object.entries(texts.schedules)

function CronField(props: { readonly path: string; readonly label: string; readonly hint: string }) {
  const styles = useStyles()
  const { value, set, isReadOnly } = useSetting(props.path)
  const cron = textOf(value)
  const known = SCHEDULES.find(([expression]) => expression === cron)?.[1]
  return (
    <SettingField {...props} hint={cron === 'none' ? texts.byHand : (known ?? props.hint)}>
      <Combobox
        className={styles.narrow}
        freeform
        disabled={isReadOnly}
        value={cron}
        selectedOptions={[cron]}
        onChange={(event) => set(event.target.value)}
        onOptionSelect={(_event, { optionValue }) => set(optionValue ?? 'none')}
      >
        {SCHEDULES.map(([expression, words]) => (
          <Option key={expression} value={expression} text={expression}>
            {`${words} (${expression})`}
          </Option>
        ))}
        <Option value="none" text="none">
          {texts.byHand}
        </Option>
      </Combobox>
    </SettingField>
  )
}

const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')]
const AT_ONCE = 40

function TimeZoneField() {
  const styles = useStyles()
  const { value, set, isReadOnly } = useSetting('timezone')
  const [typed, setTyped] = useState<string | undefined>(undefined)
  const zone = textOf(value)
  const sought = (typed ?? '').toLowerCase()
  return (
    <SettingField path="timezone" label={texts.timezone}>
      <Combobox
        className={styles.narrow}
        freeform
        disabled={isReadOnly}
        value={typed ?? zone}
        selectedOptions={[zone]}
        onChange={(event) => {
          setTyped(event.target.value)
          set(event.target.value)
        }}
        onOptionSelect={(_event, { optionValue }) => {
          setTyped(undefined)
          if (optionValue !== undefined) set(optionValue)
        }}
      >
        {ZONES.filter((known) => known.toLowerCase().includes(sought))
          .slice(0, AT_ONCE)
          .map((known) => (
            <Option key={known} value={known}>
              {known}
            </Option>
          ))}
      </Combobox>
    </SettingField>
  )
}
