// What the settings make of real users of Entra, asked anew while one types.
import { Button, makeStyles, MessageBar, MessageBarBody, Text } from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../../contract/api/api.ts'
import type { MappedUser } from '../../../../contract/api/sources.ts'
import { call } from '../../../api.ts'
import { DirectoryPicker } from '../../../components/directory-picker.tsx'
import { sentenceOf } from '../../../components/toasts.tsx'
import { useDebounced } from '../../../components/use-debounced.ts'
import { editorTexts } from '../../../texts/editor.ts'
import { textOf, useDraft } from './draft.ts'

const texts = editorTexts.users

export interface MappingResultState {
  readonly users: readonly MappedUser[] | undefined
  readonly note: string | undefined
  readonly connection: string
  readonly isChosen: boolean
  readonly choose: (objectId: string | undefined) => void
}

export function useMappingResult(source: string | undefined): MappingResultState {
  const { settings, sound, isReadOnly } = useDraft()
  const [chosen, setChosen] = useState<readonly string[]>([])
  const connection = textOf(settings['connection'])
  const asked = useDebounced(sound, 400)
  const [last, setLast] = useState<readonly MappedUser[]>()
  const { data, error } = useQuery({
    queryKey: ['mapping', source, asked, chosen],
    queryFn: ({ signal }) =>
      call(
        API.mapUsers,
        { body: { ...(source === undefined ? {} : { source }), settings: asked ?? {}, users: [...chosen] } },
        { signal },
      ),
    enabled: asked !== undefined && !isReadOnly && asked === sound,
    placeholderData: (before) => before,
    staleTime: 60_000,
    retry: false,
  })
  // What the server refuses is told, and takes nothing away.
  if (data !== undefined && data.users !== last) setLast(data.users)
  const users = data?.users ?? last
  return {
    users: users?.slice(0, 3),
    note: noteOf({ connection, isSound: sound === settings, error, count: users?.length }),
    connection,
    isChosen: chosen.length > 0,
    choose: (objectId) =>
      setChosen((before) =>
        objectId === undefined ? [] : [objectId, ...before.filter((other) => other !== objectId)].slice(0, 3),
      ),
  }
}

function noteOf(state: {
  readonly connection: string
  readonly isSound: boolean
  readonly error: Error | null
  readonly count: number | undefined
}): string | undefined {
  if (state.connection === '') return texts.resultWaits
  if (!state.isSound) return state.count === undefined ? texts.resultNone : texts.resultStale
  if (state.error !== null) return `${texts.resultFailed}. ${sentenceOf(state.error)}`
  return state.count === 0 ? texts.nobody : undefined
}

const useStyles = makeStyles({
  row: { display: 'grid', gridTemplateColumns: 'auto minmax(0, 1fr)', gap: '8px', alignItems: 'center' },
  skipped: { display: 'flex', flexDirection: 'column' },
})

/** Whom the results are for, and why there are none. */
export function MappingResult({ result }: { readonly result: MappingResultState }) {
  const styles = useStyles()
  const skipped = (result.users ?? []).filter((user) => user.verdict !== 'wanted')
  return (
    <>
      <div className={styles.row}>
        <Text>{texts.resultFor}</Text>
        <DirectoryPicker
          connection={result.connection}
          kind="users"
          label={texts.anotherUser}
          onPick={({ objectId }) => result.choose(objectId)}
        />
      </div>
      {result.isChosen ? (
        <div>
          <Button size="small" onClick={() => result.choose(undefined)}>
            {editorTexts.picker.remove(texts.anotherUser.toLowerCase())}
          </Button>
        </div>
      ) : null}
      {result.note === undefined ? null : (
        <MessageBar layout="multiline">
          <MessageBarBody>{result.note}</MessageBarBody>
        </MessageBar>
      )}
      {skipped.length === 0 ? null : (
        <div className={styles.skipped} role="status">
          {skipped.map((user) => (
            <Text key={user.objectId}>
              {texts.notImported(
                user.displayName ?? user.userPrincipalName ?? user.objectId,
                user.verdict === 'wanted' ? '' : texts.verdicts[user.verdict],
              )}
            </Text>
          ))}
        </div>
      )}
    </>
  )
}
