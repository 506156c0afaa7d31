// Signing in with Microsoft on another device: the address as a QR code, the code to type there, and waiting for it.
import { makeStyles, Spinner, tokens } from '@fluentui/react-components'
import { useEffect, useRef, useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { Answered } from '../../../contract/api/endpoint.ts'
import type { Identification } from '../../../contract/api/terminals.ts'
import { call } from '../../api.ts'
import { QrCode } from '../../components/qr-code.tsx'
import type { Spoken } from '../../texts/terminal-page.ts'

const useStyles = makeStyles({
  place: { display: 'flex', flexWrap: 'wrap', alignItems: 'center', justifyContent: 'center', gap: '24px' },
  words: { display: 'flex', flexDirection: 'column', alignItems: 'center', gap: '8px', maxWidth: '100%' },
  address: { overflowWrap: 'anywhere' },
  code: {
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeHero800,
    lineHeight: tokens.lineHeightHero800,
    letterSpacing: '0.1em',
  },
})

interface Props {
  readonly token: string
  readonly texts: Spoken['texts']
  readonly connection: string | undefined
  readonly onAnswer: (answer: Identification) => void
  readonly onFailed: (error: unknown) => void
}

export function DeviceCode(props: Props) {
  const styles = useStyles()
  const { texts } = props
  const begun = useDeviceCode(props)
  if (begun === undefined) return <Spinner delay={300} label={texts.waiting} />
  return (
    <>
      <div className={styles.place}>
        <QrCode text={begun.verificationUri} label={texts.qr} size={180} />
        <div className={styles.words}>
          <p>{texts.scan}</p>
          <span className={styles.address}>{begun.verificationUri}</span>
          <output className={styles.code}>{begun.userCode}</output>
          <p>{texts.onlyHere}</p>
        </div>
      </div>
      <p role="status">{texts.waiting}</p>
    </>
  )
}

type Begun = Answered<typeof API.startDeviceCode>

/** Begins a sign-in, asks how it stands until it has ended, and ends it when the page is left. */
function useDeviceCode({ token, connection, onAnswer, onFailed }: Props): Begun | undefined {
  const [begun, setBegun] = useState<Begun>()
  const latest = useRef({ onAnswer, onFailed })
  useEffect(() => {
    latest.current = { onAnswer, onFailed }
  })
  useEffect(() => {
    const left = new AbortController()
    const options = { terminalToken: token, signal: left.signal }
    const follow = async () => {
      const body = connection === undefined ? {} : { connection }
      const started = await call(API.startDeviceCode, { body }, options)
      setBegun(started)
      const params = { flow: started.flow }
      left.signal.addEventListener('abort', () => {
        // Nobody waits for the answer; what is not ended here ends by itself.
        call(API.endDeviceCode, { params }, { terminalToken: token }).catch(() => undefined)
      })
      for (;;) {
        const answer = await call(API.getDeviceCode, { params }, options)
        if (answer.kind !== 'pending') return answer
        await pause(answer.intervalSeconds * 1_000, left.signal)
      }
    }
    follow().then(
      (answer) => left.signal.aborted || latest.current.onAnswer(answer),
      (error: unknown) => left.signal.aborted || latest.current.onFailed(error),
    )
    return () => left.abort()
  }, [token, connection])
  return begun
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(new Error('left'))
    })
  })
}
