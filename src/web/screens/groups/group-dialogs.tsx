// Making, renaming, moving and removing local groups.
import { Button, Field, Input, Text } from '@fluentui/react-components'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { GroupLine } from '../../../contract/api/groups.ts'
import { joinPath, splitPath } from '../../../directory/group.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { useToasts } from '../../components/toasts.tsx'
import { groupsTexts as texts } from '../../texts/groups.ts'

export function CreateGroup({ under }: { readonly under: string }) {
  const [form, setForm] = useState({ name: '', under })
  const queries = useQueryClient()
  const navigate = useNavigate()
  return (
    <ActionDialog
      trigger={<Button>{texts.create}</Button>}
      title={texts.createTitle}
      action={texts.add}
      isReady={form.name.trim() !== ''}
      onOpen={() => setForm({ name: '', under })}
      act={async (idempotencyKey) => {
        const body = { name: form.name.trim(), under: form.under.trim() }
        const group = await call(API.createGroup, { body }, { idempotencyKey })
        await queries.invalidateQueries({ queryKey: ['groups'] })
        await navigate({ to: '/groups/$group', params: { group: group.id } })
      }}
    >
      <GroupFields form={form} setForm={setForm} />
    </ActionDialog>
  )
}

export function EditGroup({ group }: { readonly group: GroupLine }) {
  const before = { name: group.name, under: joinPath(splitPath(group.path).slice(0, -1)) }
  const [form, setForm] = useState(before)
  const [seen, setSeen] = useState(group.path)
  const queries = useQueryClient()
  return (
    <ActionDialog
      trigger={<Button>{texts.edit}</Button>}
      title={texts.editTitle(group.name)}
      action={texts.save}
      isReady={form.name.trim() !== ''}
      onOpen={() => {
        setSeen(group.path)
        setForm(before)
      }}
      act={async () => {
        const body = { name: form.name.trim(), under: form.under.trim(), seen }
        try {
          await call(API.changeGroup, { params: { group: group.id }, body })
        } finally {
          await queries.invalidateQueries({ queryKey: ['group', group.id] })
          await queries.invalidateQueries({ queryKey: ['groups'] })
        }
      }}
    >
      <GroupFields form={form} setForm={setForm} />
    </ActionDialog>
  )
}

export function RemoveGroup({ group }: { readonly group: GroupLine }) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const toasts = useToasts()
  return (
    <ActionDialog
      trigger={<Button>{texts.remove}</Button>}
      title={texts.removeTitle(group.name)}
      action={texts.remove}
      act={async () => {
        await call(API.removeGroup, { params: { group: group.id } })
        toasts.done(texts.removed, group.name)
        await navigate({ to: '/groups', search: {} })
        await queries.invalidateQueries({ queryKey: ['groups'] })
      }}
    >
      <Text>{texts.removeText}</Text>
    </ActionDialog>
  )
}

interface Form {
  readonly name: string
  readonly under: string
}

function GroupFields({ form, setForm }: { readonly form: Form; readonly setForm: (form: Form) => void }) {
  return (
    <>
      <Field label={texts.name} required>
        <Input value={form.name} maxLength={300} onChange={(_event, { value }) => setForm({ ...form, name: value })} />
      </Field>
      <Field label={texts.under} hint={texts.underHint}>
        <Input
          value={form.under}
          maxLength={2000}
          onChange={(_event, { value }) => setForm({ ...form, under: value })}
        />
      </Field>
    </>
  )
}
