// The panel of a source: General | Users | Groups, and Save, which shows first whom it would change.
import {
  Badge,
  Button,
  DrawerBody,
  DrawerFooter,
  DrawerHeader,
  DrawerHeaderTitle,
  makeStyles,
  mergeClasses,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  OverlayDrawer,
  Tab,
  TabList,
  Text,
} from '@fluentui/react-components'
import { DismissRegular } from '@fluentui/react-icons/svg/dismiss'
import { Activity, useRef, useState } from 'react'
import { useDiscardGuard } from '../../../components/discard-guard.tsx'
import { FocusBack } from '../../../components/focus-back.tsx'
import { Failed, Loading } from '../../../components/states.tsx'
import { editorTexts as texts } from '../../../texts/editor.ts'
import { shell } from '../../../texts/shell.ts'
import { DraftContext } from './draft.ts'
import { EarlierSettings } from './earlier-settings.tsx'
import { GeneralTab } from './general-tab.tsx'
import { GroupsTab } from './groups-tab.tsx'
import { ImpactDialog } from './impact-dialog.tsx'
import { RemoveSource } from './remove-source.tsx'
import { type AfterSaving, useSaving } from './saving.ts'
import { useEditedSource, type EditedSource } from './edited-source.ts'
import { UsersTab } from './users-tab.tsx'

const TABS = ['general', 'users', 'groups'] as const
type TabName = (typeof TABS)[number]

const useStyles = makeStyles({
  drawer: { width: 'min(880px, 100vw)' },
  body: { display: 'flex', flexDirection: 'column', gap: '16px', paddingTop: '16px', paddingBottom: '32px' },
  still: { opacity: 0.6 },
  footer: { flexWrap: 'wrap' },
  // A line of its own on phones, kept also while nothing is to be told: what is below it may not move.
  note: { marginRight: 'auto', '@media (max-width: 640px)': { order: -1, flexBasis: '100%', minHeight: '20px' } },
  tab: { display: 'flex', flexDirection: 'column', gap: '16px' },
})

interface Props {
  /** Left out: a new one. */
  readonly source?: string
  readonly onClose: () => void
  /** A new source was made, or one was saved. */
  readonly onSaved: (name: string, after: AfterSaving | 'created') => void
}

export function SourceEditor(props: Props) {
  const styles = useStyles()
  const edited = useEditedSource(props.source)
  const { close, question } = useDiscardGuard({
    isChanged: edited.isChanged,
    text: texts.discardText,
    onClose: props.onClose,
  })
  return (
    <OverlayDrawer
      open
      position="end"
      className={styles.drawer}
      onOpenChange={(_event, { open }) => {
        if (!open) close()
      }}
    >
      <FocusBack />
      <DrawerHeader>
        <DrawerHeaderTitle
          action={<Button appearance="subtle" icon={<DismissRegular />} aria-label={shell.close} onClick={close} />}
        >
          {props.source === undefined ? texts.newTitle : texts.editTitle(props.source)}
        </DrawerHeaderTitle>
      </DrawerHeader>
      {edited.isReady ? (
        <Form {...props} edited={edited} close={close} />
      ) : (
        <DrawerBody>
          {edited.error === null ? <Loading /> : <Failed error={edited.error} retry={edited.retry} />}
        </DrawerBody>
      )}
      {question}
    </OverlayDrawer>
  )
}

function Form(props: Props & { readonly edited: EditedSource; readonly close: () => void }) {
  const styles = useStyles()
  const { edited, source } = props
  const [tab, setTab] = useState<TabName>('general')
  /** Tabs that were looked at stay, with what is typed in them. */
  const [visited, setVisited] = useState<ReadonlySet<TabName>>(new Set(['general']))
  const show = (next: TabName) => {
    setTab(next)
    setVisited((before) => new Set([...before, next]))
  }
  /** The number of the earlier settings that were filled in. */
  const [taken, setTaken] = useState<number | undefined>(undefined)
  const body = useRef<HTMLDivElement>(null)
  const saving = useSaving({ source, edited, onSaved: props.onSaved })
  const shown = edited.draft.isTried ? edited.draft.problems : []
  const save = () => {
    edited.setTried()
    const [first] = edited.mistakes
    if (first === undefined) {
      saving.save()
      return
    }
    const wrong = tabOf(first.at)
    show(wrong)
    // The fields of the tab are there with the next frame.
    requestAnimationFrame(() => {
      const panel = body.current?.querySelector(`#panel-${wrong}`)
      placeToCorrect(panel)?.focus()
    })
  }
  return (
    <DraftContext value={edited.draft}>
      <DrawerBody>
        <TabList
          selectedValue={tab}
          onTabSelect={(_event, { value }) => show(TABS.find((one) => one === value) ?? tab)}
        >
          {TABS.map((name) => {
            const count = shown.filter(({ at }) => tabOf(at) === name).length
            return (
              <Tab
                key={name}
                value={name}
                id={`tab-${name}`}
                aria-controls={`panel-${name}`}
                {...(count === 0 ? {} : { 'aria-label': texts.problemsOn(texts.tabs[name], count) })}
              >
                {texts.tabs[name]}
                {count === 0 ? null : (
                  <>
                    {' '}
                    <Badge size="small" color="danger">
                      {count}
                    </Badge>
                  </>
                )}
              </Tab>
            )
          })}
        </TabList>
        {/* Nothing is typed that would be neither looked at nor written, and lost when the panel closes. */}
        <div
          className={mergeClasses(styles.body, saving.isSaving && styles.still)}
          ref={body}
          inert={saving.isSaving}
          aria-busy={saving.isSaving}
        >
          {edited.draft.isReadOnly ? (
            <MessageBar>
              <MessageBarBody>{texts.readOnly}</MessageBarBody>
            </MessageBar>
          ) : null}
          {TABS.filter((name) => visited.has(name)).map((name) => (
            // Asks nothing of the server while another one is shown.
            <Activity key={name} mode={name === tab ? 'visible' : 'hidden'}>
              <div role="tabpanel" id={`panel-${name}`} aria-labelledby={`tab-${name}`} className={styles.tab}>
                {name === 'general' ? <GeneralTab name={edited.name} rename={edited.rename} /> : null}
                {name === 'users' ? <UsersTab source={source} /> : null}
                {name === 'groups' ? <GroupsTab /> : null}
              </div>
            </Activity>
          ))}
          {taken === undefined ? null : (
            <MessageBar intent="info" layout="multiline" role="status">
              <MessageBarBody>
                <MessageBarTitle>{texts.earlier.filledIn(taken)}</MessageBarTitle>
                {texts.earlier.filledInText}
              </MessageBarBody>
            </MessageBar>
          )}
          {edited.isMerged ? (
            <MessageBar intent="warning" layout="multiline" role="alert">
              <MessageBarBody>
                <MessageBarTitle>{texts.mergedTitle}</MessageBarTitle>
                {texts.mergedText}
              </MessageBarBody>
            </MessageBar>
          ) : null}
          {saving.error === null ? null : <Failed title={texts.saveFailed} error={saving.error} />}
        </div>
      </DrawerBody>
      {edited.draft.isReadOnly ? null : (
        <DrawerFooter className={styles.footer}>
          <Button appearance="primary" disabledFocusable={saving.isSaving} onClick={save}>
            {saving.isLooking ? texts.looking : saving.isSaving ? texts.saving : texts.save}
          </Button>
          {saving.isLooking ? (
            <Button onClick={saving.back}>{texts.impact.back}</Button>
          ) : (
            <Button onClick={props.close}>{texts.cancel}</Button>
          )}
          <Text className={styles.note} role="status">
            {saving.isLooking ? texts.lookingText : shown.length === 0 ? '' : texts.toCorrect(shown.length)}
          </Text>
          {source === undefined ? null : (
            <EarlierSettings
              source={source}
              isDisabled={saving.isSaving}
              onTake={(number, settings) => {
                edited.take(settings)
                setTaken(number)
              }}
            />
          )}
          {source === undefined ? null : <RemoveSource source={source} onRemoved={props.onClose} />}
        </DrawerFooter>
      )}
      {saving.impact === undefined ? null : (
        <ImpactDialog impact={saving.impact} people={edited.people} onSave={saving.confirm} onBack={saving.back} />
      )}
    </DraftContext>
  )
}

/** The first field that is wrong; where it offers nothing to choose from, the first one of what is made for it in place. */
function placeToCorrect(panel: Element | null | undefined): HTMLElement | null | undefined {
  return (
    panel?.querySelector<HTMLElement>('[aria-invalid="true"]:not(:disabled)') ??
    panel?.querySelector<HTMLElement>('[data-made-in-place] input:not(:disabled)')
  )
}

function tabOf(at: string): TabName {
  if (at.startsWith('users')) return 'users'
  return at.startsWith('groups') ? 'groups' : 'general'
}
