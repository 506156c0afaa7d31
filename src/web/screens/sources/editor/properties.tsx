// Properties: what of Entra becomes what here, and what that gives for real users while one types.
import { Button, Field, Input, makeStyles } from '@fluentui/react-components'
import { AddRegular } from '@fluentui/react-icons/svg/add'
import { DeleteRegular } from '@fluentui/react-icons/svg/delete'
import { useState } from 'react'
import { editorTexts } from '../../../texts/editor.ts'
import { blockOf, useSetting } from './draft.ts'
import { Group } from './group.tsx'
import { MappingResult, useMappingResult } from './mapping-result.tsx'
import { PropertyRow } from './property-row.tsx'
import { TARGET_NAMES } from '../../../components/field-order.ts'
import { ownTarget, targetOf } from './targets.ts'

const texts = editorTexts.users

const useStyles = makeStyles({ add: { display: 'flex', gap: '8px', alignItems: 'end', flexWrap: 'wrap' } })

export function Properties({ source }: { readonly source: string | undefined }) {
  const styles = useStyles()
  const own = useSetting('users.properties.own')
  const fields = Object.keys(blockOf(own.value))
  const [name, setName] = useState('')
  const field = name.trim()
  const isTaken = fields.includes(field)
  const type = (typed: string) => {
    setName(typed)
    own.setUnfinished(typed.trim() !== '')
  }
  const result = useMappingResult(source)
  const mapped = result.users
  return (
    <Group title={texts.properties} hint={texts.propertiesHint}>
      <MappingResult result={result} />
      {TARGET_NAMES.map((target) => (
        <PropertyRow key={target} target={targetOf(target, texts.targets[target])} mapped={mapped} />
      ))}
      {fields.map((known) => (
        <PropertyRow
          key={known}
          target={ownTarget(known)}
          mapped={mapped}
          action={
            <Button
              appearance="subtle"
              icon={<DeleteRegular />}
              disabled={own.isReadOnly}
              aria-label={texts.removeOwn(known)}
              onClick={() =>
                own.set(Object.fromEntries(Object.entries(blockOf(own.value)).filter(([key]) => key !== known)))
              }
            />
          }
        />
      ))}
      {own.isReadOnly ? null : (
        <form
          className={styles.add}
          onSubmit={(event) => {
            event.preventDefault()
            event.stopPropagation()
            if (field === '' || isTaken) return
            own.set({ ...blockOf(own.value), [field]: { from: '', apply: 'always' } })
            type('')
          }}
        >
          <Field label={texts.ownName} validationMessage={isTaken ? texts.ownTaken : own.problem}>
            <Input value={name} onChange={(_event, { value }) => type(value)} />
          </Field>
          <Button type="submit" icon={<AddRegular />} disabledFocusable={field === ''}>
            {texts.addOwn}
          </Button>
        </form>
      )}
    </Group>
  )
}
