// What an administrator says about a terminal.
import { Checkbox, Field, Input, Label, Radio, RadioGroup, Text, useId } from '@fluentui/react-components'
import {
  TELLS,
  type Terminal,
  type Told,
  UNKNOWN_CARDS,
  type UnknownCards,
  type Way,
  WAYS,
} from '../../../contract/api/terminals.ts'
import { terminalsTexts as texts } from '../../texts/terminals.ts'

export interface Form {
  readonly name: string
  readonly may: readonly Way[]
  readonly tells: readonly Told[]
  readonly unknownCard: UnknownCards
  readonly cardTransform: string
}

export const EMPTY: Form = { name: '', may: ['card'], tells: ['language'], unknownCard: 'refuse', cardTransform: '' }

export function formOf({ name, may, tells, unknownCard, cardTransform }: Terminal): Form {
  return { name, may, tells, unknownCard, cardTransform: cardTransform ?? '' }
}

export function settingsOf({ name, may, tells, unknownCard, cardTransform }: Form) {
  const transform = cardTransform.trim()
  return {
    name: name.trim(),
    may: [...may],
    tells: [...tells],
    unknownCard,
    cardTransform: transform === '' ? null : transform,
  }
}

export function isReady({ name, may }: Form): boolean {
  return name.trim() !== '' && may.length > 0
}

/** Null: without an end; undefined: no number of days. */
export function readDays(text: string): number | null | undefined {
  if (text.trim() === '') return null
  const days = Number(text)
  return Number.isInteger(days) && days >= 1 && days <= 3650 ? days : undefined
}

export function DaysField({ days, setDays }: { readonly days: string; readonly setDays: (days: string) => void }) {
  return (
    <Field label={texts.days} hint={texts.daysHint} validationState={readDays(days) === undefined ? 'error' : 'none'}>
      <Input inputMode="numeric" value={days} onChange={(_event, { value }) => setDays(value)} />
    </Field>
  )
}

export function TerminalFields({ form, setForm }: { readonly form: Form; readonly setForm: (form: Form) => void }) {
  return (
    <>
      <Field label={texts.name} hint={texts.nameHint} required>
        <Input
          value={form.name}
          maxLength={100}
          autoComplete="off"
          onChange={(_event, { value }) => setForm({ ...form, name: value })}
        />
      </Field>
      <Boxes
        label={texts.may}
        all={WAYS}
        names={texts.ways}
        chosen={form.may}
        choose={(may) => setForm({ ...form, may })}
      />
      {form.may.includes('pin') ? <Text>{texts.pinWarning}</Text> : null}
      {form.may.includes('password') ? <Text>{texts.passwordWarning}</Text> : null}
      <Boxes
        label={texts.tells}
        all={TELLS}
        names={texts.told}
        chosen={form.tells}
        choose={(tells) => setForm({ ...form, tells })}
      />
      <Field label={texts.unknownCard}>
        <RadioGroup
          value={form.unknownCard}
          onChange={(_event, { value }) =>
            setForm({ ...form, unknownCard: UNKNOWN_CARDS.find((known) => known === value) ?? 'refuse' })
          }
        >
          {UNKNOWN_CARDS.map((policy) => (
            <Radio key={policy} value={policy} label={texts.unknownCards[policy]} />
          ))}
        </RadioGroup>
      </Field>
      <Field label={texts.cardTransform} hint={texts.cardTransformHint}>
        <Input
          value={form.cardTransform}
          maxLength={500}
          autoComplete="off"
          onChange={(_event, { value }) => setForm({ ...form, cardTransform: value })}
        />
      </Field>
    </>
  )
}

function Boxes<Value extends string>(props: {
  readonly label: string
  readonly all: readonly Value[]
  readonly names: Readonly<Record<Value, string>>
  readonly chosen: readonly Value[]
  readonly choose: (chosen: readonly Value[]) => void
}) {
  const id = useId('boxes')
  return (
    <div role="group" aria-labelledby={id}>
      <Label id={id}>{props.label}</Label>
      <div>
        {props.all.map((value) => (
          <Checkbox
            key={value}
            label={props.names[value]}
            checked={props.chosen.includes(value)}
            onChange={(_event, { checked }) =>
              props.choose(props.all.filter((one) => (one === value ? checked === true : props.chosen.includes(one))))
            }
          />
        ))}
      </div>
    </div>
  )
}
