// A search whose text is kept with the page, mostly in its address: asked for when one stops typing, so that not every letter is a request.
import { Field, SearchBox as FluentSearchBox } from '@fluentui/react-components'
import { useRouter } from '@tanstack/react-router'
import { useEffect, useState } from 'react'

const PAUSE_MS = 250

export function SearchBox(props: {
  readonly label: string
  readonly placeholder?: string
  readonly text: string | undefined
  readonly search: (text: string | undefined) => void
  readonly className?: string
}) {
  const { text, search } = props
  const router = useRouter()
  const [page] = useState(() => router.history.location.pathname)
  const [typed, setTyped] = useState(text ?? '')
  const [before, setBefore] = useState(text)
  /** What this field has put into the address and is not there yet; one goes on typing meanwhile. */
  const [sent, setSent] = useState<readonly string[]>([])
  // Going back, or clearing all filters, changes the address behind the field's back.
  if (before !== text) {
    setBefore(text)
    const own = sent.indexOf(text ?? '')
    setSent(sent.slice(own + 1))
    if (own === -1 && (text ?? '') !== typed.trim()) setTyped(text ?? '')
  }
  useEffect(() => {
    const wanted = typed.trim()
    if (wanted === (text ?? '')) return undefined
    const timer = setTimeout(() => {
      // Somebody who follows a link at once is on his way: the search must not call him back.
      if (router.history.location.pathname !== page) return
      setSent((before) => [...before, wanted])
      search(wanted === '' ? undefined : wanted)
    }, PAUSE_MS)
    return () => clearTimeout(timer)
  }, [typed, text, search, router, page])
  return (
    <Field label={props.label} {...(props.className === undefined ? {} : { className: props.className })}>
      <FluentSearchBox
        value={typed}
        placeholder={props.placeholder ?? ''}
        maxLength={200}
        onChange={(_event, { value }) => setTyped(value)}
      />
    </Field>
  )
}
