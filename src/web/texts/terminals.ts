// Texts of the administrators' list of terminals.

export const terminalsTexts = {
  title: 'Terminals',
  intro:
    'Devices and other systems that ask who somebody is. A terminal identifies people in the ways given here, and can do nothing else.',
  add: 'Add terminal',
  addTitle: 'Add a terminal',
  addAction: 'Add',
  change: 'Change',
  changeTitle: (name: string) => `Change ${name}`,
  save: 'Save',
  name: 'Name',
  nameHint:
    'The device that it is, e.g. “Printer 2nd floor”. One device, one terminal: tries in vain are counted by terminal.',
  may: 'May identify people by',
  ways: {
    card: 'card',
    pin: 'PIN alone',
    userNamePin: 'user name and PIN',
    deviceCode: 'Microsoft, with a code on another device',
    password: 'user name and Microsoft password',
  },
  pinWarning:
    'A PIN alone is as secret as the key file of this installation. Prefer a card, or the user name with the PIN.',
  passwordWarning:
    'Works only for connections that allow Microsoft passwords at terminals, and for nobody who needs a second factor. Prefer the code on another device.',
  tells: 'Is told, beside the names',
  told: {
    groups: 'groups',
    language: 'language',
    email: 'email',
    phone: 'phone',
    department: 'department',
    costCenter: 'cost center',
    personalNumber: 'personal number',
    storage: 'user’s storage',
  },
  unknownCard: 'A card that nobody has',
  unknownCards: {
    refuse: 'is refused',
    register: 'may be registered by who identifies himself there in another way, but not by a code on another device',
    registerAlsoByCode: 'may be registered also by who signs in with a code on another device',
  },
  cardTransform: 'Card transformation',
  cardTransformHint:
    'How its reader writes cards, where it differs from the registry, e.g. strip(’:’) reverse hex2dec. Left empty, as they are.',
  days: 'Days until its token ends',
  daysHint: 'Left empty, it does not end by itself.',
  begins: 'Token begins with',
  lastUsed: 'Last used',
  ends: 'Ends',
  noEnd: 'does not end',
  ended: 'has ended',
  actions: 'Actions',
  renew: 'New token',
  renewTitle: (name: string) => `A new token for ${name}?`,
  renewText: 'The token that the terminal has now ends at once.',
  revoke: 'Revoke',
  revokeTitle: (name: string) => `Revoke ${name}?`,
  revokeText: 'The terminal is refused at once, and its name is free again.',
  theToken: 'The token of the terminal',
  theTokenText:
    'Give it to the device now: it cannot be shown again. For the page of a kiosk or tablet, open this link there, or scan it.',
  openPage: 'Link for the terminal page',
  qr: 'The link as a QR code',
  none: 'No terminals',
  noneText: 'A printer, a door or a tablet at the entrance needs one to ask who somebody is.',
} as const
