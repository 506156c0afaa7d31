// Saving a source: first what it would change, then, when somebody wants that, the settings themselves.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { API } from '../../../../contract/api/api.ts'
import type { Impact } from '../../../../contract/api/sources.ts'
import { ApiError, call, isChangedMeanwhile } from '../../../api.ts'
import { useToasts } from '../../../components/toasts.tsx'
import { editorTexts as texts } from '../../../texts/editor.ts'
import type { JsonBlock } from './draft.ts'
import type { EditedSource } from './edited-source.ts'
import { isWorthShowing } from './worth-showing.ts'

/** A new one is shown what comes next; one that is previewed at once is watched. */
export type AfterSaving = 'close' | 'preview'

/** The source as it was when somebody pressed Save: this is looked at, and nothing else is written after that. */
interface Pressed {
  readonly name: string
  readonly settings: JsonBlock
  readonly seenAt: string | undefined
}

interface Saving {
  /** It is being looked at or written: what is typed now would be in neither. */
  readonly isSaving: boolean
  /** Nothing is written yet: only whom it would change is looked at. */
  readonly isLooking: boolean
  /** Mistakes are not among them: they stand at their fields. */
  readonly error: Error | null
  /** What saving would change, while somebody looks at it. */
  readonly impact: Impact | undefined
  readonly save: () => void
  readonly confirm: (then: AfterSaving) => void
  /** To what is edited, from what saving would change or while that is looked at. */
  readonly back: () => void
}

export function useSaving(options: {
  readonly source: string | undefined
  readonly edited: EditedSource
  readonly onSaved: (name: string, after: AfterSaving | 'created') => void
}): Saving {
  const { source, edited } = options
  const toasts = useToasts()
  const queries = useQueryClient()
  const [looked, setLooked] = useState<{ readonly at: Pressed; readonly impact: Impact } | undefined>(undefined)
  /** Why what somebody else saved could not be read. */
  const [unread, setUnread] = useState<Error | null>(null)
  const onError = async (error: Error) => {
    if (error instanceof ApiError) edited.refuse((error.problem.problems ?? []).map(ofSettings))
    if (isChangedMeanwhile(error)) setUnread(await edited.readAgain())
  }
  const write = useMutation({
    mutationFn: ({ name, settings, seenAt }: Pressed) =>
      source === undefined
        ? call(API.createSource, { body: { name, settings } })
        : call(API.changeSource, { params: { source }, body: { name, settings, updatedAt: seenAt } }),
    onSuccess: async (saved, { name }) => {
      const shown = new Set(edited.draft.warnings.map(({ message }) => message))
      const news = saved.warnings.map(({ message }) => message).filter((message) => !shown.has(message))
      if (news.length === 0) toasts.done(texts.saved(name))
      else toasts.doneWith(texts.savedWith(name), news)
      await Promise.all([
        queries.invalidateQueries({ queryKey: ['sources'] }),
        queries.invalidateQueries({ queryKey: ['connections'] }),
        queries.invalidateQueries({ queryKey: ['overview'] }),
      ])
    },
    onError,
  })
  // What follows stands at the call: it is left undone where the panel is gone by then, and what was in it given up.
  const writeNow = (pressed: Pressed, after: AfterSaving) =>
    write.mutate(pressed, {
      onSuccess: () => options.onSaved(pressed.name, source === undefined ? 'created' : after),
    })
  const looking = useRef<AbortController>(undefined)
  const look = useMutation({
    mutationFn: ({ of, at, signal }: { readonly of: string; readonly at: Pressed; readonly signal: AbortSignal }) =>
      call(API.getImpact, { params: { source: of }, body: { name: at.name, settings: at.settings } }, { signal }),
    onError,
  })
  const error = write.error ?? look.error
  const isTold = error instanceof ApiError && ((error.problem.problems ?? []).length > 0 || isChangedMeanwhile(error))
  return {
    isSaving: write.isPending || look.isPending,
    isLooking: look.isPending,
    error: unread ?? (isTold ? null : error),
    impact: looked?.impact,
    save() {
      write.reset()
      look.reset()
      setUnread(null)
      edited.refuse([])
      const pressed = { name: edited.name.trim(), settings: edited.draft.settings, seenAt: edited.seenAt }
      if (source === undefined) {
        writeNow(pressed, 'close')
        return
      }
      looking.current = new AbortController()
      look.mutate(
        { of: source, at: pressed, signal: looking.current.signal },
        {
          onSuccess: (impact) => {
            if (isWorthShowing(impact, edited)) setLooked({ at: pressed, impact })
            else writeNow(pressed, 'close')
          },
        },
      )
    },
    confirm(after) {
      setLooked(undefined)
      if (looked !== undefined) writeNow(looked.at, after)
    },
    back() {
      // First forgotten: what it comes to, an end by its own hand too, is told nobody.
      look.reset()
      looking.current?.abort()
      setLooked(undefined)
    },
  }
}

/** The server tells places inside of what was sent; fields know them inside of the settings. */
function ofSettings(problem: { readonly at: string; readonly message: string }) {
  return { at: problem.at.replace(/^(?:body\.)?(?:settings\.)?/, ''), message: problem.message }
}
