// Picks users or groups of Entra, searched live through a connection while one types.
import { Combobox, makeStyles, Option, Text, tokens } from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../contract/api/api.ts'
import type { DirectoryObject } from '../../contract/api/connections.ts'
import { call } from '../api.ts'
import { editorTexts } from '../texts/editor.ts'
import { sentenceOf } from './toasts.tsx'
import { useDebounced } from './use-debounced.ts'

const texts = editorTexts.picker
const OBJECT_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const useStyles = makeStyles({
  picker: { width: '100%', minWidth: 0 },
  option: { display: 'flex', flexDirection: 'column' },
  detail: { color: tokens.colorNeutralForeground3 },
})

interface Props {
  readonly connection: string
  readonly kind: 'users' | 'groups'
  readonly label: string
  readonly isDisabled?: boolean
  readonly onPick: (picked: DirectoryObject) => void
}

export function DirectoryPicker({ connection, kind, label, isDisabled = false, onPick }: Props) {
  const styles = useStyles()
  const [typed, setTyped] = useState('')
  const [isOpen, setOpen] = useState(false)
  const search = useDebounced(typed.trim(), 250)
  const found = useQuery({
    queryKey: ['directory', connection, kind, search],
    queryFn: ({ signal }) => call(API.searchDirectory, { params: { connection, kind }, query: { search } }, { signal }),
    enabled: isOpen && connection !== '' && !OBJECT_ID.test(search),
    placeholderData: (before) => before,
  })
  const objects: readonly DirectoryObject[] = OBJECT_ID.test(search)
    ? [{ objectId: search.toLowerCase(), name: search.toLowerCase(), detail: '' }]
    : (found.data?.items ?? [])
  const note = noteOf({ connection, found, count: objects.length })
  return (
    <Combobox
      className={styles.picker}
      aria-label={label}
      placeholder={kind === 'groups' ? texts.searchGroups : texts.searchUsers}
      freeform
      disabled={isDisabled}
      value={typed}
      selectedOptions={[]}
      onOpenChange={(_event, { open }) => setOpen(open)}
      onChange={(event) => setTyped(event.target.value)}
      onOptionSelect={(_event, { optionValue }) => {
        const picked = objects.find((object) => object.objectId === optionValue)
        if (picked !== undefined) onPick(picked)
        setTyped('')
      }}
    >
      {note === undefined ? (
        objects.map((object) => (
          <Option key={object.objectId} value={object.objectId} text={object.name}>
            <span className={styles.option}>
              {object.name}
              <Text size={200} className={styles.detail}>
                {object.detail}
              </Text>
            </span>
          </Option>
        ))
      ) : (
        <Option key="note" value="" text="" disabled>
          {note}
        </Option>
      )}
    </Combobox>
  )
}

function noteOf(state: {
  readonly connection: string
  readonly found: { readonly error: Error | null; readonly isFetching: boolean }
  readonly count: number
}): string | undefined {
  if (state.connection === '') return texts.noConnection
  if (state.count > 0) return undefined
  if (state.found.error !== null) return sentenceOf(state.found.error)
  return state.found.isFetching ? texts.searching : texts.nothingFound
}
