// A backup of everything, as a file; and the key file, which is not in it.
import { Button, makeStyles, MessageBar, MessageBarBody, MessageBarTitle, Text } from '@fluentui/react-components'
import { SaveRegular } from '@fluentui/react-icons/svg/save'
import { API } from '../../../contract/api/api.ts'
import { addressOf } from '../../api.ts'
import { Breakable } from '../../components/breakable.tsx'
import { useSaveProven } from '../../components/proven-file.ts'
import { Section } from '../../components/page.tsx'
import { backupTexts as texts } from '../../texts/backup.ts'

const useStyles = makeStyles({ text: { maxWidth: '75ch' }, body: { overflowWrap: 'anywhere' } })

export function Backup({ keyFile }: { readonly keyFile: string }) {
  const styles = useStyles()
  const saveProven = useSaveProven()
  return (
    <Section title={texts.backup}>
      <Text className={styles.text}>{texts.backupText}</Text>
      <MessageBar intent="warning" layout="multiline">
        <MessageBarBody className={styles.body}>
          <MessageBarTitle>{texts.key}</MessageBarTitle>
          <Breakable text={texts.keyText(keyFile)} />
        </MessageBarBody>
      </MessageBar>
      <div>
        <Button as="a" href={addressOf(API.getBackup, {})} download icon={<SaveRegular />} onClick={saveProven}>
          {texts.download}
        </Button>
      </div>
      <Text className={styles.text}>
        {texts.audited} <code>{texts.command}</code>
      </Text>
    </Section>
  )
}
