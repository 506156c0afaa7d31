// One's own second factor: on in three steps (password, first code, recovery codes), new recovery codes, off.
import { Button, Field, Input, makeStyles, Text, tokens } from '@fluentui/react-components'
import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { QrCode } from '../../components/qr-code.tsx'
import { Failed } from '../../components/states.tsx'
import { useToasts } from '../../components/toasts.tsx'
import { formatDay } from '../../format.ts'
import { accessTexts as texts } from '../../texts/access.ts'

const useStyles = makeStyles({
  stack: { display: 'flex', flexDirection: 'column', alignItems: 'start', gap: '16px', maxWidth: '420px' },
  buttons: { display: 'flex', flexWrap: 'wrap', gap: '8px' },
  secret: { fontFamily: tokens.fontFamilyMonospace, overflowWrap: 'anywhere' },
  codes: {
    display: 'grid',
    gridTemplateColumns: 'repeat(2, max-content)',
    gap: '8px 24px',
    margin: 0,
    padding: 0,
    listStyleType: 'none',
    fontFamily: tokens.fontFamilyMonospace,
  },
})

export const factorQuery = queryOptions({
  queryKey: ['second-factor'],
  queryFn: ({ signal }) => call(API.getSecondFactor, {}, { signal }),
})

export function OwnSecondFactor() {
  const { data, error, refetch } = useQuery(factorQuery)
  const [enrolment, setEnrolment] = useState<{ secret: string; uri: string }>()
  const [codes, setCodes] = useState<readonly string[]>()
  if (error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (codes !== undefined) return <RecoveryCodes codes={codes} done={() => setCodes(undefined)} />
  if (enrolment !== undefined)
    return (
      <FirstCode
        {...enrolment}
        done={(made) => {
          setEnrolment(undefined)
          setCodes(made)
        }}
      />
    )
  if (data === undefined) return null
  return data.isOn ? (
    <On since={data.since} left={data.recoveryCodesLeft} show={setCodes} />
  ) : (
    <Off begin={setEnrolment} />
  )
}

function Off({ begin }: { readonly begin: (enrolment: { secret: string; uri: string }) => void }) {
  const styles = useStyles()
  const [password, setPassword] = useState('')
  return (
    <div className={styles.stack}>
      <Text>{texts.factorOff}</Text>
      <ActionDialog
        trigger={<Button>{texts.turnOn}</Button>}
        title={texts.turnOnTitle}
        action={texts.turnOn}
        isReady={password !== ''}
        onOpen={() => setPassword('')}
        act={async () => begin(await call(API.beginSecondFactor, { body: { password } }))}
      >
        <Text>{texts.turnOnText}</Text>
        <PasswordField value={password} set={setPassword} />
      </ActionDialog>
    </div>
  )
}

function FirstCode(props: {
  readonly secret: string
  readonly uri: string
  /** With the recovery codes; without them where it was left. */
  readonly done: (codes: readonly string[] | undefined) => void
}) {
  const styles = useStyles()
  const queries = useQueryClient()
  const toasts = useToasts()
  const [code, setCode] = useState('')
  const confirming = useMutation({
    mutationFn: () => call(API.confirmSecondFactor, { body: { code } }),
    onSuccess: ({ recoveryCodes }) => {
      props.done(recoveryCodes)
      toasts.done(texts.factorIsOn)
      void queries.invalidateQueries({ queryKey: ['second-factor'] })
      void queries.invalidateQueries({ queryKey: ['sessions'] })
    },
    onError: () => setCode(''),
  })
  return (
    <form
      className={styles.stack}
      onSubmit={(event) => {
        event.preventDefault()
        if (code !== '') confirming.mutate()
      }}
    >
      <Text>{texts.scan}</Text>
      <QrCode text={props.uri} label={texts.qrCode} size={220} />
      <Field label={texts.typeInstead}>
        <output className={styles.secret}>{props.secret}</output>
      </Field>
      {confirming.error === null ? null : <Failed error={confirming.error} />}
      <CodeField label={texts.firstCode} value={code} set={setCode} />
      <div className={styles.buttons}>
        <Button type="submit" appearance="primary" disabledFocusable={confirming.isPending}>
          {texts.confirm}
        </Button>
        <Button onClick={() => props.done(undefined)}>{texts.cancel}</Button>
      </div>
    </form>
  )
}

function RecoveryCodes({ codes, done }: { readonly codes: readonly string[]; readonly done: () => void }) {
  const styles = useStyles()
  return (
    <div className={styles.stack}>
      <Text>{texts.recoveryCodesText}</Text>
      <ul className={styles.codes} aria-label={texts.recoveryCodes}>
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <Button appearance="primary" onClick={done}>
        {texts.kept}
      </Button>
    </div>
  )
}

function On(props: {
  readonly since: string | null
  readonly left: number
  readonly show: (codes: readonly string[]) => void
}) {
  const styles = useStyles()
  const queries = useQueryClient()
  const [form, setForm] = useState(EMPTY)
  const common = { isReady: form.password !== '' && form.code !== '', onOpen: () => setForm(EMPTY) }
  const fields = (
    <>
      <PasswordField value={form.password} set={(password) => setForm({ ...form, password })} />
      <CodeField label={texts.anyCode} value={form.code} set={(code) => setForm({ ...form, code })} />
    </>
  )
  const again = () => queries.invalidateQueries({ queryKey: ['second-factor'] })
  return (
    <div className={styles.stack}>
      <Text>
        {texts.factorOn(props.since === null ? '' : formatDay(props.since))}. {texts.codesLeft(props.left)}
      </Text>
      <div className={styles.buttons}>
        <ActionDialog
          {...common}
          trigger={<Button>{texts.newCodes}</Button>}
          title={texts.newCodes}
          action={texts.newCodes}
          act={async () => {
            const { recoveryCodes } = await call(API.renewRecoveryCodes, { body: form })
            props.show(recoveryCodes)
            await again()
          }}
        >
          <Text>{texts.newCodesText}</Text>
          {fields}
        </ActionDialog>
        <ActionDialog
          {...common}
          trigger={<Button>{texts.turnOff}</Button>}
          title={texts.turnOffTitle}
          action={texts.turnOff}
          act={async () => {
            await call(API.endSecondFactor, { body: form })
            await again()
          }}
        >
          {fields}
        </ActionDialog>
      </div>
    </div>
  )
}

const EMPTY = { password: '', code: '' }

interface FieldProps {
  readonly value: string
  readonly set: (value: string) => void
}

function PasswordField({ value, set }: FieldProps) {
  return (
    <Field label={texts.currentPassword} required>
      <Input
        type="password"
        autoComplete="current-password"
        value={value}
        onChange={(_event, { value: typed }) => set(typed)}
      />
    </Field>
  )
}

function CodeField({ label, value, set }: FieldProps & { readonly label: string }) {
  return (
    <Field label={label} required>
      <Input autoComplete="one-time-code" value={value} onChange={(_event, { value: typed }) => set(typed)} />
    </Field>
  )
}
