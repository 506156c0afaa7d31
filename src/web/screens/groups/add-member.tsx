// Putting somebody into a group by hand: searched as one types, chosen from what is found.
import { Button, Field, Input, Radio, RadioGroup, Text } from '@fluentui/react-components'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useDeferredValue, useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { GroupLine } from '../../../contract/api/groups.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { groupsTexts as texts } from '../../texts/groups.ts'

const SHOWN = 8

export function AddMember({ group }: { readonly group: GroupLine }) {
  const queries = useQueryClient()
  const [search, setSearch] = useState('')
  const [user, setUser] = useState('')
  const asked = useDeferredValue(search.trim())
  const found = useQuery({
    queryKey: ['users', 'pick', asked],
    queryFn: ({ signal }) => call(API.searchUsers, { body: { search: asked, limit: SHOWN } }, { signal }),
    enabled: asked !== '',
    placeholderData: (before) => before,
  })
  return (
    <ActionDialog
      trigger={<Button>{texts.put}</Button>}
      title={texts.putTitle}
      action={texts.add}
      isReady={user !== ''}
      onOpen={() => {
        setSearch('')
        setUser('')
      }}
      act={async () => {
        await call(API.addMember, { params: { group: group.id, user } })
        await queries.invalidateQueries({ queryKey: ['group', group.id] })
      }}
    >
      <Text>{texts.putText}</Text>
      <Field label={texts.putSearch}>
        <Input value={search} maxLength={200} onChange={(_event, { value }) => setSearch(value)} />
      </Field>
      {asked === '' ? null : (
        <Field label={texts.userName}>
          <RadioGroup value={user} onChange={(_event, { value }) => setUser(value)}>
            {found.data?.items.map((line) => (
              <Radio key={line.id} value={line.id} label={`${line.userName} ${line.fullName ?? ''}`} />
            ))}
          </RadioGroup>
          {found.data?.items.length === 0 ? <Text>{texts.noMembersFound}</Text> : null}
        </Field>
      )}
    </ActionDialog>
  )
}
