// Authentication Server: which connection the source reads through. A new one is made in place.
import { Button, Dropdown, makeStyles, Option, Spinner } from '@fluentui/react-components'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { API } from '../../../../contract/api/api.ts'
import { call } from '../../../api.ts'
import { ProofFirst } from '../../../components/proof-first.tsx'
import { Failed } from '../../../components/states.tsx'
import { editorTexts } from '../../../texts/editor.ts'
import { connectionTexts } from '../../../texts/connections.ts'
import { ConnectionForm } from '../../connections/connection-form.tsx'
import { connectionsQuery } from '../../connections/connection-queries.ts'
import { Findings } from '../../connections/findings.tsx'
import { textOf, useSetting } from './draft.ts'
import { SettingField } from './fields.tsx'

const texts = editorTexts.general

const useStyles = makeStyles({
  row: { display: 'flex', flexWrap: 'wrap', gap: '8px', alignItems: 'center' },
  choice: { flexGrow: 1, minWidth: '200px' },
})

export function AuthenticationServer() {
  const styles = useStyles()
  const { value, set, setUnfinished, isReadOnly, needsProof } = useSetting('connection')
  const connection = textOf(value)
  const list = useQuery(connectionsQuery)
  const row = useRef<HTMLDivElement>(null)
  const connections = list.data?.items
  const [isAdding, setAdding] = useState(false)
  const [made, setMade] = useState<string>()
  const check = useMutation({ mutationFn: () => call(API.checkConnection, { params: { connection } }) })
  const first = connections?.[0]?.name
  useEffect(() => {
    if (connections?.length === 0 && !isReadOnly) setAdding(true)
  }, [connections?.length, isReadOnly])
  const end = () => {
    setAdding(false)
    setUnfinished(false)
  }
  const isMadeChosen = made !== undefined && made === connection && first !== undefined
  useEffect(() => {
    // What was made is chosen now: there one goes on.
    if (!isMadeChosen) return
    row.current?.querySelector<HTMLElement>('[role="combobox"]')?.focus()
    setMade(undefined)
  }, [isMadeChosen])
  return (
    <>
      <SettingField path="connection" label={texts.connection} hint={texts.connectionHint} required>
        <div className={styles.row} ref={row}>
          <Dropdown
            className={styles.choice}
            aria-label={texts.connection}
            disabled={isReadOnly || first === undefined}
            value={connection}
            selectedOptions={[connection]}
            onOptionSelect={(_event, { optionValue }) => {
              if (optionValue === undefined) return
              check.reset()
              set(optionValue)
            }}
          >
            {(connections ?? []).map(({ name }) => (
              <Option key={name} value={name}>
                {name}
              </Option>
            ))}
          </Dropdown>
          {isReadOnly ? null : (
            <>
              <Button
                disabledFocusable={connection === '' || check.isPending}
                icon={check.isPending ? <Spinner size="tiny" aria-hidden /> : null}
                onClick={() => check.mutate()}
              >
                {check.isPending ? connectionTexts.checking : connectionTexts.check}
              </Button>
              <Button aria-expanded={isAdding} onClick={() => setAdding(true)}>
                {texts.addNew}
              </Button>
            </>
          )}
        </div>
      </SettingField>
      {needsProof ? <ProofFirst /> : null}
      {list.error !== null && connections === undefined ? (
        <Failed error={list.error} retry={() => void list.refetch()} />
      ) : null}
      {check.error === null ? null : <Failed title={connectionTexts.checkFailed} error={check.error} />}
      {check.data === undefined || isAdding ? null : <Findings findings={check.data.findings} isGood={check.data.ok} />}
      {isAdding ? (
        <div data-made-in-place>
          <ConnectionForm
            onChanged={setUnfinished}
            onSaved={(name) => {
              end()
              check.reset()
              set(name)
              setMade(name)
            }}
            {...(first === undefined ? {} : { onCancel: end })}
          />
        </div>
      ) : null}
    </>
  )
}
