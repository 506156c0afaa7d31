// A password, and the code of a second factor once the server asks for one: to sign in, and to prove anew who one is.
import { Field, Input } from '@fluentui/react-components'
import { useState } from 'react'
import { ApiError } from '../api.ts'

export interface PasswordAndCode {
  readonly password: string
  /** Of the second factor; undefined until the server asks for one. */
  readonly code: string | undefined
  /** Whether all that is asked for was typed. */
  readonly isTyped: boolean
  /** As requests take it. */
  readonly given: { readonly password: string; readonly code?: string }
  readonly setPassword: (password: string) => void
  readonly setCode: (code: string) => void
  /** Takes away what the server says is wrong, and asks for a code where it does. */
  readonly refused: (error: unknown) => void
}

/** @param wrong what the server calls a wrong password here */
export function usePasswordAndCode(wrong: string): PasswordAndCode {
  const [password, setPassword] = useState('')
  const [code, setCode] = useState<string>()
  return {
    password,
    code,
    isTyped: password !== '' && code !== '',
    given: { password, ...(code === undefined ? {} : { code }) },
    setPassword,
    setCode,
    refused: (error) => {
      const told = codeOf(error)
      if (told === 'second-factor-needed' || told === 'second-factor-wrong') setCode('')
      // Whatever else it was, what was typed was not looked at or may be right: one need not type it again.
      else if (told === wrong) {
        setPassword('')
        setCode(undefined)
      }
    },
  }
}

/** Whether this is no failure: the server asks for a code. */
export function isCodeAsked(error: unknown): boolean {
  return codeOf(error) === 'second-factor-needed'
}

function codeOf(error: unknown): string | undefined {
  return error instanceof ApiError ? error.problem.code : undefined
}

export function PasswordAndCodeFields(props: {
  readonly typed: PasswordAndCode
  readonly texts: { readonly password: string; readonly code: string; readonly codeHint: string }
  /** Where nothing is to be typed before. */
  readonly isFirst?: boolean
}) {
  const { typed, texts, isFirst = false } = props
  return (
    <>
      <Field label={texts.password} required>
        <Input
          name="password"
          type="password"
          autoComplete="current-password"
          autoFocus={isFirst}
          value={typed.password}
          onChange={(_event, { value }) => typed.setPassword(value)}
        />
      </Field>
      {typed.code === undefined ? null : (
        <Field label={texts.code} hint={texts.codeHint} required>
          <Input
            name="one-time-code"
            autoComplete="one-time-code"
            autoFocus
            value={typed.code}
            onChange={(_event, { value }) => typed.setCode(value)}
          />
        </Field>
      )}
    </>
  )
}
