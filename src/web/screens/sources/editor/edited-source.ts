// The source that is edited: its settings as they were read, or the defaults of a new one, and what was changed since.
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { API } from '../../../../contract/api/api.ts'
import { objectName } from '../../../../contract/connection-settings.ts'
import { parseWithProblems } from '../../../../contract/problems.ts'
import { sourceSettings } from '../../../../contract/sources.ts'
import { warningsOf } from '../../../../contract/warnings.ts'
import { writeSettings } from '../../../../contract/written-settings.ts'
import { call } from '../../../api.ts'
import { useMay } from '../../../session.ts'
import { editorTexts as texts } from '../../../texts/editor.ts'
import { connectionsQuery } from '../../connections/connection-queries.ts'
import { blockOf, type Draft, type Json, type JsonBlock, type Remark, writeAt } from './draft.ts'
import { merged } from './merge.ts'
import { settingsToProve } from './settings-to-prove.ts'

export interface EditedSource {
  readonly isReady: boolean
  readonly error: Error | null
  readonly retry: () => void
  readonly isChanged: boolean
  readonly name: string
  /** Active people that it owns. */
  readonly people: number
  readonly rename: (name: string) => void
  /** Puts other settings in the place of all that are here; the name stays. */
  readonly take: (settings: Readonly<Record<string, unknown>>) => void
  readonly draft: Draft
  readonly setTried: () => void
  /** When it was changed last, as it was read; undefined of a new one. */
  readonly seenAt: string | undefined
  /** Somebody else saved it meanwhile: what was changed here stands on what he saved. */
  readonly isMerged: boolean
  /** Reads it anew and puts what was changed here onto it. @returns why it could not be read */
  readonly readAgain: () => Promise<Error | null>
  /** Mistakes that are found here. What the server finds may be put right elsewhere, so that it is asked anew. */
  readonly mistakes: readonly Remark[]
  /** Mistakes that the server found; gone with the next change, and with the next try. */
  readonly refuse: (problems: readonly Remark[]) => void
}

interface Edited {
  readonly name: string
  readonly settings: JsonBlock
}

export function useEditedSource(source: string | undefined): EditedSource {
  const isReadOnly = !useMay('administrator')
  const kept = useQuery({
    queryKey: ['source', source],
    queryFn: ({ signal }) => call(API.getSource, { params: { source: source ?? '' } }, { signal }),
    enabled: source !== undefined,
    staleTime: 0,
    // What one edits must not change under one's hands.
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    gcTime: 0,
  })
  const connections = useQuery(connectionsQuery)
  /** A new one reads through the first connection unless somebody chooses another. */
  const first = connections.data?.items[0]?.name ?? ''
  /** Known, or known to be unreadable: asked again, the error is gone meanwhile. */
  const areKnown = connections.isFetched
  const start = useMemo<Edited | undefined>(() => {
    if (source === undefined) return areKnown ? { name: '', settings: defaults(first) } : undefined
    return kept.data === undefined ? undefined : { name: kept.data.name, settings: jsonOf(kept.data.settings) }
  }, [source, kept.data, areKnown, first])
  const [edited, setEdited] = useState<Edited | undefined>(undefined)
  const [isTried, setTried] = useState(false)
  const [isMerged, setMerged] = useState(false)
  const [refused, setRefused] = useState<readonly Remark[]>([])
  const [unfinished, setUnfinished] = useState<ReadonlySet<string>>(new Set())
  const now = edited ?? start ?? { name: '', settings: {} }
  const change = (next: (before: Edited) => Edited) => {
    setRefused([])
    setEdited((before) => next(before ?? start ?? now))
  }
  const connection = connections.data?.items.find(({ name }) => name === now.settings['connection'])
  const checked = useMemo(
    () => check(now, { signInWithMicrosoft: connection?.signInWithMicrosoft }),
    [now, connection?.signInWithMicrosoft],
  )
  // A mistake in one setting says nothing of the others: what was told of them stays.
  const [sound, setSound] = useState<{ readonly settings: JsonBlock; readonly warnings: readonly Remark[] }>()
  if (checked.warnings !== undefined && sound?.settings !== now.settings)
    setSound({ settings: now.settings, warnings: checked.warnings })
  const unsaved = [...unfinished].map((at) => ({
    at,
    message: at === 'connection' ? texts.general.connectionNotSaved : texts.list.notAdded,
  }))
  // What is still being typed at a setting is what is to be done there, whatever else is wrong with it.
  const mistakes = [...checked.problems.filter(({ at }) => !unfinished.has(at)), ...unsaved]
  const readAgain = async () => {
    const { data, error } = await kept.refetch()
    // What was read before is there still.
    if (error !== null || data === undefined || start === undefined) return error
    const name = now.name === start.name ? data.name : now.name
    setEdited({ name, settings: blockOf(merged(start.settings, now.settings, jsonOf(data.settings))) })
    setMerged(true)
    return null
  }
  return {
    isReady: start !== undefined,
    error: kept.error,
    retry: () => void kept.refetch(),
    isChanged: unfinished.size > 0 || (edited !== undefined && JSON.stringify(edited) !== JSON.stringify(start)),
    name: now.name,
    people: kept.data?.people ?? 0,
    rename: (name) => change((before) => ({ ...before, name })),
    setTried: () => setTried(true),
    take: (settings) => change((before) => ({ ...before, settings: jsonOf(settings) })),
    mistakes,
    refuse: setRefused,
    seenAt: kept.data?.updatedAt,
    isMerged,
    readAgain,
    draft: {
      settings: now.settings,
      // Somebody who is still typing is not told that he has to go on.
      problems: [...(isTried ? mistakes : checked.problems), ...refused],
      warnings: checked.warnings ?? sound?.warnings ?? [],
      sound: checked.warnings === undefined ? sound?.settings : now.settings,
      isTried,
      isReadOnly,
      needProof: settingsToProve({
        before: source === undefined ? undefined : start?.settings,
        now: now.settings,
        connections: connections.data?.items,
      }),
      set: (path, value) =>
        change((before) => ({ ...before, settings: blockOf(writeAt(before.settings, path, value)) })),
      setUnfinished: (path, isUnfinished) =>
        setUnfinished((before) => {
          if (before.has(path) === isUnfinished) return before
          const next = new Set(before)
          if (isUnfinished) next.add(path)
          else next.delete(path)
          return next
        }),
    },
  }
}

/** The same checks as the server's, so that mistakes are told while one types. Of settings with mistakes no warnings can be told. */
function check(
  edited: Edited,
  facts: { readonly signInWithMicrosoft: boolean | undefined },
): { readonly problems: readonly Remark[]; readonly warnings: readonly Remark[] | undefined } {
  const parsed = parseWithProblems(sourceSettings, edited.settings)
  const name = parseWithProblems(objectName, edited.name)
  const problems = name.kind === 'ok' ? [] : name.problems.map(({ message }) => ({ at: 'name', message }))
  if (parsed.kind === 'problems') {
    const told = parsed.problems.map((problem) =>
      problem.at === 'connection' && edited.settings['connection'] === ''
        ? { at: problem.at, message: texts.general.connectionMissing }
        : problem,
    )
    return { problems: [...problems, ...told], warnings: undefined }
  }
  return { problems, warnings: warningsOf(parsed.value, facts) }
}

function defaults(connection: string): JsonBlock {
  const settings = writeSettings(sourceSettings.parse({ connection: 'none' }))
  return { ...jsonOf(settings), connection }
}

function jsonOf(settings: Readonly<Record<string, unknown>>): JsonBlock {
  const copy: unknown = JSON.parse(JSON.stringify(settings))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what JSON.parse gives is Json
  return blockOf(copy as Json)
}
