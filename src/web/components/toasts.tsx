// Short news at the lower right: that something was done, or could not be. Mistakes in a form stand at their field instead.
import {
  Link,
  Toast,
  ToastBody,
  Toaster,
  ToastTitle,
  ToastTrigger,
  useId,
  useToastController,
} from '@fluentui/react-components'
import { createContext, type ReactNode, useContext, useMemo } from 'react'
import { ApiError } from '../api.ts'
import { shell } from '../texts/shell.ts'

interface Toasts {
  done(title: string, body?: string): void
  /** It was done, and there is something to know about it. Stays until it is closed. */
  doneWith(title: string, remarks: readonly string[]): void
  /** Stays until it is closed. */
  failed(title: string, error: unknown): void
}

const ToastContext = createContext<Toasts | undefined>(undefined)

export function ToastProvider({ children }: { readonly children: ReactNode }) {
  const toasterId = useId('toaster')
  const { dispatchToast } = useToastController(toasterId)
  const toasts = useMemo<Toasts>(
    () => ({
      done(title, body) {
        dispatchToast(
          <Toast>
            <ToastTitle>{title}</ToastTitle>
            {body === undefined ? null : <ToastBody>{body}</ToastBody>}
          </Toast>,
          // There is nothing to do in it, and the library keeps Tab inside until Escape.
          { intent: 'success', timeout: 5_000, root: { tabIndex: -1 } },
        )
      },
      doneWith(title, remarks) {
        dispatchToast(<Lasting title={title} text={remarks.join('\n')} />, { intent: 'warning', timeout: -1 })
      },
      failed(title, error) {
        dispatchToast(<Lasting title={title} text={sentenceOf(error)} />, { intent: 'error', timeout: -1 })
      },
    }),
    [dispatchToast],
  )
  return (
    <ToastContext value={toasts}>
      {children}
      <Toaster toasterId={toasterId} position="bottom-end" />
    </ToastContext>
  )
}

function Lasting(props: { readonly title: string; readonly text: string }) {
  return (
    <Toast>
      <ToastTitle
        action={
          <ToastTrigger>
            <Link>{shell.close}</Link>
          </ToastTrigger>
        }
      >
        {props.title}
      </ToastTitle>
      <ToastBody>{props.text}</ToastBody>
    </Toast>
  )
}

export function useToasts(): Toasts {
  const toasts = useContext(ToastContext)
  if (toasts === undefined) throw new Error('useToasts is used outside of ToastProvider')
  return toasts
}

/** What happened, for people. */
export function sentenceOf(error: unknown): string {
  if (error instanceof ApiError) {
    const { detail, problems = [] } = error.problem
    return problems.length === 0
      ? detail
      : problems.map((p) => (p.at === '' ? p.message : `${p.at}: ${p.message}`)).join('\n')
  }
  return error instanceof Error ? error.message : String(error)
}
