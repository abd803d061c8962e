/** What can go wrong on purpose with the first slot of the SIMULATED PC/SC reader. Every fault stays until it is switched off. */
export const FAULTS = {
  mute: 'the card takes commands and says nothing',
  empty: 'the card is lost for a moment in every exchange: programs get an answer of no bytes',
  slow: 'the card takes a second for every answer',
  garbled: 'the card answers with one stray byte',
  overlong: 'the card answers with more than a short APDU may hold',
  'card-removed': 'the card leaves the field while it computes AUTHORISE',
  'no-power': 'whatever is put into the field does not answer to power',
  'exact-le': 'the card wants to be told exactly how long its answer is (6Cxx)',
  unplug: 'the service runs without this reader',
  'service-killed': 'pcscd was killed',
  decline: 'the person refuses on the phone',
  pieces: 'the phone answers in pieces of 100 bytes (61xx, GET RESPONSE)',
} as const;

export type FaultName = keyof typeof FAULTS;

export function isFaultName(text: unknown): text is FaultName {
  return typeof text === 'string' && Object.hasOwn(FAULTS, text);
}
