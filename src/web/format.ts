// Numbers, times and counts as people read them.
import { now } from './clock.ts'

const LANGUAGE = 'en'
const numbers = new Intl.NumberFormat(LANGUAGE)
const times = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: 'medium', timeStyle: 'short' })
const clock = new Intl.DateTimeFormat(LANGUAGE, { timeStyle: 'medium', hourCycle: 'h23' })
const days = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: 'medium' })
const exact = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: 'full', timeStyle: 'long' })
const relative = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: 'auto' })

export function formatNumber(value: number): string {
  return numbers.format(value)
}

/** `1 person`, `2,000 people`. */
export function formatCount(count: number, one: string, several: string): string {
  return `${formatNumber(count)} ${count === 1 ? one : several}`
}

export function formatTime(iso: string): string {
  return times.format(new Date(iso))
}

/** With seconds and time zone, for a tooltip. */
export function formatExactTime(iso: string): string {
  return exact.format(new Date(iso))
}

/** `14:03:59`, for logs. */
export function formatClock(iso: string): string {
  return clock.format(new Date(iso))
}

export function formatDay(iso: string): string {
  return days.format(new Date(iso))
}

const STEPS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

/** `5 minutes ago`, `in 2 hours`, `now`. */
export function formatRelative(iso: string): string {
  const seconds = Math.round((new Date(iso).getTime() - now().getTime()) / 1000)
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit)
  }
  return relative.format(0, 'second')
}

/** `1 h 04 min`, `3 min 07 s`, `12 s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return 'under 1\u00a0s'
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 60) return `${seconds}\u00a0s`
  const two = (value: number) => String(value).padStart(2, '0')
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`
}
