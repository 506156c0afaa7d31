// What the settings of the source that is edited were, who saved them, and the way back to them.
import { Badge, Button, makeStyles, Text, tokens } from '@fluentui/react-components'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../../contract/api/api.ts'
import type { SavedSettings } from '../../../../contract/api/sources.ts'
import { call } from '../../../api.ts'
import { Changes } from '../../../components/changes.tsx'
import { ScrollingDialog } from '../../../components/scrolling-dialog.tsx'
import { Failed, Loading } from '../../../components/states.tsx'
import { Time } from '../../../components/time.tsx'
import { accessTexts } from '../../../texts/access.ts'
import { editorTexts } from '../../../texts/editor.ts'
import { shell } from '../../../texts/shell.ts'

const texts = editorTexts.earlier

const useStyles = makeStyles({
  list: { listStyleType: 'none', margin: 0, padding: 0, display: 'flex', flexDirection: 'column', gap: '16px' },
  one: {
    display: 'flex',
    flexDirection: 'column',
    gap: '4px',
    paddingTop: '12px',
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  head: { display: 'flex', flexWrap: 'wrap', gap: '8px', alignItems: 'center' },
  who: { marginRight: 'auto', color: tokens.colorNeutralForeground2 },
})

interface Props {
  readonly source: string
  /** Somebody wants to go back to these. */
  readonly onTake: (number: number, settings: Readonly<Record<string, unknown>>) => void
}

export function EarlierSettings({ source, isDisabled, onTake }: Props & { readonly isDisabled: boolean }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <Button appearance="subtle" disabledFocusable={isDisabled} onClick={() => setOpen(true)}>
        {texts.open}
      </Button>
      {isOpen ? (
        <List
          source={source}
          onClose={() => setOpen(false)}
          onTake={(number, settings) => {
            setOpen(false)
            onTake(number, settings)
          }}
        />
      ) : null}
    </>
  )
}

function List({ source, onTake, onClose }: Props & { readonly onClose: () => void }) {
  const styles = useStyles()
  const saved = useQuery({
    queryKey: ['source', source, 'settings'],
    queryFn: ({ signal }) => call(API.listSourceSettings, { params: { source } }, { signal }),
    staleTime: 0,
    gcTime: 0,
  })
  const take = useMutation({
    mutationFn: (number: number) => call(API.getSourceSettings, { params: { source, number: String(number) } }),
  })
  // What comes after the dialog was closed is not put into the form: callbacks of `mutate` end with the component, those of the hook do not.
  const putBack = (number: number) => take.mutate(number, { onSuccess: (kept) => onTake(kept.number, kept.settings) })
  const items = saved.data?.items
  return (
    <ScrollingDialog
      title={texts.title(source)}
      widthOf="text"
      onClose={onClose}
      actions={<Button onClick={onClose}>{shell.close}</Button>}
    >
      <Text>{texts.text}</Text>
      {take.error === null ? null : <Failed error={take.error} />}
      {items !== undefined ? (
        items.length === 0 ? (
          <Text>{texts.none}</Text>
        ) : (
          <ol className={styles.list}>
            {items.map((one, place) => (
              <Saved
                key={one.number}
                saved={one}
                isOldest={place === items.length - 1}
                isBusy={take.isPending}
                onTake={() => putBack(one.number)}
              />
            ))}
          </ol>
        )
      ) : saved.error === null ? (
        <Loading />
      ) : (
        <Failed error={saved.error} retry={() => void saved.refetch()} />
      )}
    </ScrollingDialog>
  )
}

function Saved(props: {
  readonly saved: SavedSettings
  readonly isOldest: boolean
  readonly isBusy: boolean
  readonly onTake: () => void
}) {
  const styles = useStyles()
  const { number, savedAt, savedBy, changes, isCurrent } = props.saved
  return (
    <li className={styles.one}>
      <div className={styles.head}>
        <Text weight="semibold">{texts.number(number)}</Text>
        <Time at={savedAt} />
        <Text className={styles.who}>
          {savedBy === null ? texts.unknown : texts.by(savedBy.name, accessTexts.actorKinds[savedBy.kind])}
        </Text>
        {isCurrent ? (
          <Badge appearance="tint">{texts.current}</Badge>
        ) : (
          <Button
            size="small"
            aria-label={texts.putBackNumber(number)}
            disabledFocusable={props.isBusy}
            onClick={props.onTake}
          >
            {texts.putBack}
          </Button>
        )}
      </div>
      {props.isOldest ? <Text size={200}>{texts.oldest}</Text> : <Changes changes={changes} />}
    </li>
  )
}
