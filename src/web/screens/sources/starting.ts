// Synchronize now and Preview: asks for a run of each source, and goes to where one watches them.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useRef } from 'react'
import { API } from '../../../contract/api/api.ts'
import { call, isUncertain, newIntention } from '../../api.ts'
import { useToasts } from '../../components/toasts.tsx'
import { sourcesTexts as texts } from '../../texts/sources.ts'
import { type Asked, askForEach } from './asking.ts'

interface Starting {
  readonly isStarting: boolean
  readonly start: (asked: Asked) => void
}

export function useStart(): Starting {
  const navigate = useNavigate()
  const toasts = useToasts()
  const queries = useQueryClient()
  // Kept while nobody knows whether it was done: asked for again it is done once.
  const keys = useRef(new Map<string, string>())
  const starting = useMutation({
    mutationFn: ({ names, kind, full = false }: Asked) =>
      askForEach(names, async (source) => {
        const intention = `${kind} ${full} ${source}`
        const idempotencyKey = keys.current.get(intention) ?? newIntention()
        keys.current.set(intention, idempotencyKey)
        try {
          const job = await call(API.startRun, { params: { source }, body: { kind, full } }, { idempotencyKey })
          keys.current.delete(intention)
          return job
        } catch (error) {
          // Also what the server itself does not know: the list is read anew below and says whether one is waiting or running.
          if (!isUncertain(error)) keys.current.delete(intention)
          throw error
        }
      }),
    onSuccess: async ({ jobs, refused }, { kind }) => {
      void queries.invalidateQueries({ queryKey: ['sources'] })
      for (const { source, error } of refused) toasts.failed(texts.notStarted[kind](source), error)
      if (jobs.length === 0) return
      await navigate({ to: '/settings/user-synchronization/results', search: { jobs: jobs.join(',') } })
    },
  })
  return { isStarting: starting.isPending, start: (asked) => starting.mutate(asked) }
}
