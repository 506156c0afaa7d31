// Texts of the terminal page, in the languages that it speaks: the browser's while it waits, the person's afterwards.

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
  digits: (count: number) => `${count} entered`,
  erase: 'Erase',
  ok: 'OK',
  back: 'Back',
  scan: 'Scan this with your phone, or open the address, and type the code:',
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
  digits: (count) => `${count} eingegeben`,
  erase: 'Löschen',
  ok: 'OK',
  back: 'Zurück',
  scan: 'Scannen Sie dies mit dem Telefon oder öffnen Sie die Adresse, und geben Sie den Code ein:',
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
  digits: (count) => `${count} saisis`,
  erase: 'Effacer',
  ok: 'OK',
  back: 'Retour',
  scan: 'Scannez ceci avec votre téléphone ou ouvrez l’adresse, puis saisissez le code :',
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
  digits: (count) => `${count} introducidos`,
  erase: 'Borrar',
  ok: 'OK',
  back: 'Atrás',
  scan: 'Escanee esto con su teléfono o abra la dirección, y escriba el código:',
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
