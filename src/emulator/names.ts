// Names, departments and places that generated people have. Chosen to be awkward: accents, apostrophes, scripts,
// names of one letter and names that fold to the same user name.

export const GIVEN_NAMES: readonly string[] = [
  ...'Anna Bruno Carla David Elena Frank Greta Hugo Irene Jakub Karel Lucie Martin Nora Otto Petra Quentin Rosa'.split(
    ' ',
  ),
  ...'Simon Tereza Ute Viktor Wanda Xaver Yara Zita Zoë Łukasz Søren Åsa Émile Björn Çağla Đorđe Íris Ñusta Øyvind'.split(
    ' ',
  ),
  ...'Renée François Jürgen Šárka Žofie Ștefan Siobhán Nguyễn Anh Li Wei Mei Priya Arjun Fatima Omar Aisha Kwame'.split(
    ' ',
  ),
  ...'James Mary Robert Linda Michael Susan William Karen Daniel Emma Olivia Liam Noah Mia Ava Ella Jack Lily'.split(
    ' ',
  ),
  'José María',
  'Anne-Marie',
  "D'Arcy",
  'Jean-Luc',
  'Иван',
  'Ольга',
  'Γιώργος',
  'محمد',
  '美咲',
  '伟',
  '지우',
  'J',
]

export const SURNAMES: readonly string[] = [
  ...'Novák Svobodová Dvořák Černý Procházka Müller Schmidt Weiß Fischer Schröder Rossi Bianchi García Martínez'.split(
    ' ',
  ),
  ...'López Dubois Lefèvre Moreau Jansen Larsen Jørgensen Ångström Öberg Kowalski Wiśniewska Nagy Szőke Popescu'.split(
    ' ',
  ),
  ...'Yılmaz Öztürk Smith Johnson Williams Brown Jones Miller Davis Wilson Taylor Clark Lewis Walker Hall Young'.split(
    ' ',
  ),
  ...'King Wright Hill Green Baker Adams Nelson Carter Mitchell Roberts Turner Phillips Campbell Parker Evans'.split(
    ' ',
  ),
  ...'Patel Singh Kumar Nguyen Tran Kim Park Chen Wang Zhang Tanaka Suzuki Haddad Okafor Mensah Ba Ng Wu E'.split(' '),
  "O'Brien",
  "O'Neill",
  "D'Angelo",
  "N'Dour",
  'van den Berg',
  'de la Cruz',
  'von Stein',
  'Smith-Jones',
  'Петров',
  'Παπαδόπουλος',
  'الهاشمي',
  '山田',
  '김',
]

export const DEPARTMENTS: readonly string[] = [
  'Sales',
  'Marketing',
  'Finance',
  'Human Resources',
  'Legal & Compliance',
  'Engineering',
  'Research/Development',
  'Customer Support',
  'Facilities',
  'Přípravna tisku',
  'Logística',
  'Entwicklung',
  'IT',
  'Executive Office',
]

export const COMPANIES: readonly string[] = [
  'Contoso',
  'Contoso Česko s.r.o.',
  'Contoso GmbH',
  'Fabrikam, Inc.',
  'Northwind Traders',
]

export const JOB_TITLES: readonly string[] = [
  'Accountant',
  'Account Manager',
  'Analyst',
  'Assistant',
  'Consultant',
  'Developer',
  'Director',
  'Engineer',
  'Intern',
  'Manager',
  'Operator',
  'Specialist',
  'Technician',
  'Vedoucí směny',
]

export const CITIES: readonly (readonly [city: string, country: string, usageLocation: string, language: string])[] = [
  ['Praha', 'Czechia', 'CZ', 'cs-CZ'],
  ['Berlin', 'Germany', 'DE', 'de-DE'],
  ['Redmond', 'United States', 'US', 'en-US'],
  ['London', 'United Kingdom', 'GB', 'en-GB'],
  ['São Paulo', 'Brazil', 'BR', 'pt-BR'],
  ['Kraków', 'Poland', 'PL', 'pl-PL'],
  ['東京', 'Japan', 'JP', 'ja-JP'],
]

export const GROUP_WORDS: readonly string[] = [
  'All Staff',
  'Printers',
  'Projekt Ořech',
  'Team',
  'Floor',
  'VPN',
  'License',
  'Share',
  'Building',
  'Newsletter',
  'Board',
  'Scanners',
  'Temp',
  'Contractors',
]
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  ł: 'l',
  ø: 'o',
  đ: 'd',
  ı: 'i',
}

/**
 * A name as user names are made of it: lower case, accents folded, spaces gone, apostrophes and hyphens kept. Empty
 * for scripts that do not fold to ASCII.
 */
export function foldName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[ßłøđı]/g, (letter) => LETTERS[letter] ?? letter)
    .normalize('NFD')
    .replace(/[^a-z0-9'-]/g, '')
}
