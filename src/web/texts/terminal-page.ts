// Texts of the terminal page, in the languages that it speaks: the browser's while it waits, the person's afterwards.
import type { Identification } from '../../contract/api/terminals.ts'
import { PERSON_REFUSALS } from '../../contract/sign-in-refusals.ts'

type Refusal = Extract<Identification, { readonly kind: 'refused' }>
type Reason = Refusal['reason']

/** Why nobody was identified that somebody can do something about; of all others he learns who did not let him in, and the code. */
const OWN_WORDS = [
  'unknown-card',
  'wrong-pin',
  'wrong-user-name-or-pin',
  'declined',
  'expired',
  'code-refused',
  'password-refused',
  'password-expired',
  'interaction-required',
  'account-blocked',
  'policy-blocked',
  'provider-unavailable',
] as const satisfies readonly Reason[]

/** Codes of problems that somebody can do something about. */
const PROBLEMS = [
  'registration-ended',
  'card-conflict',
  'too-many-cards',
  'deactivated',
  'terminal-changed',
  'unreachable',
] as const

/** What the server says in English, in another language. */
interface Told {
  readonly refusals: Readonly<Record<(typeof OWN_WORDS)[number], string>>
  readonly problems: Readonly<Record<(typeof PROBLEMS)[number], string>>
  /** The registry does not take the account. */
  readonly notHere: (reason: string) => string
  /** Microsoft does not let somebody in. */
  readonly notThere: (reason: string) => string
  /** Something cannot be done, and it is nothing of the person's. */
  readonly notNow: (code: string) => string
}

const en = {
  title: 'Terminal',
  setUp: 'Set up this terminal',
  setUpText:
    'Paste the token of this terminal. An administrator makes it under Settings › Terminals; a link with the token does the same.',
  token: 'Token',
  use: 'Use this token',
  stopped: 'This terminal is out of order',
  stoppedText: 'Its token was revoked, renewed or has ended. An administrator can give it a new one.',
  another: 'Enter another token',
  welcome: 'Who are you?',
  holdCard: 'Hold your card to the reader',
  noCard: 'This card is unknown',
  noCardText: 'It can become yours: identify yourself in another way.',
  pin: 'PIN',
  userName: 'User name',
  userNamePin: 'User name and PIN',
  deviceCode: 'Sign in with Microsoft',
  password: 'User name and Microsoft password',
  microsoftPassword: 'Password at Microsoft',
  asking: 'Asking Microsoft…',
  digits: (count: number) => `${count} entered`,
  erase: 'Erase',
  ok: 'OK',
  back: 'Back',
  scan: 'Scan this with your phone, or open the address, and type the code:',
  onlyHere:
    'Type this code only if you stand in front of this device. Whoever sends you a code wants to get in as you.',
  qr: 'The address as a QR code',
  waiting: 'Waiting for you to sign in…',
  chooseOrganization: 'Which organization?',
  hello: (name: string) => `Hello, ${name}`,
  groups: 'Groups',
  done: 'Done',
  register: 'Register the card that you showed',
  registered: 'The card is yours now.',
  wait: (seconds: number) => `Too many tries. Wait ${seconds} s.`,
  failed: 'This did not work',
  /** English is what the server says itself. */
  told: undefined as Told | undefined,
}

type PageTexts = typeof en

const de: PageTexts = {
  title: 'Terminal',
  setUp: 'Dieses Terminal einrichten',
  setUpText:
    'Fügen Sie das Token dieses Terminals ein. Ein Administrator erstellt es unter Settings › Terminals; ein Link mit dem Token tut dasselbe.',
  token: 'Token',
  use: 'Dieses Token verwenden',
  stopped: 'Dieses Terminal ist außer Betrieb',
  stoppedText:
    'Sein Token wurde widerrufen oder erneuert oder ist abgelaufen. Ein Administrator kann ihm ein neues geben.',
  another: 'Anderes Token eingeben',
  welcome: 'Wer sind Sie?',
  holdCard: 'Halten Sie Ihre Karte an den Leser',
  noCard: 'Diese Karte ist unbekannt',
  noCardText: 'Sie kann Ihre werden: Melden Sie sich auf anderem Weg an.',
  pin: 'PIN',
  userName: 'Benutzername',
  userNamePin: 'Benutzername und PIN',
  deviceCode: 'Mit Microsoft anmelden',
  password: 'Benutzername und Microsoft-Kennwort',
  microsoftPassword: 'Kennwort bei Microsoft',
  asking: 'Microsoft wird gefragt …',
  digits: (count) => `${count} eingegeben`,
  erase: 'Löschen',
  ok: 'OK',
  back: 'Zurück',
  scan: 'Scannen Sie dies mit dem Telefon oder öffnen Sie die Adresse, und geben Sie den Code ein:',
  onlyHere:
    'Geben Sie diesen Code nur ein, wenn Sie vor diesem Gerät stehen. Wer Ihnen einen Code schickt, will an Ihrer Stelle hinein.',
  qr: 'Die Adresse als QR-Code',
  waiting: 'Warten auf Ihre Anmeldung …',
  chooseOrganization: 'Welche Organisation?',
  hello: (name) => `Hallo, ${name}`,
  groups: 'Gruppen',
  done: 'Fertig',
  register: 'Die gezeigte Karte registrieren',
  registered: 'Die Karte gehört jetzt Ihnen.',
  wait: (seconds) => `Zu viele Versuche. Warten Sie ${seconds} s.`,
  failed: 'Das hat nicht funktioniert',
  told: {
    refusals: {
      'unknown-card': 'Diese Karte hat niemand.',
      'wrong-pin': 'Die PIN ist falsch.',
      'wrong-user-name-or-pin': 'Benutzername oder PIN ist falsch.',
      declined: 'Die Anmeldung wurde abgelehnt.',
      expired: 'Der Code ist abgelaufen. Beginnen Sie neu.',
      'code-refused': 'Der Code ist abgelaufen. Beginnen Sie neu.',
      'password-refused': 'Benutzername oder Kennwort ist falsch, oder Ihr Kennwort liegt nicht bei Microsoft.',
      'password-expired':
        'Ihr Kennwort muss erst geändert werden. Tun Sie das an einem Computer, und versuchen Sie es dann erneut.',
      'interaction-required':
        'Microsoft verlangt mehr als ein Kennwort, z. B. einen zweiten Faktor. Das geht hier nicht; melden Sie sich auf anderem Weg an.',
      'account-blocked': 'Ihr Microsoft-Konto ist gesperrt oder deaktiviert. Fragen Sie, wer die Konten betreut.',
      'policy-blocked':
        'Eine Regel Ihrer Organisation lässt Sie hier nicht hinein. Melden Sie sich auf anderem Weg an.',
      'provider-unavailable': 'Microsoft antwortet gerade nicht. Versuchen Sie es in einer Minute erneut.',
    },
    problems: {
      'registration-ended':
        'Die Karte wurde nicht registriert: Die zwei Minuten dafür sind vorbei. Melden Sie sich noch einmal an.',
      'card-conflict': 'Diese Karte gehört jemand anderem. Fragen Sie, wer die Karten betreut.',
      'too-many-cards': 'Mehr Karten können Sie nicht selbst registrieren. Fragen Sie, wer die Karten betreut.',
      deactivated: 'Sie sind hier nicht mehr aktiv; die Karte wurde nicht registriert.',
      'terminal-changed': 'Dieses Terminal wurde gerade geändert. Versuchen Sie es noch einmal.',
      unreachable: 'Das Terminal erreicht den Server nicht. Versuchen Sie es in einer Minute erneut.',
    },
    notHere: (reason) => `Ihr Microsoft-Konto gilt hier nicht. Fragen Sie, wer die Konten betreut (${reason}).`,
    notThere: (reason) => `Microsoft hat Sie nicht hineingelassen. Fragen Sie, wer die Konten betreut (${reason}).`,
    notNow: (code) =>
      `Das geht hier im Moment nicht. Wenden Sie sich an die Person, die dieses Terminal betreut (${code}).`,
  },
}

const fr: PageTexts = {
  title: 'Terminal',
  setUp: 'Configurer ce terminal',
  setUpText:
    'Collez le jeton de ce terminal. Un administrateur le crée sous Settings › Terminals ; un lien avec le jeton fait de même.',
  token: 'Jeton',
  use: 'Utiliser ce jeton',
  stopped: 'Ce terminal est hors service',
  stoppedText: 'Son jeton a été révoqué, renouvelé ou a expiré. Un administrateur peut lui en donner un nouveau.',
  another: 'Saisir un autre jeton',
  welcome: 'Qui êtes-vous ?',
  holdCard: 'Présentez votre carte au lecteur',
  noCard: 'Cette carte est inconnue',
  noCardText: 'Elle peut devenir la vôtre : identifiez-vous autrement.',
  pin: 'Code PIN',
  userName: 'Nom d’utilisateur',
  userNamePin: 'Nom d’utilisateur et code PIN',
  deviceCode: 'Se connecter avec Microsoft',
  password: 'Nom d’utilisateur et mot de passe Microsoft',
  microsoftPassword: 'Mot de passe Microsoft',
  asking: 'Microsoft est interrogé…',
  digits: (count) => `${count} saisis`,
  erase: 'Effacer',
  ok: 'OK',
  back: 'Retour',
  scan: 'Scannez ceci avec votre téléphone ou ouvrez l’adresse, puis saisissez le code :',
  onlyHere:
    'Ne saisissez ce code que si vous êtes devant cet appareil. Qui vous envoie un code veut entrer à votre place.',
  qr: 'L’adresse sous forme de code QR',
  waiting: 'En attente de votre connexion…',
  chooseOrganization: 'Quelle organisation ?',
  hello: (name) => `Bonjour, ${name}`,
  groups: 'Groupes',
  done: 'Terminé',
  register: 'Enregistrer la carte présentée',
  registered: 'La carte est maintenant la vôtre.',
  wait: (seconds) => `Trop d’essais. Attendez ${seconds} s.`,
  failed: 'Cela n’a pas fonctionné',
  told: {
    refusals: {
      'unknown-card': 'Personne n’a cette carte.',
      'wrong-pin': 'Le code PIN est incorrect.',
      'wrong-user-name-or-pin': 'Le nom d’utilisateur ou le code PIN est incorrect.',
      declined: 'La connexion a été refusée.',
      expired: 'Le code a expiré. Recommencez.',
      'code-refused': 'Le code a expiré. Recommencez.',
      'password-refused':
        'Le nom d’utilisateur ou le mot de passe est incorrect, ou votre mot de passe n’est pas chez Microsoft.',
      'password-expired': 'Votre mot de passe doit d’abord être changé. Faites-le sur un ordinateur, puis réessayez.',
      'interaction-required':
        'Microsoft demande plus qu’un mot de passe, par exemple un second facteur. C’est impossible ici ; identifiez-vous autrement.',
      'account-blocked': 'Votre compte Microsoft est verrouillé ou désactivé. Adressez-vous à qui gère les comptes.',
      'policy-blocked': 'Une règle de votre organisation ne vous laisse pas entrer ici. Identifiez-vous autrement.',
      'provider-unavailable': 'Microsoft ne répond pas pour l’instant. Réessayez dans une minute.',
    },
    problems: {
      'registration-ended':
        'La carte n’a pas été enregistrée : les deux minutes prévues sont passées. Identifiez-vous de nouveau.',
      'card-conflict': 'Cette carte appartient à quelqu’un d’autre. Adressez-vous à qui gère les cartes.',
      'too-many-cards':
        'Vous ne pouvez pas enregistrer davantage de cartes vous-même. Adressez-vous à qui gère les cartes.',
      deactivated: 'Vous n’êtes plus actif ici ; la carte n’a pas été enregistrée.',
      'terminal-changed': 'Ce terminal vient d’être modifié. Réessayez.',
      unreachable: 'Le terminal n’atteint pas le serveur. Réessayez dans une minute.',
    },
    notHere: (reason) =>
      `Votre compte Microsoft n’est pas valable ici. Adressez-vous à qui gère les comptes (${reason}).`,
    notThere: (reason) => `Microsoft ne vous a pas laissé entrer. Adressez-vous à qui gère les comptes (${reason}).`,
    notNow: (code) => `C’est impossible ici pour l’instant. Dites-le à qui s’occupe de ce terminal (${code}).`,
  },
}

const es: PageTexts = {
  title: 'Terminal',
  setUp: 'Configurar este terminal',
  setUpText:
    'Pegue el token de este terminal. Un administrador lo crea en Settings › Terminals; un enlace con el token hace lo mismo.',
  token: 'Token',
  use: 'Usar este token',
  stopped: 'Este terminal está fuera de servicio',
  stoppedText: 'Su token fue revocado, renovado o ha caducado. Un administrador puede darle uno nuevo.',
  another: 'Introducir otro token',
  welcome: '¿Quién es usted?',
  holdCard: 'Acerque su tarjeta al lector',
  noCard: 'Esta tarjeta es desconocida',
  noCardText: 'Puede ser suya: identifíquese de otra manera.',
  pin: 'PIN',
  userName: 'Nombre de usuario',
  userNamePin: 'Nombre de usuario y PIN',
  deviceCode: 'Iniciar sesión con Microsoft',
  password: 'Nombre de usuario y contraseña de Microsoft',
  microsoftPassword: 'Contraseña de Microsoft',
  asking: 'Preguntando a Microsoft…',
  digits: (count) => `${count} introducidos`,
  erase: 'Borrar',
  ok: 'OK',
  back: 'Atrás',
  scan: 'Escanee esto con su teléfono o abra la dirección, y escriba el código:',
  onlyHere:
    'Escriba este código solo si está delante de este dispositivo. Quien le envía un código quiere entrar en su lugar.',
  qr: 'La dirección como código QR',
  waiting: 'Esperando a que inicie sesión…',
  chooseOrganization: '¿Qué organización?',
  hello: (name) => `Hola, ${name}`,
  groups: 'Grupos',
  done: 'Listo',
  register: 'Registrar la tarjeta mostrada',
  registered: 'La tarjeta ya es suya.',
  wait: (seconds) => `Demasiados intentos. Espere ${seconds} s.`,
  failed: 'No ha funcionado',
  told: {
    refusals: {
      'unknown-card': 'Nadie tiene esta tarjeta.',
      'wrong-pin': 'El PIN es incorrecto.',
      'wrong-user-name-or-pin': 'El nombre de usuario o el PIN es incorrecto.',
      declined: 'El inicio de sesión fue rechazado.',
      expired: 'El código ha caducado. Empiece de nuevo.',
      'code-refused': 'El código ha caducado. Empiece de nuevo.',
      'password-refused': 'El nombre de usuario o la contraseña es incorrecto, o su contraseña no está en Microsoft.',
      'password-expired': 'Primero hay que cambiar su contraseña. Hágalo en un ordenador y vuelva a intentarlo.',
      'interaction-required':
        'Microsoft pide más que una contraseña, por ejemplo un segundo factor. Aquí no es posible; identifíquese de otra manera.',
      'account-blocked': 'Su cuenta de Microsoft está bloqueada o desactivada. Pregunte a quien lleva las cuentas.',
      'policy-blocked': 'Una regla de su organización no le deja entrar aquí. Identifíquese de otra manera.',
      'provider-unavailable': 'Microsoft no responde en este momento. Vuelva a intentarlo en un minuto.',
    },
    problems: {
      'registration-ended': 'La tarjeta no se registró: han pasado los dos minutos previstos. Identifíquese otra vez.',
      'card-conflict': 'Esta tarjeta es de otra persona. Pregunte a quien lleva las tarjetas.',
      'too-many-cards': 'No puede registrar más tarjetas usted mismo. Pregunte a quien lleva las tarjetas.',
      deactivated: 'Usted ya no está activo aquí; la tarjeta no se registró.',
      'terminal-changed': 'Este terminal se acaba de modificar. Vuelva a intentarlo.',
      unreachable: 'El terminal no llega al servidor. Vuelva a intentarlo en un minuto.',
    },
    notHere: (reason) => `Su cuenta de Microsoft no vale aquí. Pregunte a quien lleva las cuentas (${reason}).`,
    notThere: (reason) => `Microsoft no le ha dejado entrar. Pregunte a quien lleva las cuentas (${reason}).`,
    notNow: (code) => `Aquí no es posible en este momento. Dígaselo a quien se ocupa de este terminal (${code}).`,
  },
}

const LANGUAGES: Readonly<Record<string, PageTexts>> = { en, de, fr, es }

export interface Spoken {
  readonly language: string
  readonly texts: PageTexts
}

/** @param wanted language tags such as `de-AT`, the one liked best first; English where none is spoken here */
export function speak(...wanted: readonly (string | null | undefined)[]): Spoken {
  for (const tag of wanted) {
    const language = (tag ?? '').toLowerCase().split('-')[0] ?? ''
    const texts = Object.hasOwn(LANGUAGES, language) ? LANGUAGES[language] : undefined
    if (texts !== undefined) return { language, texts }
  }
  return { language: 'en', texts: en }
}

/** Why nobody was identified, for whoever stands there. */
export function tellRefusal({ told }: PageTexts, { reason, message }: Pick<Refusal, 'reason' | 'message'>): string {
  if (told === undefined) return message
  if (isOneOf(OWN_WORDS, reason)) return told.refusals[reason]
  return isOneOf(PERSON_REFUSALS, reason) ? told.notHere(reason) : told.notThere(reason)
}

/** What the server refused, for whoever stands there. A sign-in that cannot be begun has the code of a refusal. */
export function tellProblem(
  { told }: PageTexts,
  { code, message }: { readonly code: string; readonly message: string },
): string {
  if (told === undefined) return message
  if (isOneOf(PROBLEMS, code)) return told.problems[code]
  return isOneOf(OWN_WORDS, code) ? told.refusals[code] : told.notNow(code)
}

function isOneOf<Known extends string>(known: readonly Known[], code: string): code is Known {
  return known.some((one) => one === code)
}
