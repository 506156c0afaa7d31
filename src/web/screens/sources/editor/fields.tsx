// Controls for single settings. Mistakes and warnings stand at the setting that they are about.
import { Dropdown, Field, Input, makeStyles, Option, SpinButton, Switch } from '@fluentui/react-components'
import type { ReactElement } from 'react'
import { type Json, textOf, useSetting } from './draft.ts'

const useStyles = makeStyles({
  narrow: { maxWidth: '320px' },
  switch: { marginLeft: '-8px' },
})

interface Named {
  readonly path: string
  readonly label: string
  readonly hint?: string
}

/** A labelled place for a control; says what is wrong with the setting, or what to know about it. */
export function SettingField(props: Named & { readonly required?: boolean; readonly children: ReactElement }) {
  const { problem, warning } = useSetting(props.path)
  return (
    <Field
      label={props.label}
      hint={props.hint ?? null}
      required={props.required === true}
      validationState={problem === null ? (warning === null ? 'none' : 'warning') : 'error'}
      validationMessage={problem ?? warning}
    >
      {props.children}
    </Field>
  )
}

export function SwitchField(props: Named & { readonly isReversed?: boolean }) {
  const styles = useStyles()
  const { value, set, problem, warning, isReadOnly } = useSetting(props.path)
  return (
    <Field
      hint={props.hint ?? null}
      validationState={problem === null ? (warning === null ? 'none' : 'warning') : 'error'}
      validationMessage={problem ?? warning}
    >
      <Switch
        className={styles.switch}
        label={props.label}
        checked={value === true}
        disabled={isReadOnly}
        onChange={(_event, { checked }) => set(checked)}
      />
    </Field>
  )
}

export function ChoiceField(
  props: Named & { readonly choices: readonly { readonly value: string; readonly label: string }[] },
) {
  const styles = useStyles()
  const { value, set, isReadOnly } = useSetting(props.path)
  const chosen = textOf(value)
  return (
    <SettingField {...props}>
      <Dropdown
        className={styles.narrow}
        disabled={isReadOnly}
        value={props.choices.find((choice) => choice.value === chosen)?.label ?? chosen}
        selectedOptions={[chosen]}
        onOptionSelect={(_event, { optionValue }) => {
          if (optionValue !== undefined) set(optionValue)
        }}
      >
        {props.choices.map((choice) => (
          <Option key={choice.value} value={choice.value}>
            {choice.label}
          </Option>
        ))}
      </Dropdown>
    </SettingField>
  )
}

export function NumberField(props: Named & { readonly min: number; readonly max: number }) {
  const styles = useStyles()
  const { value, set, isReadOnly } = useSetting(props.path)
  return (
    <SettingField {...props}>
      <SpinButton
        className={styles.narrow}
        disabled={isReadOnly}
        min={props.min}
        max={props.max}
        value={typeof value === 'number' ? value : null}
        displayValue={textOf(value)}
        onChange={(_event, { value: stepped, displayValue = '' }) => set(stepped ?? numberOr(displayValue))}
      />
    </SettingField>
  )
}

function numberOr(text: string): Json {
  const trimmed = text.trim()
  return trimmed !== '' && Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed
}

export function TextField(props: Named & { readonly placeholder?: string; readonly empty?: Json }) {
  const { value, set, isReadOnly } = useSetting(props.path)
  const { empty } = props
  return (
    <SettingField {...props}>
      <Input
        disabled={isReadOnly}
        value={empty !== undefined && value === empty ? '' : textOf(value)}
        placeholder={props.placeholder ?? ''}
        onChange={(_event, { value: typed }) => set(typed === '' && empty !== undefined ? empty : typed)}
      />
    </SettingField>
  )
}
