// Proving anew who one is, over whatever asked for it: by password, or by a way to Microsoft and back.
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  makeStyles,
  Text,
} from '@fluentui/react-components'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { API } from '../../contract/api/api.ts'
import { call } from '../api.ts'
import { isCodeAsked, PasswordAndCodeFields, usePasswordAndCode } from '../components/password-and-code.tsx'
import { FocusBack } from '../components/focus-back.tsx'
import { Failed } from '../components/states.tsx'
import { useToasts } from '../components/toasts.tsx'
import { askForProofWith } from '../proof.ts'
import { sessionQuery, useSession } from '../session.ts'
import { proofTexts as texts } from '../texts/proof.ts'
import { shell } from '../texts/shell.ts'

const useStyles = makeStyles({ content: { display: 'flex', flexDirection: 'column', gap: '16px' } })

export function ProofDialog() {
  const styles = useStyles()
  const [isOpen, setOpen] = useState(false)
  const answer = useRef<((isProven: boolean) => void) | undefined>(undefined)
  const session = useSession()
  useEffect(() => {
    const stop = askForProofWith(() => {
      setOpen(true)
      return new Promise((resolve) => {
        answer.current = resolve
      })
    })
    return () => {
      stop()
      // Where the session ends meanwhile, whoever waits would wait for ever, and nobody would be asked again.
      answer.current?.(false)
      answer.current = undefined
    }
  }, [])
  useReturned()
  const close = (isProven: boolean) => {
    setOpen(false)
    answer.current?.(isProven)
    answer.current = undefined
  }
  return (
    <Dialog
      open={isOpen}
      onOpenChange={(_event, { open }) => {
        if (!open) close(false)
      }}
    >
      <DialogSurface className={styles.content}>
        <FocusBack />
        {session?.account.kind === 'person' ? (
          <ByMicrosoft onCancel={() => close(false)} />
        ) : (
          <ByPassword onProven={() => close(true)} onCancel={() => close(false)} />
        )}
      </DialogSurface>
    </Dialog>
  )
}

function ByPassword({ onProven, onCancel }: { readonly onProven: () => void; readonly onCancel: () => void }) {
  const styles = useStyles()
  const queries = useQueryClient()
  const typed = usePasswordAndCode('password-wrong')
  const proving = useMutation({
    mutationFn: () => call(API.proveAgain, { body: typed.given }),
    onSuccess: (session) => {
      queries.setQueryData(sessionQuery.queryKey, session)
      onProven()
    },
    onError: typed.refused,
  })
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        if (typed.isTyped && !proving.isPending) proving.mutate()
      }}
    >
      <DialogBody>
        <DialogTitle>{texts.title}</DialogTitle>
        <DialogContent className={styles.content}>
          <Text>{texts.text}</Text>
          <PasswordAndCodeFields typed={typed} texts={texts} isFirst />
          {proving.error === null || isCodeAsked(proving.error) ? null : (
            <Failed title={texts.failed} error={proving.error} />
          )}
        </DialogContent>
        <DialogActions>
          <Button onClick={onCancel}>{shell.cancel}</Button>
          <Button type="submit" appearance="primary" disabledFocusable={!typed.isTyped || proving.isPending}>
            {texts.confirm}
          </Button>
        </DialogActions>
      </DialogBody>
    </form>
  )
}

function ByMicrosoft({ onCancel }: { readonly onCancel: () => void }) {
  const styles = useStyles()
  const going = useMutation({
    mutationFn: () => call(API.proveAtMicrosoft, { body: { returnTo: `${location.pathname}${location.search}` } }),
    onSuccess: ({ url }) => location.assign(url),
  })
  return (
    <DialogBody>
      <DialogTitle>{texts.title}</DialogTitle>
      <DialogContent className={styles.content}>
        <Text>{texts.text}</Text>
        <Text>{texts.microsoftText}</Text>
        {going.error === null ? null : <Failed title={texts.failed} error={going.error} />}
      </DialogContent>
      <DialogActions>
        <Button onClick={onCancel}>{shell.cancel}</Button>
        <Button
          appearance="primary"
          autoFocus
          // Who was asked by the browser whether he wants to leave may have stayed.
          disabledFocusable={going.isPending}
          onClick={() => going.mutate()}
        >
          {texts.microsoft}
        </Button>
      </DialogActions>
    </DialogBody>
  )
}

/** What the way to Microsoft and back has come to stands behind the # of the page that was left. */
function useReturned(): void {
  const toasts = useToasts()
  useEffect(() => {
    const found = /^#proof=([\w-]+)$/.exec(location.hash)?.[1]
    if (found === undefined) return
    history.replaceState(history.state, '', `${location.pathname}${location.search}`)
    if (found === 'given') toasts.done(texts.given, texts.givenText)
    else toasts.failed(texts.notGiven, new Error(reasonOf(found)))
  }, [toasts])
}

function reasonOf(code: string): string {
  return Object.entries(texts.reasons).find(([known]) => known === code)?.[1] ?? texts.otherwise
}
