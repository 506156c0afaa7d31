// One way to fill a target: an attribute, a template or an expression; when it applies; for cards how it is transformed.
import { Button, Dropdown, Field, Input, makeStyles, Option } from '@fluentui/react-components'
import { DeleteRegular } from '@fluentui/react-icons/svg/delete'
import { editorTexts } from '../../../texts/editor.ts'
import { AttributeInput } from './attribute-input.tsx'
import { blockOf, type JsonBlock, textOf, useDraft, useSetting } from './draft.ts'
import type { Target } from './targets.ts'

const texts = editorTexts.users
const SOURCES = ['from', 'template', 'expression'] as const
type Kind = 'none' | 'generate' | (typeof SOURCES)[number]
const APPLIES = ['always', 'whenCreated', 'whenEmpty'] as const
const MODES = ['replace', 'append'] as const

const useStyles = makeStyles({
  entry: {
    display: 'grid',
    gridTemplateColumns: '132px minmax(0, 1fr) 190px auto',
    gap: '8px',
    alignItems: 'start',
    '@media (max-width: 640px)': { gridTemplateColumns: 'minmax(0, 1fr) auto' },
  },
  control: { minWidth: 0, width: '100%' },
  second: {
    gridColumn: '2 / 3',
    '@media (max-width: 640px)': { gridColumn: '1 / 2' },
  },
  third: { '@media (max-width: 640px)': { gridColumn: '1 / 2' } },
})

export function PropertyEntry(props: {
  readonly target: Target
  readonly path: string
  /** Of several, counted from 1. */
  readonly place?: number
  readonly onRemove?: () => void
}) {
  const styles = useStyles()
  const { target, path, place } = props
  const { value, set, warning, isReadOnly } = useSetting(path)
  const { problems, isTried } = useDraft()
  const kind = kindOf(value)
  const block = blockOf(value)
  const typed = typeof value === 'string' ? (kind === 'from' ? value : '') : textOf(block[kind])
  const problem =
    typed === '' && !isTried
      ? null
      : (problems.find(({ at }) => at === path || at === `${path}.${kind}`)?.message ?? null)
  const name = place === undefined ? target.label : `${target.label} ${place}`
  const change = (changed: JsonBlock) =>
    set({ ...complete(block, target), ...(kind in block ? {} : { [kind]: typed }), ...changed })
  const hasValue = kind !== 'none' && kind !== 'generate'
  return (
    <div className={styles.entry}>
      <Choice
        label={texts.kindOf(name)}
        chosen={kind}
        names={texts.kinds}
        choices={kindsOf(target)}
        isDisabled={isReadOnly}
        choose={(next) => {
          if (next === 'none' || next === 'generate') set(next)
          else set({ ...complete(block, target), [next]: next === 'from' || !hasValue ? '' : seed(next, typed, kind) })
        }}
      />
      {hasValue ? (
        <Field
          className={styles.third}
          validationState={problem === null ? (warning === null ? 'none' : 'warning') : 'error'}
          validationMessage={problem ?? warning}
        >
          {kind === 'from' ? (
            <AttributeInput
              label={texts.valueOf(name)}
              value={typed}
              isDisabled={isReadOnly}
              onChange={(from) => change({ from })}
            />
          ) : (
            <Input
              className={styles.control}
              aria-label={texts.valueOf(name)}
              placeholder={kind === 'template' ? texts.templateHint : texts.expressionHint}
              spellCheck={false}
              disabled={isReadOnly}
              value={typed}
              onChange={(_event, { value: next }) => change({ [kind]: next })}
            />
          )}
        </Field>
      ) : (
        <span />
      )}
      {hasValue ? (
        <Choice
          className={styles.third}
          label={texts.applyOf(name)}
          chosen={APPLIES.find((known) => known === block['apply']) ?? 'always'}
          names={texts.applies}
          choices={APPLIES}
          isDisabled={isReadOnly}
          choose={(apply) => change({ apply })}
        />
      ) : (
        <span />
      )}
      {props.onRemove === undefined ? (
        <span />
      ) : (
        <Button
          appearance="subtle"
          icon={<DeleteRegular />}
          disabled={isReadOnly}
          aria-label={texts.removeFrom(target.label, place ?? 1)}
          onClick={props.onRemove}
        />
      )}
      {target.name === 'cards' ? <Transform path={path} name={name} change={change} /> : null}
      {target.takes === 'several' ? (
        <Choice
          className={target.name === 'cards' ? styles.third : styles.second}
          label={texts.modeOf(name)}
          chosen={block['mode'] === 'append' ? 'append' : 'replace'}
          names={texts.modes}
          choices={MODES}
          isDisabled={isReadOnly}
          choose={(mode) => change({ mode })}
        />
      ) : null}
    </div>
  )
}

function Transform(props: {
  readonly path: string
  readonly name: string
  readonly change: (changed: JsonBlock) => void
}) {
  const styles = useStyles()
  const { value, problem, isReadOnly } = useSetting(`${props.path}.transform`)
  const { set } = useSetting(`${props.path}.transform`)
  return (
    <Field className={styles.second} validationMessage={problem}>
      <Input
        className={styles.control}
        aria-label={texts.transformOf(props.name)}
        placeholder={`${texts.transform}, ${texts.transformHint}`}
        spellCheck={false}
        disabled={isReadOnly}
        value={textOf(value)}
        onChange={(_event, { value: typed }) => (typed === '' ? set(undefined) : props.change({ transform: typed }))}
      />
    </Field>
  )
}

function Choice<Value extends string>(props: {
  readonly label: string
  readonly chosen: Value
  readonly names: Readonly<Record<Value, string>>
  readonly choices: readonly Value[]
  readonly isDisabled: boolean
  readonly className?: string | undefined
  readonly choose: (value: Value) => void
}) {
  const styles = useStyles()
  return (
    <div className={props.className}>
      <Dropdown
        className={styles.control}
        aria-label={props.label}
        disabled={props.isDisabled}
        value={props.names[props.chosen]}
        selectedOptions={[props.chosen]}
        onOptionSelect={(_event, { optionValue }) => {
          const next = props.choices.find((known) => known === optionValue)
          if (next !== undefined) props.choose(next)
        }}
      >
        {props.choices.map((value) => (
          <Option key={value} value={value}>
            {props.names[value]}
          </Option>
        ))}
      </Dropdown>
    </div>
  )
}

function kindsOf(target: Target): readonly Kind[] {
  if (target.name === 'pin') return ['none', 'generate', ...SOURCES]
  return target.isOptional && target.takes === 'one' ? ['none', ...SOURCES] : SOURCES
}

function kindOf(value: Parameters<typeof blockOf>[0]): Kind {
  if (value === 'none' || value === 'generate') return value
  const block = blockOf(value)
  return SOURCES.find((source) => source in block) ?? 'from'
}

/** What of an entry stays when its value comes from elsewhere. */
function complete(block: JsonBlock, target: Target): JsonBlock {
  const kept = Object.fromEntries(Object.entries(block).filter(([key]) => !SOURCES.some((source) => source === key)))
  return { apply: 'always', ...(target.takes === 'several' ? { mode: 'replace' } : {}), ...kept }
}

/** An attribute becomes the beginning of a template or an expression. */
function seed(next: 'template' | 'expression', typed: string, kind: Kind): string {
  if (kind !== 'from' || typed === '') return ''
  return next === 'template' ? `%${typed}%` : `[${typed}]`
}
