// Light or dark: as the system says, or as somebody chose here.
import { webDarkTheme, webLightTheme, type Theme } from '@fluentui/react-components'
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'

export type Appearance = 'system' | 'light' | 'dark'

const KEY = 'muster.appearance'
const DARK = '(prefers-color-scheme: dark)'

interface AppearanceState {
  readonly appearance: Appearance
  readonly isDark: boolean
  readonly choose: (appearance: Appearance) => void
}

const AppearanceContext = createContext<AppearanceState | undefined>(undefined)

export function AppearanceProvider({ children }: { readonly children: (theme: Theme) => ReactNode }) {
  const [appearance, setAppearance] = useState<Appearance>(readChosen)
  const [isSystemDark, setSystemDark] = useState(() => matchMedia(DARK).matches)
  useEffect(() => {
    const media = matchMedia(DARK)
    const follow = () => setSystemDark(media.matches)
    media.addEventListener('change', follow)
    return () => media.removeEventListener('change', follow)
  }, [])
  const isDark = appearance === 'dark' || (appearance === 'system' && isSystemDark)
  useEffect(() => {
    document.querySelector('meta[name="color-scheme"]')?.setAttribute('content', isDark ? 'dark' : 'light')
  }, [isDark])
  const state = useMemo<AppearanceState>(
    () => ({
      appearance,
      isDark,
      choose(next) {
        if (next === 'system') localStorage.removeItem(KEY)
        else localStorage.setItem(KEY, next)
        setAppearance(next)
      },
    }),
    [appearance, isDark],
  )
  return <AppearanceContext value={state}>{children(isDark ? webDarkTheme : webLightTheme)}</AppearanceContext>
}

export function useAppearance(): AppearanceState {
  const state = useContext(AppearanceContext)
  if (state === undefined) throw new Error('useAppearance is used outside of AppearanceProvider')
  return state
}

function readChosen(): Appearance {
  const kept = localStorage.getItem(KEY)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}
