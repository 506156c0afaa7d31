// Making a local user.
import { Button, Field, Input, Text } from '@fluentui/react-components'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { usersTexts as texts } from '../../texts/users.ts'

const EMPTY = { userName: '', fullName: '', email: '', personalNumber: '' }

export function CreateUser() {
  const [form, setForm] = useState(EMPTY)
  const queries = useQueryClient()
  const navigate = useNavigate()
  const set = (changed: Partial<typeof EMPTY>) => setForm((before) => ({ ...before, ...changed }))
  const given = (text: string) => (text.trim() === '' ? undefined : text.trim())
  return (
    <ActionDialog
      trigger={<Button>{texts.create}</Button>}
      title={texts.createTitle}
      action={texts.add}
      isReady={form.userName.trim() !== ''}
      onOpen={() => setForm(EMPTY)}
      act={async (idempotencyKey) => {
        const [fullName, email, personalNumber] = [given(form.fullName), given(form.email), given(form.personalNumber)]
        const fields = { ...(fullName === undefined ? {} : { fullName }), ...(email === undefined ? {} : { email }) }
        const user = await call(
          API.createUser,
          {
            body: {
              userName: form.userName.trim(),
              fields,
              ...(personalNumber === undefined ? {} : { personalNumber }),
            },
          },
          { idempotencyKey },
        )
        await queries.invalidateQueries({ queryKey: ['users'] })
        await navigate({ to: '/users/$user', params: { user: user.id } })
      }}
    >
      <Text>{texts.createText}</Text>
      <Field label={texts.userName} required>
        <Input value={form.userName} maxLength={300} onChange={(_event, { value }) => set({ userName: value })} />
      </Field>
      <Field label={texts.fullName}>
        <Input value={form.fullName} maxLength={1000} onChange={(_event, { value }) => set({ fullName: value })} />
      </Field>
      <Field label={texts.email}>
        <Input value={form.email} maxLength={1000} onChange={(_event, { value }) => set({ email: value })} />
      </Field>
      <Field label={texts.personalNumber}>
        <Input
          value={form.personalNumber}
          maxLength={1000}
          onChange={(_event, { value }) => set({ personalNumber: value })}
        />
      </Field>
    </ActionDialog>
  )
}
