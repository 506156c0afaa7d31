// What passwords are made of that are tried first: a published list of the most common ones, and what that leaves out.

/** So many of the list are taken out of a password as its parts; all of it is refused as a whole password. */
const AS_PARTS = 3_000
/** Shorter ones stand in every other word by chance. */
const SHORTEST_PART = 4

/**
 * Words of administrators and systems, of months and seasons, and the phrase that everybody has read about: the list has passwords that
 * were really found, most of them English.
 */
const MORE_WORDS = `
admin administrator root user login signin signon test super superuser sysadmin system server network backup database oracle postgres mysql
router security safe vault token key code pin office windows linux cloud azure entra microsoft directory account private public company
temporary temp example sample guest demo changeme default
passwort passwd passw password pass willkommen geheim hallo qwertz azerty sommer winter herbst fruehling deutschland berlin austria swiss schweiz firma
motdepasse bonjour soleil contrasena contraseña senha heslo haslo parola salasana wachtwoord losenord passord adgangskode
january february march april may june july august september october november december monday tuesday wednesday thursday friday saturday sunday
januar februar marz maerz mai juni juli oktober dezember montag dienstag mittwoch donnerstag freitag samstag sonntag
correct horse battery staple star wars your yourpassword mypassword mypass
one two three four five six seven eight nine zero year new old this that the and you are
`

/** Small letters, as they are typed. */
export interface CommonPasswords {
  readonly parts: readonly string[]
  readonly whole: readonly string[]
}

/** Read when a password is chosen, and not before: nobody needs 50,000 words to serve a page. */
export async function readCommonPasswords(): Promise<CommonPasswords> {
  const { dictionary } = await import('@zxcvbn-ts/language-common')
  const whole = dictionary['passwords-common']
  const parts = whole.slice(0, AS_PARTS).filter((word) => word.length >= SHORTEST_PART)
  return { parts: [...parts, ...MORE_WORDS.trim().split(/\s+/)], whole }
}
