// Saving a file that the server gives out after a recent proof only: a link alone would open its refusal as a page.
import type { MouseEvent } from 'react'
import { API } from '../../contract/api/api.ts'
import { call } from '../api.ts'
import { proveNow } from '../proof.ts'
import { shell } from '../texts/shell.ts'
import { useToasts } from './toasts.tsx'

/** @returns for the click on a link that saves a file: first asks for the proof where there is none */
export function useSaveProven(): (event: MouseEvent<HTMLElement>) => void {
  const toasts = useToasts()
  return (event) => {
    event.preventDefault()
    const href = event.currentTarget.getAttribute('href') ?? ''
    void (async () => {
      try {
        const { provenUntil } = await call(API.getSession, {})
        if (provenUntil !== null || (await proveNow())) save(href)
      } catch (error) {
        toasts.failed(shell.notSaved, error)
      }
    })()
  }
}

function save(href: string): void {
  const link = document.createElement('a')
  link.href = href
  link.download = ''
  document.body.append(link)
  link.click()
  link.remove()
}
