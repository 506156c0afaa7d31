// How the app is registered, for what is chosen in the form.
import { Button, makeStyles, Subtitle2, Text, tokens } from '@fluentui/react-components'
import { queryOptions, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { Asking } from '../../../contract/api/endpoint.ts'
import type { RegistrationStep } from '../../../contract/registration.ts'
import { call } from '../../api.ts'
import { ScrollingDialog } from '../../components/scrolling-dialog.tsx'
import { Failed, Loading } from '../../components/states.tsx'
import { credentialTexts as texts } from '../../texts/credentials.ts'

const useStyles = makeStyles({
  steps: { display: 'flex', flexDirection: 'column', gap: '20px', margin: 0, paddingLeft: '24px' },
  lines: { margin: 0, paddingLeft: '20px', display: 'flex', flexDirection: 'column', gap: '4px' },
  value: { display: 'flex', gap: '8px', alignItems: 'flex-start', marginTop: '8px' },
  code: {
    flexGrow: 1,
    margin: 0,
    padding: '6px 10px',
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    backgroundColor: tokens.colorNeutralBackground3,
    borderRadius: tokens.borderRadiusMedium,
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
  },
})

type Choice = NonNullable<Asking<typeof API.getRegistrationSteps>['query']>

const stepsQuery = (query: Choice) =>
  queryOptions({
    queryKey: ['registration', query],
    queryFn: ({ signal }) => call(API.getRegistrationSteps, { query }, { signal }),
    staleTime: 30_000,
  })

export function Registering({ choice }: { readonly choice: Choice }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <Button onClick={() => setOpen(true)}>{texts.howTo}</Button>
      {isOpen ? (
        <ScrollingDialog
          title={texts.howTo}
          widthOf="text"
          onClose={() => setOpen(false)}
          actions={<Button onClick={() => setOpen(false)}>{texts.close}</Button>}
        >
          <Steps choice={choice} />
        </ScrollingDialog>
      ) : null}
    </>
  )
}

function Steps({ choice }: { readonly choice: Choice }) {
  const styles = useStyles()
  const { data, error, refetch } = useQuery(stepsQuery(choice))
  if (error !== null && data === undefined) return <Failed error={error} retry={() => void refetch()} />
  if (data === undefined) return <Loading />
  return (
    <>
      <Text>{texts.howToIntro}</Text>
      <ol className={styles.steps}>
        {data.steps.map((step) => (
          <li key={step.title}>
            <Step step={step} />
          </li>
        ))}
      </ol>
    </>
  )
}

function Step({ step }: { readonly step: RegistrationStep }) {
  const styles = useStyles()
  return (
    <>
      <Subtitle2 as="h3">{step.title}</Subtitle2>
      <ul className={styles.lines}>
        {step.lines.map((line) => (
          <li key={line}>
            <Text>{line}</Text>
          </li>
        ))}
      </ul>
      {step.values.map(({ label, value }) => (
        <Value key={value} label={label} value={value} />
      ))}
    </>
  )
}

function Value({ label, value }: { readonly label: string; readonly value: string }) {
  const styles = useStyles()
  const [isCopied, setCopied] = useState(false)
  return (
    <div className={styles.value}>
      <pre className={styles.code} aria-label={label}>
        {value}
      </pre>
      {/* The clipboard is missing where the page did not come by https. */}
      {'clipboard' in navigator ? (
        <Button
          size="small"
          onClick={() => {
            void navigator.clipboard.writeText(value).then(() => setCopied(true))
          }}
        >
          {isCopied ? texts.copied : texts.copy}
        </Button>
      ) : null}
    </div>
  )
}
