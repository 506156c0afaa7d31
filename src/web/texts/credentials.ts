// Texts of the credentials of a connection, and of registering the app.

export const credentialTexts = {
  credential: 'Credential',
  choices: {
    secret: 'Client secret',
    newCertificate: 'Certificate made by Muster',
    certificate: 'Certificate',
    workloadIdentity: 'Workload identity federation',
    managedIdentity: 'Managed identity',
  },
  secret: 'Client secret',
  secretHint: 'Its value, not its ID. It is sealed and never shown again.',
  expires: 'Expires on (optional)',
  expiresHint: 'Muster reads it from the app registration where it may.',
  certificate: 'Certificate and key (PEM)',
  certificateHint: 'Upload the certificate to the app registration; paste certificate and private key here.',
  madeHint:
    'When the connection is saved, Muster makes a key, which never leaves it, and a certificate, which you then download and upload to the app registration.',
  file: 'File with the token',
  fileHint: 'An absolute path on the machine that Muster runs on. It is read again for every request.',
  identity: 'Client ID of a user-assigned identity (optional)',
  identityHint: 'Empty: the identity of the machine itself.',
  title: 'Credentials',
  intro:
    'They are tried from the newest on, and the first that works is used. Add the new one before you remove the old one.',
  add: 'Add credential',
  addText: 'The ones that are there stay.',
  addAction: 'Add',
  added: 'The credential was added. Check connection tells whether it works.',
  remove: 'Remove',
  removeNamed: (name: string) => `Remove ${name}`,
  removeTitle: (name: string) => `Remove ${name}?`,
  removeText: 'It is deleted here. In the app registration it stays until you delete it there.',
  removed: 'The credential was removed',
  download: 'Download certificate',
  uploadHint: 'Upload it to the app registration under Certificates & secrets › Certificates.',
  enterExpiry: 'Enter expiry',
  enterExpiryTitle: 'When does the client secret expire?',
  enterExpiryText: 'As Entra shows it under Certificates & secrets. Empty: not known.',
  expiryDay: 'Expires on',
  save: 'Save',
  states: { works: 'Works', refused: 'Refused', untried: 'Not tried yet' },
  names: {
    secret: 'Client secret',
    certificate: 'Certificate',
    workloadIdentity: 'Workload identity',
    managedIdentity: 'Managed identity',
  },
  madeHere: 'made by Muster',
  ofMachine: 'of this machine',
  addedOn: (day: string) => `added ${day}`,
  expiresOn: (day: string) => `expires ${day}`,
  expired: (day: string) => `expired ${day}`,
  expiryUnknown: 'expiry not known',
  expiryRead: (day: string) =>
    `When client secrets expire is read from the app registration once a day, the last time on ${day}.`,
  expiryUnread: (problem: string) =>
    `When client secrets expire could not be read from the app registration: ${problem} Where it is not known, enter it, so that Muster can warn before.`,
  endsSoon: (days: number) =>
    days < 0
      ? 'A credential has expired'
      : days === 0
        ? 'A credential expires today'
        : days === 1
          ? 'A credential expires in 1 day'
          : `A credential expires in ${days} days`,
  endsSoonRemedy: 'Make a new one in the Entra admin centre and add it here beside it.',
  howTo: 'How to register the app',
  howToIntro: 'With no more rights than what is chosen here needs.',
  copy: 'Copy',
  copied: 'Copied',
  close: 'Close',
} as const
