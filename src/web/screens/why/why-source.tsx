// What one source has to do with somebody: whether it wants and owns him, why, and what its next run would do.
import { Badge, makeStyles, MessageBar, MessageBarBody, MessageBarTitle, Text } from '@fluentui/react-components'
import type { ExplainedSource } from '../../../contract/explanation.ts'
import { type Fact, Facts } from '../../components/facts.tsx'
import { Section } from '../../components/page.tsx'
import { RunLink } from '../../components/run-link.tsx'
import { changeInWords, OldAndNew } from '../../components/values.tsx'
import { reasonInWords } from '../../texts/reasons.ts'
import { whyTexts as texts } from '../../texts/users.ts'

const useStyles = makeStyles({
  list: { margin: 0, paddingLeft: '20px' },
})

export function WhySource({ source }: { readonly source: ExplainedSource }) {
  return (
    <Section title={source.source}>
      <div>
        <Badge color={source.owns ? 'brand' : 'informative'}>
          {source.owns ? texts.owns : source.claims ? texts.claims : texts.neither}
        </Badge>
      </div>
      <Facts label={source.source} facts={factsOf(source)} />
      {source.issues.map((issue) => (
        <MessageBar key={`${issue.code} ${issue.message}`} intent="warning" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{issue.message}</MessageBarTitle> {issue.remedy}
          </MessageBarBody>
        </MessageBar>
      ))}
      <Waiting source={source} />
      <Ignored source={source} />
    </Section>
  )
}

function factsOf(source: ExplainedSource): readonly Fact[] {
  const { scope, pairing, next } = source
  return [
    {
      name: texts.scope,
      value: (
        <>
          {scope.sentence}
          {scope.chain.length > 1 ? <Text block>{scope.chain.join(' → ')}</Text> : null}
        </>
      ),
    },
    { name: texts.pairing, value: pairing.sentence },
    {
      name: texts.next,
      value: (
        <>
          {next.sentence}
          <Items items={next.items} />
        </>
      ),
    },
  ]
}

function Items({ items }: { readonly items: ExplainedSource['next']['items'] }) {
  const styles = useStyles()
  if (items.length === 0) return null
  return (
    <ul className={styles.list}>
      {items.map((item, place) => (
        <li key={place}>
          {changeInWords(item)}: {item.name} · {reasonInWords(item)}
          <OldAndNew old={item.old} new={item.new} />
        </li>
      ))}
    </ul>
  )
}

function Waiting({ source: { waiting } }: { readonly source: ExplainedSource }) {
  if (waiting === null) return null
  return (
    <MessageBar intent="warning" layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>
          <RunLink run={waiting.run}>{texts.waiting(waiting.run)}</RunLink>
        </MessageBarTitle>
        <Items items={waiting.items} />
      </MessageBarBody>
    </MessageBar>
  )
}

function Ignored({ source: { ignoredGroups } }: { readonly source: ExplainedSource }) {
  const styles = useStyles()
  if (ignoredGroups.length === 0) return null
  return (
    <>
      <Text weight="semibold">{texts.ignored}</Text>
      <ul className={styles.list}>
        {ignoredGroups.map(({ objectId, name, sentence }) => (
          <li key={objectId}>
            {name ?? objectId}: {sentence}
          </li>
        ))}
      </ul>
    </>
  )
}
