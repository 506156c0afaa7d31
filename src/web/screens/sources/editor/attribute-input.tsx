// An attribute of Entra, picked from a list by name or label, or typed.
import { Combobox, makeStyles, Option, Text, tokens } from '@fluentui/react-components'
import { useState } from 'react'
import { ATTRIBUTE_CHOICES } from '../../../../directory/attribute-labels.ts'

const useStyles = makeStyles({
  input: { minWidth: 0, width: '100%' },
  option: { display: 'flex', flexDirection: 'column' },
  name: { color: tokens.colorNeutralForeground3 },
})

export function AttributeInput(props: {
  readonly label: string
  readonly value: string
  readonly isDisabled: boolean
  readonly onChange: (attribute: string) => void
}) {
  const styles = useStyles()
  // What was typed narrows the list; an attribute that was there when it is opened does not.
  const [sought, setSought] = useState('')
  const wanted = sought.toLowerCase()
  const choices = ATTRIBUTE_CHOICES.filter(
    ({ name, label }) => name.toLowerCase().includes(wanted) || label.toLowerCase().includes(wanted),
  )
  return (
    <Combobox
      className={styles.input}
      aria-label={props.label}
      freeform
      disabled={props.isDisabled}
      value={props.value}
      selectedOptions={[props.value]}
      onChange={(event) => {
        setSought(event.target.value)
        props.onChange(event.target.value.trim())
      }}
      onOptionSelect={(_event, { optionValue }) => {
        setSought('')
        if (optionValue !== undefined) props.onChange(optionValue)
      }}
    >
      {choices.map(({ name, label }) => (
        <Option key={name} value={name} text={name}>
          <span className={styles.option}>
            {label}
            <Text size={200} className={styles.name}>
              {name}
            </Text>
          </span>
        </Option>
      ))}
    </Combobox>
  )
}
