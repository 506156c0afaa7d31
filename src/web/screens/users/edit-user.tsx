// Editing what of a user is the registry's own. What a source decides about is not offered: its owner is named in the table of fields.
import { Button, Field, Input, Text, Textarea } from '@fluentui/react-components'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { UserView } from '../../../contract/api/users.ts'
import { TEXT_FIELDS } from '../../../directory/user.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { changeTexts } from '../../texts/changes.ts'
import { usersTexts as texts } from '../../texts/users.ts'
import { useKeepUser } from './user-cards.tsx'

interface Form {
  /** By field; own fields by `own.name`. */
  readonly values: Readonly<Record<string, string>>
  /** One in each line. */
  readonly aliases: string
}

export function EditUser({ user }: { readonly user: UserView }) {
  const [form, setForm] = useState<Form>(() => formOf(user))
  // What the form was filled from: behind the dialog the page goes on being read anew.
  const [seen, setSeen] = useState(user)
  const keep = useKeepUser()
  const set = (field: string, value: string) =>
    setForm((before) => ({ ...before, values: { ...before.values, [field]: value } }))
  return (
    <ActionDialog
      trigger={<Button>{texts.edit}</Button>}
      title={texts.editTitle(user.userName)}
      action={texts.save}
      onOpen={() => {
        setSeen(user)
        setForm(formOf(user))
      }}
      act={async () => keep(await call(API.changeUser, { params: { user: user.id }, body: changesOf(seen, form) }))}
    >
      <Text>{texts.editText}</Text>
      {Object.entries(form.values).map(([field, value]) => (
        <Field key={field} label={changeTexts.fieldName(field)}>
          {field === 'notes' ? (
            <Textarea value={value} maxLength={1000} onChange={(_event, data) => set(field, data.value)} />
          ) : (
            <Input value={value} maxLength={1000} onChange={(_event, data) => set(field, data.value)} />
          )}
        </Field>
      ))}
      <Field label={texts.aliases} hint={texts.aliasesHint}>
        <Textarea
          value={form.aliases}
          onChange={(_event, { value }) => setForm((before) => ({ ...before, aliases: value }))}
        />
      </Field>
    </ActionDialog>
  )
}

function formOf(user: UserView): Form {
  const values: Record<string, string> = {}
  for (const { field, value, owner } of user.fields) {
    if (owner === null && isEditable(field) && !Array.isArray(value)) values[field] = value ?? ''
  }
  return { values, aliases: ownAliases(user).join('\n') }
}

const EDITABLE: readonly string[] = [...TEXT_FIELDS, 'userName', 'personalNumber']

function isEditable(field: string): boolean {
  return EDITABLE.includes(field) || field.startsWith('own.')
}

function ownAliases(user: UserView): readonly string[] {
  return user.aliases.filter(({ origin }) => origin === 'registry').map(({ value }) => value)
}

/** Only what was changed, so that what somebody else changed meanwhile elsewhere is no conflict of words. */
function changesOf(user: UserView, form: Form) {
  const before = formOf(user)
  const changed = Object.entries(form.values).filter(([field, value]) => value.trim() !== before.values[field])
  const given = (value: string) => (value.trim() === '' ? null : value.trim())
  const userName = changed.find(([field]) => field === 'userName')?.[1].trim()
  const number = changed.find(([field]) => field === 'personalNumber')?.[1]
  const aliases = form.aliases
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return {
    version: user.version,
    ...(userName === undefined ? {} : { userName }),
    ...(number === undefined ? {} : { personalNumber: given(number) }),
    fields: Object.fromEntries(
      changed.flatMap(([field, value]) =>
        TEXT_FIELDS.some((known) => known === field) ? [[field, given(value)]] : [],
      ),
    ),
    own: Object.fromEntries(
      changed.flatMap(([field, value]) => (field.startsWith('own.') ? [[texts.own(field), given(value)]] : [])),
    ),
    ...(form.aliases === before.aliases ? {} : { aliases }),
  }
}
