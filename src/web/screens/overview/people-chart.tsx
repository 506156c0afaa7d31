// Active people over time, as a line; in words for those who cannot see it.
import { makeStyles, Text, tokens } from '@fluentui/react-components'
import type { Overview } from '../../../contract/api/installation.ts'
import { formatDay, formatNumber } from '../../format.ts'
import { overviewTexts as texts } from '../../texts/overview.ts'

const WIDTH = 1000
const HEIGHT = 160

const useStyles = makeStyles({
  figure: { margin: 0, maxWidth: '960px' },
  chart: { display: 'block', width: '100%', height: '160px' },
  area: { fill: tokens.colorBrandBackground2 },
  line: { fill: 'none', stroke: tokens.colorCompoundBrandStroke, strokeWidth: '2px' },
  axis: { display: 'flex', justifyContent: 'space-between', color: tokens.colorNeutralForeground3, gap: '16px' },
})

export function PeopleChart({ days }: { readonly days: Overview['people'] }) {
  const styles = useStyles()
  const first = days[0]
  const last = days.at(-1)
  if (first === undefined || last === undefined || days.length < 2) return <Text>{texts.peopleTooShort}</Text>
  const counts = days.map((day) => day.active)
  const most = Math.max(...counts, 1)
  const least = Math.min(...counts)
  // A line that hardly moves is not blown up to a mountain: the scale spans at least a tenth of the height.
  const floor = Math.max(0, Math.min(least, most - most / 10))
  const points = counts.map(
    (count, place) =>
      `${(place / (counts.length - 1)) * WIDTH},${4 + (1 - (count - floor) / (most - floor)) * (HEIGHT - 8)}`,
  )
  const words = texts.peopleFromTo(
    formatDay(first.day),
    formatNumber(first.active),
    formatDay(last.day),
    formatNumber(last.active),
  )
  return (
    <figure className={styles.figure}>
      <svg
        className={styles.chart}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${texts.people}: ${words}`}
      >
        <polygon className={styles.area} points={`0,${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}`} />
        <polyline className={styles.line} points={points.join(' ')} vectorEffect="non-scaling-stroke" />
      </svg>
      <figcaption className={styles.axis}>
        {[first, last].map((day) => (
          <Text key={day.day} size={200}>
            {formatDay(day.day)}: {formatNumber(day.active)}
          </Text>
        ))}
      </figcaption>
    </figure>
  )
}
