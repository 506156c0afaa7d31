// Removes the source that is edited, after asking.
import { Button } from '@fluentui/react-components'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../../contract/api/api.ts'
import { call } from '../../../api.ts'
import { ConfirmDialog } from '../../../components/confirm-dialog.tsx'
import { useToasts } from '../../../components/toasts.tsx'
import { editorTexts as texts } from '../../../texts/editor.ts'

export function RemoveSource({ source, onRemoved }: { readonly source: string; readonly onRemoved: () => void }) {
  const toasts = useToasts()
  const queries = useQueryClient()
  const [isAsking, setAsking] = useState(false)
  const remove = useMutation({
    mutationFn: () => call(API.removeSource, { params: { source } }),
    onSuccess: async () => {
      toasts.done(texts.removed(source))
      await queries.invalidateQueries()
    },
    onError: (error) => toasts.failed(texts.remove, error),
  })
  return (
    <>
      <Button appearance="subtle" disabledFocusable={remove.isPending} onClick={() => setAsking(true)}>
        {texts.remove}
      </Button>
      <ConfirmDialog
        isOpen={isAsking}
        title={texts.removeTitle(source)}
        text={texts.removeText}
        action={texts.remove}
        cancel={texts.cancel}
        onConfirm={() => {
          setAsking(false)
          // Not where another panel is there by then.
          remove.mutate(undefined, { onSuccess: onRemoved })
        }}
        onCancel={() => setAsking(false)}
      />
    </>
  )
}
