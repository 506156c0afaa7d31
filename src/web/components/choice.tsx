// A choice out of a few values, or all of them, for the filters of a list.
import { Dropdown, Option } from '@fluentui/react-components'

const ALL = ''

export function Choice<Value extends string>(props: {
  /** What it is called that nothing is chosen. */
  readonly all: string
  readonly values: readonly Value[]
  readonly chosen: Value | undefined
  readonly choose: (value: Value | undefined) => void
  /** How a value is shown; as it is unless told. */
  readonly nameOf?: (value: Value) => string
}) {
  const nameOf = props.nameOf ?? String
  return (
    <Dropdown
      value={props.chosen === undefined ? props.all : nameOf(props.chosen)}
      selectedOptions={[props.chosen ?? ALL]}
      onOptionSelect={(_event, { optionValue }) => props.choose(props.values.find((value) => value === optionValue))}
    >
      <Option value={ALL}>{props.all}</Option>
      {props.values.map((value) => (
        <Option key={value} value={value}>
          {nameOf(value)}
        </Option>
      ))}
    </Dropdown>
  )
}
